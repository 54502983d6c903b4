"""What somebody writes who wants no more than an answer: no check of what comes in, no counts, no limits."""

import sys

import joblib
import numpy as np
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

model = joblib.load("model.joblib")


async def predict(request: Request) -> Response:
    rows = orjson.loads(await request.body())["rows"]
    answer = {"outputs": model.predict(np.asarray(rows, dtype=np.float64)).tolist()}
    return Response(orjson.dumps(answer), media_type="application/json")


uvicorn.run(
    Starlette(routes=[Route("/predict", predict, methods=["POST"])]),
    port=int(sys.argv[1]),
    access_log=False,
    log_level="warning",
)
