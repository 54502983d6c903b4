"""What a model of Keras's takes and gives, as far as its configuration tells it without any layer being built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.domain.printable import printable

_MOST_TENSORS = 1000
_MOST_AXES = 32
_LONGEST_NAME = 200
_LONGEST_AXIS = 1 << 40
_DEEPEST = 20
_DATATYPES: Final = {
    **{f"{sign}int{bits}": Datatype(f"{sign.upper()}INT{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": Datatype(f"FP{bits}") for bits in (16, 32, 64)},
    "bool": Datatype.BOOL,
}
_KEEPS_SHAPE: Final = frozenset(
    {
        *("Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dropout", "ELU"),
        *("GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU"),
        *("Masking", "Normalization", "PReLU", "ReLU", "Rescaling", "Softmax", "UnitNormalization"),
    }
)


def signature_of(name: str, configuration: dict[str, Any]) -> Signature:
    """The signature of the model in the file ``name``. An output whose shape no configuration tells may be of any.

    Raises ``UnsupportedModel`` for what is not described as Keras describes models, or takes no numbers.
    """
    config = _table(configuration.get("config"))
    layers = {str(_table(layer["config"]).get("name")): layer for layer in _layers(name, config)}
    if configuration["class_name"] == "Sequential":
        return _of_sequence(name, configuration, list(layers.values()))
    inputs = [_input(name, layer, layers.get(layer)) for layer in _ends(config.get("input_layers"))]
    outputs = [_output(layer, layers.get(layer)) for layer in _ends(config.get("output_layers"))]
    if not inputs or not outputs or max(len(inputs), len(outputs)) > _MOST_TENSORS:
        raise _damaged(name)
    return Signature(tuple(inputs), tuple(_each_named_once(outputs)))


def _of_sequence(name: str, configuration: dict[str, Any], layers: list[dict[str, Any]]) -> Signature:
    if not layers:
        raise _damaged(name)
    first, last = layers[0], layers[-1]
    if first["class_name"] == "InputLayer":
        taken = _input(name, str(_table(first["config"]).get("name")), first)
    else:
        built = _table(configuration.get("build_config")).get("input_shape")
        taken = _tensor("input", built, Datatype.FP32)
    if taken.any_rank:
        raise UnsupportedModel(
            f"{name} was saved before it was built: it does not say what it takes.",
            next_step="Give it an Input layer or call it once, and save it again: model.save('model.keras').",
        )
    return Signature((taken,), (_output(str(_table(last["config"]).get("name")), last),))


def _layers(name: str, config: dict[str, Any]) -> list[dict[str, Any]]:
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(isinstance(each, dict) and "class_name" in each for each in layers):
        raise _damaged(name)
    if not all(isinstance(each.get("config"), dict) for each in layers):
        raise _damaged(name)
    return layers


def _ends(found: Any, depth: int = 0) -> Iterator[str]:
    """The layers that ``found`` names as [layer, node, tensor], one of them or lists and tables of them, in the order
    in which Keras flattens it."""
    if depth > _DEEPEST:
        return
    if isinstance(found, dict):
        for key in sorted(found):
            yield from _ends(found[key], depth + 1)
    elif isinstance(found, list) and len(found) == 3 and isinstance(found[0], str) and isinstance(found[1], int):
        yield found[0]
    elif isinstance(found, list):
        for part in found:
            yield from _ends(part, depth + 1)


def _input(name: str, called: str, layer: dict[str, Any] | None) -> Tensor:
    config = _table(layer.get("config")) if layer is not None else {}
    dtype = config.get("dtype")
    datatype = _DATATYPES.get(dtype) if isinstance(dtype, str) else Datatype.FP32
    if layer is None or datatype is None or config.get("sparse") or config.get("ragged"):
        raise UnsupportedModel(
            f"The input “{printable(called[:_LONGEST_NAME])}” of {name} takes no plain numbers: not supported yet.",
            next_step="Export the model to ONNX where it was trained: model.export(file, format=“onnx”).",
        )
    return _tensor(called, config.get("batch_shape"), datatype)


def _output(called: str, layer: dict[str, Any] | None) -> Tensor:
    """Of the most usual last layers the shape is known from their inputs'."""
    if layer is None:
        return _tensor(called, None, Datatype.FP32)
    config = _table(layer.get("config"))
    taken = _table(layer.get("build_config")).get("input_shape")
    if layer["class_name"] == "InputLayer":
        return _tensor(called, config.get("batch_shape"), Datatype.FP32)
    if layer["class_name"] == "Dense" and isinstance(taken, list) and taken and isinstance(config.get("units"), int):
        return _tensor(called, [*taken[:-1], config["units"]], Datatype.FP32)
    return _tensor(called, taken if layer["class_name"] in _KEEPS_SHAPE else None, Datatype.FP32)


def _tensor(called: str, shape: Any, datatype: Datatype) -> Tensor:
    called = called[:_LONGEST_NAME].encode("utf-8", "replace").decode("utf-8")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(map(_is_length, shape)):
        return Tensor(called, datatype, (-1,), any_rank=True)
    return Tensor(called, datatype, tuple(-1 if length is None else length for length in shape))


def _is_length(length: Any) -> bool:
    return length is None or (type(length) is int and 0 <= length < _LONGEST_AXIS)


def _each_named_once(outputs: list[Tensor]) -> Iterator[Tensor]:
    """Two outputs of one layer get its name and a number."""
    seen: dict[str, int] = {}
    for tensor in outputs:
        count = seen.get(tensor.name, 0)
        seen[tensor.name] = count + 1
        if count:
            yield Tensor(f"{tensor.name}_{count}", tensor.datatype, tensor.shape, any_rank=tensor.any_rank)
        else:
            yield tensor


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _damaged(name: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{name} does not describe its layers as Keras does.", next_step="Copy it again from where it was made."
    )
