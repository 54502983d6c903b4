"""What a file is, judged by real files where a library makes them."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import pickle
import zipfile
import zlib

import pytest

from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration import classify
from kronkers_studio.migration.classification import HEAD_BYTES, NOTEBOOK_BYTES, type_of


def described(path: str, content: bytes) -> tuple[FileKind, str]:
    kind, description, _ = classify(path, content[: type_of(path).bytes_wanted or HEAD_BYTES])
    return kind, description


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b,c\n1,2,3\n", "3 columns"),
        (b"a;b\r\n1,5;2\r\n", "2 columns"),
        (b"\xef\xbb\xbfa\tb\n", "2 columns"),
        (b'"last, first",age\n', "2 columns"),
        (b"old mac,line ends\rx,y\r", "2 columns"),
        ("größe,preis\n".encode("cp1252"), "2 columns"),
        ("a,b,c\n1,2,3\n".encode("utf-16"), "3 columns"),
        (b"one\n1\n", "1 column"),
        (b"no end of line,b", "2 columns"),
    ],
)
def test_columns_of_a_table_are_counted(content: bytes, columns: str) -> None:
    assert described("t.csv", content) == (FileKind.DATA, f"Data, CSV, {columns}")


def test_a_headings_line_longer_than_what_is_looked_at_is_said_to_be() -> None:
    wide = ",".join(f"column{number}" for number in range(2000)).encode()
    kind, description = described("wide.csv", wide + b"\n")
    assert kind is FileKind.DATA
    assert description.startswith("Data, CSV, more than ")


def test_a_table_that_is_no_text_is_not_counted() -> None:
    assert described("t.csv", b"\0\1\2,\0") == (FileKind.DATA, "Data, CSV")


def test_cells_of_a_notebook_are_counted_when_it_is_seen_whole() -> None:
    notebook = json.dumps({"cells": [{"cell_type": "code", "source": []}] * 12, "nbformat": 4}).encode()
    assert described("n.ipynb", notebook) == (FileKind.NOTEBOOK, "Notebook, 12 cells")
    assert described("n.ipynb", notebook[:50]) == (FileKind.NOTEBOOK, "Notebook, Jupyter")
    assert described("n.ipynb", notebook + b" " * NOTEBOOK_BYTES) == (FileKind.NOTEBOOK, "Notebook, Jupyter")
    assert described("n.ipynb", b"[" * 100_000) == (FileKind.NOTEBOOK, "Notebook, Jupyter")


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3)])
@pytest.mark.parametrize("name", ["m.joblib", "m.pkl", "m.pickle"])
def test_a_scikit_learn_model_is_recognised_by_its_bytes(name: str, compress: int | tuple[str, int]) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    file = io.BytesIO()
    joblib.dump({"model": model, "trained": "2026"}, file, compress=compress)

    container = "joblib" if name.endswith("joblib") else "pickle"
    assert described(name, file.getvalue()) == (FileKind.MODEL, f"Model, scikit-learn ({container})")
    assert classify(name, file.getvalue()[:HEAD_BYTES])[2] is bool(compress)


def test_a_pickle_of_arrays_is_data_and_of_plain_objects_neither() -> None:
    import numpy as np

    assert described("x.pkl", pickle.dumps(np.arange(3))) == (FileKind.DATA, "Data, NumPy (pickle)")
    assert described("x.pkl", pickle.dumps({"a": 1})) == (FileKind.OTHER, "Python object (pickle)")
    assert described("x.joblib", bz2.compress(b"?")) == (FileKind.OTHER, "Python object (joblib)")
    assert described("x.joblib", zlib.compress(b"?")[:1] + b"broken") == (FileKind.OTHER, "Python object (joblib)")


def test_an_onnx_model_is_recognised_and_a_pretender_is_not() -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [value])
    model = helper.make_model(graph, producer_name="test")

    assert described("m.onnx", model.SerializeToString()) == (FileKind.MODEL, "Model, ONNX")
    assert described("m.onnx", b"<html>not found</html>")[0] is FileKind.OTHER


def test_a_real_workbook_a_protected_one_and_a_pretender_are_told_apart() -> None:
    from openpyxl import Workbook

    file = io.BytesIO()
    Workbook().save(file)
    assert described("w.xlsx", file.getvalue()) == (FileKind.DATA, "Data, Excel workbook")
    assert "password" in described("w.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")[1]
    assert described("w.xlsx", b"<html>")[0] is FileKind.OTHER


def test_an_array_shows_its_shape() -> None:
    import numpy as np

    file = io.BytesIO()
    np.save(file, np.zeros((150, 4)))
    assert described("a.npy", file.getvalue()) == (FileKind.DATA, "Data, NumPy array, 150 × 4")


def test_r_objects_are_told_apart_as_far_as_they_can_be_seen() -> None:
    head = b"X\n\0\0\0\x03"
    model = gzip.compress(head + b"..." + b"\0\0\0\x09\0\0\0\x03glm\0\0\0\x09\0\0\0\x02lm")
    frame = gzip.compress(head + b"..." + b"\0\0\0\x0adata.frame")
    assert described("m.rds", model) == (FileKind.MODEL, "Model, R (RDS)")
    assert described("m.rds", frame) == (FileKind.DATA, "Data, R data frame (RDS)")
    assert described("m.rds", gzip.compress(head)) == (FileKind.DATA, "Data, R object (RDS)")


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("a/b.R", b"x <- 1", (FileKind.CODE, "Code, R script")),
        ("notes.MD", b"#", (FileKind.DOCUMENT, "Document, Markdown")),
        ("requirements.txt", b"numpy", (FileKind.CODE, "Code, Python requirements")),
        ("model/MLmodel", b"flavors:", (FileKind.MODEL, "Model, MLflow")),
        ("booster.json", b'{"learner":{"attributes":{', (FileKind.MODEL, "Model, XGBoost (JSON)")),
        ("rows.json", b'{"rows":[]}', (FileKind.DATA, "Data, JSON")),
        ("booster.txt", b"tree\nversion=v4\n", (FileKind.MODEL, "Model, LightGBM (text)")),
        ("letter.txt", b"Dear", (FileKind.DOCUMENT, "Document, text")),
        ("table.parquet", b"PAR1", (FileKind.DATA, "Data, Parquet")),
        ("survey.sav", b"$FL2@(#) SPSS", (FileKind.DATA, "Data, SPSS")),
        (
            "model.sav",
            b"\x80\x04\x95\0\0\0\0\0\0\0\0\x8c\x0fsklearn.svm",
            (FileKind.MODEL, "Model, scikit-learn (pickle)"),
        ),
        ("nameless", b"PAR1....", (FileKind.DATA, "Data, Parquet")),
        ("nameless", b"%PDF-1.7", (FileKind.DOCUMENT, "Document, PDF")),
        ("nameless", b"#!/usr/bin/env python3\n", (FileKind.CODE, "Code, script")),
        ("nameless", b"\x80\x05\x95sklearn", (FileKind.MODEL, "Model, scikit-learn (pickle)")),
        ("nameless", b"just words", (FileKind.DOCUMENT, "Document, text")),
        ("nameless.xyz", b"\x00\x01", (FileKind.OTHER, "File of a type not known here")),
        ("nothing.csv", b"", (FileKind.DATA, "Data, CSV, empty")),
        ("nothing", b"", (FileKind.OTHER, "Empty file")),
        (".env", b"A=1", (FileKind.DOCUMENT, "Document, text")),
    ],
)
def test_names_and_first_bytes_say_what_a_file_is(path: str, content: bytes, expected: tuple[FileKind, str]) -> None:
    assert described(path, content) == expected


def test_what_is_compressed_already_is_known() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "a")
    assert classify("nameless", file.getvalue())[2]
    assert classify("a.png", b"\x89PNG")[2]
    assert not classify("a.csv", b"a,b\n")[2]
