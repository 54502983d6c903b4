"""Programs that ask a service: no name of a column can end a string in one, and none holds the key."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.service_snippets import snippets

_ADDRESS = "http://127.0.0.1:30000"
_HOSTILE = [
    '"); import os; os.system("touch harm") #',
    "'''); harm() #",
    "a\\",
    "a\nb",
    "{body}",
    "Größe 🍷",
    "\u2028harm",
    "\x00",
    '" ; system("harm") #',
]


def _sent_by_python(program: str) -> Any:
    """What the program sends, read from its syntax and not run."""
    (call,) = [
        node
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads"
    ]
    return json.loads(ast.literal_eval(call.args[0]))


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_columns_name_ends_no_string(name: str) -> None:
    rows = {"rows": [{name: 0}]}
    programs = snippets(_ADDRESS, rows)
    assert _sent_by_python(programs["Python"]) == rows
    names = {node.id for node in ast.walk(ast.parse(programs["Python"])) if isinstance(node, ast.Name)}
    assert names == {"json", "os", "urllib", "rows", "request", "answer", "print"}
    curl = programs["curl"].splitlines()
    assert len(curl) == 3 and curl[0].startswith("# ") and curl[1].startswith("# ")
    assert json.loads(curl[0].removeprefix("# rows.json: ")) == rows
    (line,) = [line for line in programs["R"].splitlines() if line.startswith("rows <- ")]
    assert json.loads(json.loads(line.removeprefix("rows <- "))) == rows


@given(st.text())
def test_whatever_a_column_is_called_the_programs_send_it(name: str) -> None:
    rows = {"rows": [{name: 0}]}
    assert _sent_by_python(snippets(_ADDRESS, rows)["Python"]) == rows


def test_each_program_has_the_address_and_reads_the_key_from_elsewhere() -> None:
    for language, program in snippets(_ADDRESS, {"rows": [{"a": 0}]}).items():
        assert f"{_ADDRESS}/predict" in program, language
        assert any(place in program for place in ("KRONKERS_KEY", "kronkers-key.txt", '[Name = "Key"]')), language


def test_whole_tensors_go_to_the_models_infer_address() -> None:
    body = {"inputs": [{"name": 'x"', "datatype": "FP32", "shape": [], "data": [0]}]}
    programs = snippets(_ADDRESS, body, "voice")
    assert _sent_by_python(programs["Python"]) == body
    for language in ("curl", "Python", "R"):
        assert f"{_ADDRESS}/v2/models/voice/infer" in programs[language]
        assert "/predict" not in programs[language]
    assert "takes no rows" in programs["Excel"]
