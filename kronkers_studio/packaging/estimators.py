"""What the symbols of a fitted scikit-learn estimator say: its inputs, outputs and version."""

from __future__ import annotations

from collections.abc import Iterator

from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.packaging.array_types import shape_of, values_of
from kronkers_studio.packaging.pickle_symbols import Call, Symbol, attributes_of, class_of

_DEEPEST = 12  # pipelines in searches in pipelines: real ones stay below 5
_WIDEST = 100_000  # columns

_INNER = ("best_estimator_", "estimator_", "regressor_", "classifier_", "base_estimator_", "estimator")
_TEXT_VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
_PREPARING_MODULES = (
    *("compose", "decomposition", "feature_extraction", "impute", "kernel_approximation"),
    *("preprocessing", "random_projection"),
)
_LABELLING_MODULES = ("cluster", "mixture")
_OUTLIER_DETECTORS = ("IsolationForest", "OneClassSVM", "SGDOneClassSVM", "EllipticEnvelope", "LocalOutlierFactor")
_WITHOUT_PROBABILITIES = (
    *("LinearSVC", "NearestCentroid", "PassiveAggressiveClassifier", "Perceptron"),
    *("RidgeClassifier", "RidgeClassifierCV", "OutputCodeClassifier"),
)
_DATATYPES = {
    "b": Datatype.BOOL,
    "i": Datatype.INT64,
    "u": Datatype.UINT64,
    "f": Datatype.FP64,
}


def version_of(root: Symbol) -> str:
    """The version of scikit-learn that ``root`` was fitted with, "" when it does not say."""
    for part in _path_inwards(root):
        version = attributes_of(part).get("_sklearn_version")
        if isinstance(version, str):
            return version
    return ""


def is_estimator(root: Symbol) -> bool:
    """Whether ``root`` is an instance of a class of scikit-learn."""
    return class_of(root).startswith("sklearn.")


def only_prepares(root: Symbol) -> bool:
    """Whether ``root`` ends in a step that prepares data and predicts nothing."""
    module = class_of(_last(root)).split(".")
    return len(module) > 2 and module[1] in _PREPARING_MODULES


def signature_of(root: Symbol) -> Signature:
    """Inputs and outputs as far as the fitted attributes tell. Empty inputs: nothing is known."""
    return Signature(_inputs(root), _outputs(_last(root)))


def _steps(symbol: Symbol) -> list[Symbol]:
    """A pipeline's steps without their names, those that do nothing left out; none for anything else."""
    if not class_of(symbol).endswith("pipeline.Pipeline"):
        return []
    steps = attributes_of(symbol).get("steps")
    pairs = steps if isinstance(steps, list) else []
    return [pair[1] for pair in pairs if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Call)]


def _inner(symbol: Symbol) -> Symbol:
    """The fitted estimator that ``symbol`` wraps (a search, a target transformer), None when it wraps none."""
    attributes = attributes_of(symbol)
    return next((attributes[name] for name in _INNER if _is_fitted(attributes.get(name))), None)


def _is_fitted(symbol: Symbol) -> bool:
    """Whether ``symbol`` is an estimator that has learnt something, not the template of one."""
    return bool(_steps(symbol)) or any(name.endswith("_") for name in attributes_of(symbol) if not name.startswith("_"))


def _first_of_several(symbol: Symbol) -> Symbol:
    """The first of several estimators that each see the whole input (a vote, a union), None when there are none."""
    attributes = attributes_of(symbol)
    several = attributes.get("estimators_") or attributes.get("transformer_list")
    for one in several if isinstance(several, list) else ():
        part = one[1] if isinstance(one, tuple) and len(one) == 2 else one
        if isinstance(part, Call):
            return part
    return None


def _path_inwards(root: Symbol) -> Iterator[Symbol]:
    """``root``, then the estimator inside it that sees the same input, and so on."""
    part = root
    for _ in range(_DEEPEST):
        if not isinstance(part, Call):
            return
        yield part
        steps = _steps(part)
        part = steps[0] if steps else _inner(part) or _first_of_several(part)


def _last(root: Symbol) -> Symbol:
    """The estimator that gives the answer: the last step of a pipeline, the best of a search."""
    part = root
    for _ in range(_DEEPEST):
        steps = _steps(part)
        wrapped = steps[-1] if steps else _inner(part) if "classes_" not in attributes_of(part) else None
        if wrapped is None:
            return part
        part = wrapped
    return part


# inputs
def _inputs(root: Symbol) -> tuple[Tensor, ...]:
    width: int | None = None
    names: tuple[str, ...] = ()
    for part in _path_inwards(root):
        attributes = attributes_of(part)
        width = width or _width(attributes.get("n_features_in_"))
        names = names or _names(attributes.get("feature_names_in_"))
        name = class_of(part).rpartition(".")[2]
        if name in _TEXT_VECTORIZERS or name == "IsotonicRegression":
            return (Tensor("input", Datatype.FP64 if name == "IsotonicRegression" else Datatype.BYTES, (-1,)),)
    width = width or len(names) or None
    if width is None:
        return ()
    columns = names if len(names) == width else ()
    texts = _text_columns(root, columns, width)
    if texts:
        named = columns or tuple(f"x{index}" for index in range(width))  # as scikit-learn itself names them
        return tuple(
            Tensor(name, Datatype.BYTES if index in texts else Datatype.FP64, (-1, 1))
            for index, name in enumerate(named)
        )
    return (Tensor("input", Datatype.FP64, (-1, width), columns),)


