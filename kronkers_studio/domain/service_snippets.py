"""How a model's service is asked in each language. None holds the key: it is read from a file or from the environment,
because programs are shared and what they are started with is seen by everybody on the computer."""

from __future__ import annotations

import json
from collections.abc import Mapping

KEY_VARIABLE = "KRONKERS_KEY"
"""The environment variable that the programs read the key from."""
LANGUAGES = ("curl", "Python", "R", "Excel")
HEADER_FILE = "kronkers-key.txt"
"""The file that curl reads the header with the key from."""


def snippets(address: str, rows: object, model: str = "") -> Mapping[str, str]:
    """By language, programs that send ``rows``, what a JSON document of them holds, to the service at ``address``.

    With ``model`` they send whole tensors, to that model's infer address, for it takes no rows. Names of columns and
    tensors are anybody's: they stand in the programs as strings that nothing can end.
    """
    path = f"v2/models/{model}/infer" if model else "predict"
    body = json.dumps(rows, ensure_ascii=False)
    if not body.isprintable():
        body = json.dumps(rows)
    literal = json.dumps(body, ensure_ascii=False)  # a string in Python and in R as well
    return {  # a program for each of LANGUAGES
        "curl": _CURL.format(address=address, path=path, body=body, file=HEADER_FILE),
        "Python": _PYTHON.format(address=address, path=path, body=literal, variable=KEY_VARIABLE),
        "R": _R.format(address=address, path=path, body=literal, variable=KEY_VARIABLE),
        "Excel": _NO_EXCEL if model else _EXCEL.format(address=address),
    }


_CURL = """\
# rows.json: {body}
# {file}: one line, Authorization: Bearer and the key
curl {address}/{path} -H @{file} -H "Content-Type: application/json" --data-binary @rows.json
"""

_PYTHON = """\
import json
import os
import urllib.request

rows = json.loads({body})
request = urllib.request.Request(
    "{address}/{path}",
    data=json.dumps(rows).encode(),
    headers={{"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["{variable}"]}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["outputs"])
"""

_R = """\
library(httr2)

rows <- {body}
answer <- request("{address}/{path}") |>
  req_auth_bearer_token(Sys.getenv("{variable}")) |>
  req_body_raw(rows, type = "application/json") |>
  req_perform()
print(resp_body_json(answer)$outputs)
"""

_EXCEL = """\
// Data, Get data, Blank query, Advanced editor. The workbook has a table called Rows with the model's columns,
// and a cell called Key with the key.
let
    Rows = Table.ToRecords(Excel.CurrentWorkbook(){{[Name = "Rows"]}}[Content]),
    Key = Excel.CurrentWorkbook(){{[Name = "Key"]}}[Content]{{0}}[Column1],
    Answer = Json.Document(Web.Contents("{address}/predict", [
        Headers = [#"Content-Type" = "application/json", Authorization = "Bearer " & Key],
        Content = Json.FromValue([rows = Rows])
    ]))
in
    Table.FromList(Answer[outputs], Splitter.SplitByNothing(), {{"Answer"}})
"""

_NO_EXCEL = """\
// This model takes no rows, and a table in Excel is nothing else: let a program send it whole tensors.
"""
