"""Models of Keras 3, computed by JAX on the processor."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec

_Array = np.ndarray[Any, Any]
_log = logging.getLogger(__name__)
_DATATYPES = {name.replace("FP", "float").lower(): name for name in NUMPY_TYPES}
_TRIED_ROWS = 3
_SAME = 1e-5  # of answers to the same rows, computed together with more rows and without


class KerasModel:
    """The model in ``file``, whose archive was verified. Each shape of inputs is compiled once: rows are filled up to a
    power of two, so that these are few, unless the model is one whose answer to a row depends on the rows beside it."""

    takes_missing = False
    probabilities = ""
    classes: tuple[str, ...] = ()

    def __init__(self, file: Path, declared: Signature, threads: int) -> None:
        self._model = _loaded(file, threads)
        self._answer = _compiled(self._model)
        self.signature = _signature(self._model, declared)
        self.label = self.signature.outputs[0].name
        self._fills_up = self._rows_stand_alone()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. Raises ``Refusal`` for shapes that a layer does not take."""
        arrays = [inputs[spec.name] for spec in self.signature.inputs]
        rows = len(arrays[0])
        filled = [_filled_up(array) for array in arrays] if self._fills_up and rows else arrays
        found = [one[:rows] for one in self._answers(filled)] if filled is not arrays else self._answers(arrays)
        answers = zip(self.signature.outputs, found, strict=True)
        return {spec.name: one for spec, one in answers if spec.name in wanted}

    def _answers(self, arrays: list[_Array]) -> list[_Array]:
        try:
            found = self._answer(arrays)
        except (ValueError, TypeError) as error:  # what Keras and JAX raise while a shape is compiled
            reason = " ".join(str(error).split())[:300]
            raise Refusal(f"The model does not take these inputs: {reason}", status=422) from None
        return [
            np.asarray(one).astype(NUMPY_TYPES[spec.datatype], copy=False)
            for one, spec in zip(found, self.signature.outputs, strict=True)
        ]

    def _rows_stand_alone(self) -> bool:
        """Whether the answers to rows are the same with other rows beside them; which also warms the model up."""
        if any(spec.shape[:1] != (-1,) for spec in self.signature.inputs):
            return False
        chance = np.random.default_rng(0)
        few = [_chosen(spec, chance) for spec in self.signature.inputs]
        try:
            alone, among = self._answers(few), self._answers([_filled_up(array) for array in few])
        except Refusal as reason:
            _log.info(
                "the model does not take the rows that it was tried with", extra={"fields": {"error": str(reason)}}
            )
            return False
        return all(
            one.shape[:1] == (_TRIED_ROWS,)
            and one.shape[1:] == other.shape[1:]
            and np.allclose(one, other[:_TRIED_ROWS], rtol=_SAME, atol=_SAME, equal_nan=True)
            for one, other in zip(alone, among, strict=True)
        )


def _loaded(file: Path, threads: int) -> Any:
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["KERAS_HOME"] = os.devnull  # no settings of a person's
    os.environ["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    import keras

    from kronkers_studio.serving.frameworks.keras_files.keras_weights import require_plain_weights

    require_plain_weights(file)
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # what Keras raises shares no class
        raise CannotStart(f"The Keras model cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(model, keras.Sequential | keras.src.models.functional.Functional):
        raise CannotStart(f"The Keras model is a {type(model).__name__}, and not one made of layers.")
    return model


def _compiled(model: Any) -> Any:
    """``model`` as a function from arrays to arrays, in the order of its inputs and outputs."""
    import jax
    import keras

    trained = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    structure = getattr(model, "_inputs_struct", None)

    def answer(trained: Any, others: Any, arrays: list[Any]) -> list[Any]:
        given = arrays[0] if structure is None else keras.tree.pack_sequence_as(structure, arrays)
        found, _ = model.stateless_call(trained, others, given, training=False)
        return list(keras.tree.flatten(found))

    compiled = jax.jit(answer)
    return lambda arrays: compiled(trained, others, arrays)


def _signature(model: Any, declared: Signature) -> Signature:
    """What the package says, with the shapes that the built model has."""
    if (len(model.inputs), len(model.outputs)) != (len(declared.inputs), len(declared.outputs)):
        raise CannotStart(
            f"The model has {len(model.inputs)} inputs and {len(model.outputs)} outputs, its package says otherwise."
        )
    inputs = tuple(_spec(tensor, said) for tensor, said in zip(model.inputs, declared.inputs, strict=True))
    outputs = tuple(_spec(tensor, said) for tensor, said in zip(model.outputs, declared.outputs, strict=True))
    return Signature(inputs, outputs, by_tensor=True)


def _spec(tensor: Any, said: TensorSpec) -> TensorSpec:
    shape = tuple(-1 if length is None else int(length) for length in tensor.shape)
    dtype = "float32" if tensor.dtype == "bfloat16" else tensor.dtype
    if dtype not in _DATATYPES:
        raise CannotStart(f"The model's {said.name!r} is of the type {tensor.dtype}, which this service does not know.")
    columns = said.columns if shape[1:] == (len(said.columns),) else ()
    return replace(said, datatype=_DATATYPES[dtype], shape=shape, columns=columns, any_rank=False)


def _filled_up(array: _Array) -> _Array:
    """``array`` with its last row repeated up to the next power of two."""
    wanted = 1 << (len(array) - 1).bit_length()
    return np.concatenate([array, np.repeat(array[-1:], wanted - len(array), axis=0)]) if wanted > len(array) else array


def _chosen(spec: TensorSpec, chance: np.random.Generator) -> _Array:
    shape = [_TRIED_ROWS, *(8 if length < 0 else length for length in spec.shape[1:])]
    numbers = chance.random(shape)
    return numbers.astype(NUMPY_TYPES[spec.datatype])