def _width(symbol: Symbol) -> int | None:
    """A number of columns, None when that is none."""
    return symbol if isinstance(symbol, int) and 0 < symbol <= _WIDEST else None


def _names(symbol: Symbol) -> tuple[str, ...]:
    found = values_of(symbol)
    if found is None or len(found[1]) > _WIDEST or not all(isinstance(name, str) for name in found[1]):
        return ()
    return tuple(found[1])


def _text_columns(root: Symbol, columns: tuple[str, ...], width: int) -> frozenset[int]:
    """The positions of input columns that held text when the estimator was fitted: the encoders keep what they saw."""
    for part in _path_inwards(root):
        if class_of(part).endswith(".ColumnTransformer"):
            return frozenset(_texts_of_parts(part, columns, width))
        texts = _texts_seen(part)
        if texts is not None and len(texts) == width:
            return frozenset(index for index, text in enumerate(texts) if text)
    return frozenset()


def _texts_of_parts(transformer: Symbol, columns: tuple[str, ...], width: int) -> Iterator[int]:
    parts = attributes_of(transformer).get("transformers_")
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, tuple) or len(part) != 3:
            continue
        positions = _positions(part[2], columns, width)
        for inner in _path_inwards(part[1]):
            if class_of(inner).rpartition(".")[2] in _TEXT_VECTORIZERS:
                yield from positions[:1]
                break
            texts = _texts_seen(inner)
            if texts is not None and len(texts) == len(positions):
                yield from (position for position, text in zip(positions, texts, strict=True) if text)
                break


def _positions(chosen: Symbol, columns: tuple[str, ...], width: int) -> list[int]:
    """The column positions that a ColumnTransformer's choice means; none when it is not understood."""
    if isinstance(chosen, Call):
        found = values_of(chosen)
        chosen = found[1] if found else []
    choices = chosen if isinstance(chosen, list) else [chosen]
    if len(choices) == width and all(isinstance(choice, bool) for choice in choices):
        return [index for index, choice in enumerate(choices) if choice]
    positions = [
        columns.index(choice) if isinstance(choice, str) and choice in columns else choice for choice in choices
    ]
    return [position % width for position in positions if isinstance(position, int) and -width <= position < width]


def _texts_seen(part: Symbol) -> list[bool] | None:
    """For an encoder or imputer: whether each of its columns held text. None for anything else."""
    attributes = attributes_of(part)
    categories = attributes.get("categories_")
    if isinstance(categories, list):
        return [_is_text(values_of(seen)) for seen in categories]
    statistics = values_of(attributes.get("statistics_"))
    if statistics is not None:
        return [isinstance(value, str) for value in statistics[1]]
    return None


def _is_text(found: tuple[str, list[Symbol]] | None) -> bool:
    return found is not None and (found[0] == "U" or any(isinstance(value, str) for value in found[1]))


# outputs
def _outputs(last: Symbol) -> tuple[Tensor, ...]:
    attributes = attributes_of(last)
    module, _, name = class_of(last).rpartition(".")
    room = module.split(".")[1] if "." in module else ""
    if "classes_" in attributes:
        return _class_outputs(name, attributes)
    if room in _LABELLING_MODULES or name in _OUTLIER_DETECTORS:
        label = Tensor("output", Datatype.INT64, (-1,))
        if room != "mixture":
            return (label,)
        return (label, Tensor("probabilities", Datatype.FP64, (-1, _width(attributes.get("n_components")) or -1)))
    several = _several_outputs(attributes)
    return (Tensor("output", Datatype.FP64, (-1, several) if several > 1 else (-1,)),)


def _class_outputs(name: str, attributes: dict[str, Symbol]) -> tuple[Tensor, ...]:
    found = values_of(attributes["classes_"])
    if found is None:
        several = isinstance(attributes["classes_"], list)
        return (Tensor("label", Datatype.BYTES if not several else Datatype.INT64, (-1, -1) if several else (-1,)),)
    kind, classes = found
    label = Tensor("label", _DATATYPES.get(kind, Datatype.BYTES), (-1,))
    if not _gives_probabilities(name, attributes):
        return (label,)
    return (label, Tensor("probabilities", Datatype.FP64, (-1, len(classes)), tuple(map(str, classes))))


def _gives_probabilities(name: str, attributes: dict[str, Symbol]) -> bool:
    if name in _WITHOUT_PROBABILITIES:
        return False
    if name in ("SVC", "NuSVC"):
        return attributes.get("probability") is True
    if name == "SGDClassifier":
        return attributes.get("loss") in ("log_loss", "log", "modified_huber")
    return not (name == "VotingClassifier" and attributes.get("voting") == "hard")


def _several_outputs(attributes: dict[str, Symbol]) -> int:
    """How many numbers a regressor answers per row."""
    stated = _width(attributes.get("n_outputs_"))
    if stated is not None:
        return stated
    shape = shape_of(attributes.get("coef_"))
    return shape[0] if shape is not None and len(shape) == 2 else 1
