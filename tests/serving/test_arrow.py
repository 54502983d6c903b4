"""POST /predict with rows as Apache Arrow, and the answer as Arrow.

The bodies in ``arrow_bodies`` are what pyarrow wrote; polars writes its own here.
"""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.inputs.arrow_answers import arrow_of
from kronkers_studio.serving.inputs.arrow_rows import rows_of_arrow
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.serving.model_folders import WINE_COLUMNS, wine_rows

_BODIES = Path(__file__).parent / "arrow_bodies"
_STREAM = "application/vnd.apache.arrow.stream"
_FILE = "application/vnd.apache.arrow.file"
_ROWS = wine_rows(20)

ROWS: list[dict[str, Any]] = [
    {
        **{"age": 41.5, "small": 0.5, "children": 1, "large": 2**64 - 1, "member": True, "city": "Bonn", "note": ""},
        **{"view": "short", "kind": "x", "day": "2024-02-29", "moment": "2024-02-29T13:00:00.000"},
        **{"utc": "2024-02-29T13:00:00", "none": None},
    },
    {
        **{"age": None, "small": 1.0, "children": 2, "large": 0, "member": False, "city": None, "note": "b"},
        **{"view": None, "kind": "y", "day": None, "moment": None, "utc": None, "none": None},
    },
    {
        **{"age": None, "small": 2.0, "children": 3, "large": 1, "member": True, "city": "Zürich"},
        **{"note": "more than twelve bytes", "view": "more than twelve bytes", "kind": None, "day": "1960-01-01"},
        **{"moment": "1960-01-01T00:00:00.000", "utc": "1960-01-01T00:00:00", "none": None},
    },
]


def _reader(*names: str, most_rows: int = 50) -> RowReader:
    specs = tuple(TensorSpec(name, "FP64", (-1, 1)) for name in names)
    return RowReader(Signature(specs), takes_missing=True, most_rows=most_rows)


_ALL = _reader(*ROWS[0])


def _read(body: bytes, reader: RowReader = _ALL, most_bytes: int = 1 << 20) -> list[Any]:
    return rows_of_arrow(body, reader, most_rows=50, most_bytes=most_bytes)


def _written(
    frame: pl.DataFrame, *, file: bool = False, oldest: bool = False, compression: Any = "uncompressed"
) -> bytes:
    out = io.BytesIO()
    level = pl.CompatLevel.oldest() if oldest else pl.CompatLevel.newest()
    (frame.write_ipc if file else frame.write_ipc_stream)(out, compat_level=level, compression=compression)
    return out.getvalue()


_WINE = pl.DataFrame(_ROWS)


def _asked(client: LoopbackClient, body: bytes, kind: str = _STREAM) -> tuple[int, Any]:
    status, answer = client.request("POST", "/predict", body, {"Content-Type": kind})
    return status, json.loads(answer)


@pytest.mark.parametrize("name", ["pyarrow.arrows", "pyarrow.arrow"])
def test_what_pyarrow_writes_is_read_as_json_would_say_it(name: str) -> None:
    assert _read((_BODIES / name).read_bytes()) == ROWS


@pytest.mark.parametrize("file", [False, True], ids=["stream", "file"])
@pytest.mark.parametrize("oldest", [False, True], ids=["views", "offsets"])
def test_what_polars_writes_is_read_as_json_would_say_it(*, file: bool, oldest: bool) -> None:
    frame = pl.DataFrame(
        {
            "age": [1.5, None, float("nan")],
            "city": ["x", "more than twelve bytes", None],
            "member": [True, None, False],
            "day": [date(2024, 2, 29), None, date(1960, 1, 1)],
            "moment": [datetime(2024, 2, 29, 13), None, datetime(1960, 1, 1)],
            "none": [None, None, None],
            "kind": pl.Series(["u", "v", None], dtype=pl.Categorical),
            "large": pl.Series([1, 2, 3], dtype=pl.UInt8),
        }
    )
    assert _read(_written(frame, file=file, oldest=oldest)) == [
        {
            **{"age": 1.5, "city": "x", "member": True, "day": "2024-02-29", "moment": "2024-02-29T13:00:00.000000"},
            **{"none": None, "kind": "u", "large": 1},
        },
        {
            **{"age": None, "city": "more than twelve bytes", "member": None, "day": None, "moment": None},
            **{"none": None, "kind": "v", "large": 2},
        },
        {
            **{"age": None, "city": None, "member": False, "day": "1960-01-01"},
            **{"moment": "1960-01-01T00:00:00.000000", "none": None, "kind": None, "large": 3},
        },
    ]


@pytest.mark.parametrize(("kind", "file"), [(_STREAM, False), (_FILE, True)])
def test_a_table_is_answered_as_the_same_rows_of_json(wine: LoopbackClient, kind: str, *, file: bool) -> None:
    body = json.dumps({"rows": _ROWS}).encode()
    same = json.loads(wine.request("POST", "/predict", body, {"Content-Type": "application/json"})[1])
    assert _asked(wine, _written(_WINE, file=file), kind) == (200, same)


