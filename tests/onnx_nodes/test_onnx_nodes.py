"""Whatever tensors the protocol can carry, an ONNX model takes and gives them as onnxruntime does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.onnx_nodes.node_cases import Outcome, all_cases, cases_of, outcome_of

_SAMPLE = (  # single values, empty tensors, texts, truth values, halves, NaN and infinity, state in and out, no input
    *(
        "adagrad",
        "and_",
        "clip",
        "constant",
        "gru",
        "identity",
        "isinf",
        "isnan",
        "lstm",
        "nonzero",
        "onehot",
        "rangeop",
    ),
    *(
        "reduce_log_sum",
        "reshape",
        "scan",
        "shape",
        "size",
        "split",
        "squeeze",
        "string_concat",
        "string_split",
        "topk",
        "unique",
        "where",
    ),
)


def outcomes(cases: list[Any], folder: Path) -> list[Outcome]:
    with np.errstate(all="ignore"):  # some are about infinity
        return [outcome_of(case, folder) for case in cases]


def test_a_sample_of_the_node_tests_answers_as_recorded(tmp_path: Path) -> None:
    found = outcomes(cases_of(*_SAMPLE), tmp_path)
    assert [one for one in found if one.kind in ("wrong", "refused")] == []
    assert sum(one.kind == "equal" for one in found) > len(found) * 0.75


@pytest.mark.slow
def test_every_node_test_that_onnxruntime_can_run_answers_as_recorded(tmp_path: Path) -> None:
    found = outcomes(all_cases(), tmp_path)
    kinds = Counter(one.kind for one in found)
    print(kinds, Counter(f"{one.kind}: {one.reason}" for one in found if one.reason).most_common())
    assert [one for one in found if one.kind in ("wrong", "refused")] == []
    assert kinds["equal"] > len(found) * 0.8
