"""The service as one ASGI application: routes, metrics and answers for everything that goes wrong."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.http.access import Access
from kronkers_studio.serving.http.answers import Answer, Send, json_answer, problem, refused, send_answer
from kronkers_studio.serving.http.bodies import SAMPLED, Receive, Scope, SenderGone, header
from kronkers_studio.serving.http.identity import CHALLENGE, PROOF, Identity
from kronkers_studio.serving.http.inference import Inference
from kronkers_studio.serving.http.openapi import openapi_document
from kronkers_studio.serving.http.prediction import Prediction
from kronkers_studio.serving.http.recorded_rows import RecordedRows
from kronkers_studio.serving.http.request_ids import REQUEST_ID, RequestIds
from kronkers_studio.serving.http.routes import Routes
from kronkers_studio.serving.http.try_it import try_it_page
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.metrics.exposition import CONTENT_TYPE, Metrics
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.model_failures import Failure, failure_of
from kronkers_studio.serving.problems import Refusal, shown
from kronkers_studio.serving.recording.recorder import Recorder

_log = logging.getLogger(__name__)
_Handler = Callable[[Scope, Receive], Awaitable[Answer]]

_AFTER = re.compile(rb"(?:after=(?P<after>[0-9]{1,12}(?:\.[0-9]{1,6})?))?")
_WITHOUT_FEATURES = b"features=no"
"""Of /metrics: those who ask every other second have no use for thousands of series."""
_STOPPED = ((b"retry-after", b"1"), (b"connection", b"close"))


@dataclass(frozen=True)
class Limits:
    """What one request and the process may hold."""

    most_rows: int = 10_000
    most_bytes: int = 16 * 1024 * 1024
    most_waiting: int = 64


def build_app(
    manifest: Manifest,
    model: Model,
    runner: Runner,
    limits: Limits,
    *,
    identity: Identity | None,
    address: str,
    unready: Callable[[], str],
    metrics: Metrics,
    recorder: Recorder | None = None,
) -> Access:
    """The application that serves ``model`` on ``address`` as ``identity``; ``unready`` says why it takes no requests
    (until it is warm, and while it stops; else ""), ``metrics`` counts them, ``recorder`` keeps some of them."""
    bounds = {"most_rows": limits.most_rows, "most_bytes": limits.most_bytes}
    counted = metrics.features is not None
    prediction = Prediction(manifest, model, runner, **bounds, counted=counted)
    inference = Inference(manifest, model, runner, **bounds, counted=counted)

    async def show_metrics(scope: Scope, _receive: Receive) -> Answer:
        text = metrics.text(features=scope["query_string"] != _WITHOUT_FEATURES)
        return Answer(text, headers=((b"content-type", CONTENT_TYPE.encode()),))

    async def statistics(_scope: Scope, _receive: Receive) -> Answer:
        return json_answer(metrics.statistics())

    async def history(scope: Scope, _receive: Receive) -> Answer:
        return Answer(metrics.history.after(_uptime(scope)))

    async def live(_scope: Scope, _receive: Receive) -> Answer:
        return json_answer({"live": True})

    async def readiness(scope: Scope, _receive: Receive) -> Answer:
        recording = {} if recorder is None else {"recording": {"problem": recorder.problem}}
        answer = _readiness({"live": True, **recording}, unready())
        challenge = header(scope, CHALLENGE)
        if identity is None or challenge is None:
            return answer
        proof = identity.proof(challenge.encode("latin-1"))
        if proof is None:
            raise Refusal("The header Kronkers-Challenge must hold 64 hexadecimal digits.")
        return replace(answer, headers=(*answer.headers, (PROOF, proof)))

    async def server(_scope: Scope, _receive: Receive) -> Answer:
        return json_answer(inference.server_metadata())

    async def described(scope: Scope, _receive: Receive) -> Answer:
        inference.check_model(scope["path_params"])
        return json_answer(inference.model_metadata())

    async def model_readiness(scope: Scope, _receive: Receive) -> Answer:
        inference.check_model(scope["path_params"])
        return _readiness({"name": manifest.name}, unready())

    @functools.cache
    def description() -> Answer:
        return json_answer(openapi_document(manifest, model, prediction.reader, prediction.most_rows))

    async def openapi(_scope: Scope, _receive: Receive) -> Answer:
        return description()

    async def try_it(_scope: Scope, _receive: Receive) -> Answer:
        return try_it_page()

    ids = RequestIds()
    recorded = RecordedRows(recorder) if recorder is not None else None
    routes = Routes(
        exact={
            "/predict": _Counted(prediction.answer, metrics, "/predict", ids, recorder),
            "/": _Endpoint(GET=try_it),
            "/openapi.json": _Endpoint(GET=openapi),
            "/metrics": _Endpoint(GET=show_metrics),
            "/history": _Endpoint(GET=history),
            "/statistics": _Endpoint(GET=statistics),
            "/v2/health/live": _Endpoint(GET=live),
            "/v2/health/ready": _Endpoint(GET=readiness),
            "/v2": _Endpoint(GET=server),
            **(
                {"/recorded-rows": _Endpoint(GET=recorded.read, DELETE=recorded.remove)} if recorded is not None else {}
            ),
        },
        of_model={
            "/infer": _Counted(inference.answer, metrics, "infer", ids, recorder),
            "/ready": _Endpoint(GET=model_readiness),
            "": _Endpoint(GET=described),
        },
        default=_unknown,
    )
    return Access(routes, identity, address)


def _readiness(content: dict[str, object], reason: str) -> Answer:
    if not reason:
        return json_answer({**content, "ready": True})
    return json_answer({**content, "ready": False, "reason": reason}, status=503)


def _uptime(scope: Scope) -> float:
    """The number in the query ``after=…``; 0 without a query."""
    asked = _AFTER.fullmatch(scope["query_string"])
    if asked is None:
        raise Refusal("The query must be after=SECONDS, the service's uptime up to which all is known.", field="after")
    return float(asked["after"] or 0)


class _Endpoint:
    """One route's ASGI application: the answer of the method's handler, or an answer for whatever it raises."""

    def __init__(self, **handlers: _Handler) -> None:
        self._handlers = handlers
        self._taken = ", ".join(handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except SenderGone:
            return
        await send_answer(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method = scope["method"]
        handler = self._handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            allow = ((b"allow", self._taken.encode()),)
            return problem(f"This address takes {self._taken}, not {method[:20]}.", 405, headers=allow)
        try:
            return await handler(scope, receive)
        except SenderGone:
            raise
        except asyncio.CancelledError:  # the server lets go of what is left when it stops
            return problem("The service stopped before it had an answer.", 503, headers=_STOPPED)
        except Refusal as refusal:
            return refused(refusal)
        except Exception as error:  # noqa: BLE001 — models may raise anything; the service must go on
            return _failed(failure_of(error))


class _Counted(_Endpoint):
    """An endpoint of predictions: its requests are measured, perhaps recorded, and have an id that goes back with the
    answer."""

    def __init__(
        self, handler: _Handler, metrics: Metrics, route: str, ids: RequestIds, recorder: Recorder | None
    ) -> None:
        super().__init__(POST=handler)
        self._ids = ids
        self._metrics = metrics
        self._route = route
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self._metrics.began()
        code, rows, label, inputs = 499, 0, None, None  # the sender hung up
        name = self._ids.of(scope)
        if self._recorder is not None and self._recorder.samples(name):
            scope[SAMPLED] = True
        try:
            answer = await self._answer(scope, receive)
            code, rows, label, inputs = answer.status, answer.rows, answer.label, answer.inputs
            if self._recorder is not None and answer.recorded is not None:
                self._recorder.add(name, answer.recorded)
            await send_answer(send, answer, ((REQUEST_ID, name),))
        except SenderGone:
            pass
        finally:
            self._metrics.answered(self._route, code, time.perf_counter() - started, rows, label, inputs)


def _failed(failure: Failure) -> Answer:
    """The model failed on checked input, or has checks of its own. The log names the error and its place, never its
    text: that may quote rows."""
    if failure.of_values:
        return problem(f"The model does not take these rows: {failure.reason}", 422)
    _log.error("the model failed", extra={"fields": {"error": failure.kind, "place": failure.place}})
    return problem(f"The model failed on these rows: {failure.kind}: {failure.reason}", 500)


async def _unknown(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        message = f"There is nothing at {shown(scope['path'])}; try /predict, /openapi.json, /v2 or /metrics."
        await send_answer(send, problem(message, 404))
