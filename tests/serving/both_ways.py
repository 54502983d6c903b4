"""A package's model in this process and in one of its own, beside each other.

    python -m tests.serving.both_ways PACKAGE…

is for the Python of libraries that the tests' own has not: it prints how often the two were compared, and fails with
what differs.
"""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.model_failures import failure_of
from kronkers_studio.serving.model_loader import load_here
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import NUMPY_TYPES, TensorSpec

INPUTS = "inputs.json"
_SIZES = (1, 2, 7, 40)
_KNOWN = ("Graz", "Wien")
_WORDS = (*_KNOWN, "", "für dich", "7", "2024-02-29", "𝛼 nul\x00l", "no such word")


def differences(package: Path, *, repeats: int = 2) -> tuple[int, list[str]]:
    """How often the model answered both ways, and how the answers, refusals, failures and facts differ."""
    manifest = read_manifest(package)
    here, beside = load_here(manifest, 1), PythonWorkers(package, 1, 1)
    with closing(beside.pool):
        found = [
            f"{name}: {getattr(here, name)!r}, {getattr(beside, name)!r}"
            for name in ("signature", "label", "probabilities", "classes", "takes_missing")
            if getattr(here, name) != getattr(beside, name)
        ]
        outputs = [spec.name for spec in here.signature.outputs] or [here.label]
        answered = 0
        for seed in range(repeats):
            for inputs in [*some_inputs(here, seed), *_given_inputs(here, package)]:
                for wanted in (outputs, outputs[:1], outputs[::-1]):
                    one, other = outcome(here, inputs, wanted), outcome(beside, inputs, wanted)
                    answered += isinstance(one, dict)
                    if one != other:
                        found.append(f"{wanted} of {inputs}: {one}, {other}")
    return answered, found


def outcome(model: Model, inputs: Arrays, wanted: list[str]) -> Any:
    """What ``model`` answers, to the bit: for each output its type, shape, order, and bytes or values with their types;
    else what it refuses or fails with."""
    try:
        outputs = model.run(inputs, wanted)
    except Refusal as refusal:
        return ("refused", refusal.message, refusal.status, refusal.field, refusal.row, refusal.headers)
    except Exception as error:  # noqa: BLE001 — models may raise anything
        failure = failure_of(error)  # scikit-learn lists words in the order of a set, which each process has its own of
        return failure.kind, failure.place, failure.of_values, sorted(failure.reason)
    return {name: exactly(array) for name, array in outputs.items()}


def exactly(array: np.ndarray) -> Any:
    if array.dtype.hasobject:
        values: Any = [(type(value).__name__, repr(value)) for value in array.ravel().tolist()]
    else:
        values = array.tobytes()
    return array.dtype.str, array.shape, values


def some_inputs(model: Model, seed: int) -> list[dict[str, np.ndarray]]:
    """Inputs of the right types and shapes, of several lengths. With another seed than 0 values are missing where they
    may be, and there are words that the model never saw."""
    chance = np.random.default_rng(seed)
    sizes = (1,) if model.signature.one_row else _SIZES
    specs = model.signature.inputs
    return [
        {spec.name: _values(spec, size, chance, model.takes_missing, odd=seed > 0) for spec in specs} for size in sizes
    ]


def _given_inputs(model: Model, package: Path) -> list[dict[str, np.ndarray]]:
    """Those in the package's ``inputs.json``, where its signature does not say all of them."""
    file = package / INPUTS
    if not file.exists():
        return []
    arrays = [np.array(one["data"], one["dtype"]).reshape(one["shape"]) for one in json.loads(file.read_bytes())]
    return [{spec.name: array for spec, array in zip(model.signature.inputs, arrays, strict=True)}]


def _values(spec: TensorSpec, size: int, chance: np.random.Generator, missing: bool, *, odd: bool) -> np.ndarray:
    missing = odd and (missing or any(spec.may_be_missing))
    shape = [size if length < 0 and axis == 0 else max(length, 1) for axis, length in enumerate(spec.shape)]
    dtype = NUMPY_TYPES[spec.datatype]
    if dtype.hasobject:
        words = np.empty(shape, dtype=object)
        known = spec.levels or (_WORDS if odd else _KNOWN)
        words.ravel()[:] = [known[place] for place in chance.integers(len(known), size=words.size)]
        if missing:
            words[chance.random(shape) < 0.2] = math.nan
        return words
    if dtype.kind == "f":
        numbers = (chance.normal(size=shape) * 10.0 ** chance.integers(-2, 3, size=shape)).astype(dtype)
        if missing:
            numbers[chance.random(shape) < 0.2] = math.nan
        return numbers
    return chance.integers(0, 2 if dtype.kind == "b" else 5, size=shape).astype(dtype)


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    compared = {name: differences(Path(name)) for name in sys.argv[1:]}
    wrong = {name: found for name, (_, found) in compared.items() if found}
    if wrong:
        sys.exit(json.dumps(wrong)[:5000])
    print(json.dumps({Path(name).name: answered for name, (answered, _) in compared.items()}))


if __name__ == "__main__":
    main()