def test_the_answer_is_an_arrow_stream_when_that_is_asked_for(wine: LoopbackClient) -> None:
    headers = {"Content-Type": _STREAM, "Accept": _STREAM}
    status, body = wine.request("POST", "/predict", _written(_WINE), headers)
    found = pl.read_ipc_stream(io.BytesIO(body))
    same = _asked(wine, _written(_WINE))[1]
    assert status == 200
    assert found.columns == ["output", "probability_0", "probability_1", "probability_2"]
    assert found["output"].to_list() == same["outputs"]
    assert found["probability_1"].to_list() == [row["1"] for row in same["probabilities"]]


def test_an_answer_of_every_type_is_read_back() -> None:
    columns = {
        "half": np.array([0.5, 2], dtype=np.float32),
        "whole": np.array([1, -2], dtype=np.int32),
        "truth": np.array([True, False]),
        "text": np.array(["é", "bb"], dtype=object),
        "double": np.array([1e300, np.nan]),
    }
    found = pl.read_ipc_stream(io.BytesIO(arrow_of(list(columns), list(columns.values()))))
    assert found.schema == {
        **{"half": pl.Float32, "whole": pl.Int32, "truth": pl.Boolean, "text": pl.String, "double": pl.Float64}
    }
    assert found.rows()[0] == (0.5, 1, True, "é", 1e300)
    assert found["text"][1] == "bb"


def _with(column: str, value: Any) -> bytes:
    """Three rows, of which the second holds ``value``."""
    rows = [_ROWS[0], {**_ROWS[1], column: value}, _ROWS[2]]
    return _written(pl.DataFrame({name: [row[name] for row in rows] for name in WINE_COLUMNS}, strict=False))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "The body is empty"),
        (b"PAR1 and more", 400, "The body is not Arrow"),
        (_written(_WINE.clear()), 400, "“rows” is empty"),
        (_written(_WINE)[:-300], 400, "The body is not Arrow"),
        (_with("ash", None), 400, "Row 2: the field “ash” is null, and this model cannot take missing values"),
        (_with("ash", float("inf")), 400, "Row 2: the field “ash” is out of range"),
        (_written(_WINE.with_columns(pl.lit("x").alias("ash"))), 400, "“ash” must be a number, not text."),
        (_written(_WINE.rename({"ash": "asch"})), 400, "did you mean “ash”?"),
        (_written(_WINE.drop("ash")), 400, "the field “ash” is missing"),
        (_written(_WINE.with_columns(pl.lit(1).alias("more"))), 400, "too many columns; this model takes 13"),
        (_written(pl.concat([_WINE] * 3)), 413, "One request may hold 50 rows"),
        (_written(_WINE, compression="zstd"), 415, "Compressed buffers are not supported"),
        ((_BODIES / "nested.arrows").read_bytes(), 400, "“age” is list in Arrow"),
    ],
)
def test_what_does_not_fit_is_said_with_its_row(wine: LoopbackClient, body: bytes, status: int, words: str) -> None:
    found, answer = _asked(wine, body)
    assert found == status
    assert words in answer["error"]


def test_compressed_buffers_of_pyarrow_are_refused() -> None:
    with pytest.raises(Refusal, match="Compressed buffers"):
        _read((_BODIES / "compressed.arrows").read_bytes())


def test_texts_that_share_a_buffer_do_not_multiply() -> None:
    body = _written(pl.DataFrame({"city": ["x" * 10_000] + ["y" * 13] * 39}))
    at = body.index(struct.pack("<i", 10_000) + b"xxxx")
    view = body[at : at + 16]
    shared = body[:at] + view * 40 + body[at + 16 * 40 :]
    assert [row["city"] for row in _read(shared)] == ["x" * 10_000] * 40
    with pytest.raises(Refusal, match="more values or text"):
        _read(shared, most_bytes=200_000)


@pytest.mark.parametrize("name", ["pyarrow.arrows", "pyarrow.arrow", "polars"])
def test_mutated_bodies_are_read_or_refused_within_bounds(name: str) -> None:
    frame = pl.DataFrame({"age": [1.5, None], "city": ["x", "more than twelve bytes"], "member": [True, None]})
    body = _written(frame) if name == "polars" else (_BODIES / name).read_bytes()
    chance = random.Random(name)
    values = [0, 1, 4, 8, 0x7F, 0x80, 0xFF]
    tracemalloc.start()
    try:
        for _ in range(1_000):
            changed = bytearray(body)
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(changed))
                changed[at] = chance.choice(values) if chance.random() < 0.6 else chance.randrange(256)
            if chance.random() < 0.1:
                del changed[chance.randrange(len(changed)) :]
            try:
                rows = _read(bytes(changed))
                _ALL.read(rows)
            except Refusal:
                pass
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
