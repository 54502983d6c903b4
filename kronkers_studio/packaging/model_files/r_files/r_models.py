"""R's models by their class: the columns that rows must have, what is answered, and which package answers.

What each class answers here, the program in the container (serving/frameworks/workers/predict.R) makes of the same
object: the two are held together by tests/r_models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.packaging.model_files.r_files.r_terms import RColumn, columns_of_terms, response_of
from kronkers_studio.packaging.model_files.r_files.r_values import Kind, Value

_MOST_COLUMNS = 10_000
_MOST_CLASSES = 10_000
_BINOMIAL = ("binomial", "quasibinomial")


@dataclass(frozen=True, slots=True)
class RModel:
    """What is known of a model. ``package`` is the one that has its class, "" for R's own."""

    called: str
    package: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class _Answer:
    """``classes`` with their probabilities (unless ``label_only``); without any, ``numbers`` for each row, called
    ``name``."""

    classes: tuple[str, ...] = ()
    label_only: bool = False
    numbers: tuple[str, ...] = ("",)
    name: str = "output"


_Reader = Callable[[str, Value], tuple[tuple[RColumn, ...], _Answer]]


def model_of(name: str, root: Value) -> RModel | None:
    """What the object in the file ``name`` is as a model; None when its class is not one that is served.

    Raises ``UnsupportedModel`` for a model of such a class that does not hold what rows are answered with.
    """
    of_class = next((each for each in root.classes if not each.endswith(".formula")), "")
    known = _CLASSES.get(of_class)
    if known is None:
        return None
    package, read = known
    columns, answer = read(name, root)
    if not columns:
        raise UnsupportedModel(
            f"{name} is an R model ({of_class}) without any column: it answers every row the same.",
            next_step="Fit it on the columns that its answers depend on.",
        )
    if len(columns) > _MOST_COLUMNS or len(answer.classes) > _MOST_CLASSES:
        raise UnsupportedModel(f"{name} has more columns or classes than any model that is served.")
    return RModel(of_class, package, Signature(_inputs(columns), _outputs(answer)))


def _inputs(columns: tuple[RColumn, ...]) -> tuple[Tensor, ...]:
    """One matrix when all columns are numbers, else one input for each column."""
    if all(column.holds == "number" for column in columns):
        return (Tensor("input", Datatype.FP64, (-1, len(columns)), tuple(column.name for column in columns)),)
    types = {"number": Datatype.FP64, "text": Datatype.BYTES, "truth": Datatype.BOOL}
    alone = tuple(column.name for column in columns if len(columns) == 1)  # or it would be a table without names
    return tuple(Tensor(each.name, types[each.holds], (-1, 1), alone, levels=each.levels) for each in columns)


def _outputs(answer: _Answer) -> tuple[Tensor, ...]:
    if answer.classes:
        label = Tensor("label", Datatype.BYTES, (-1,))
        if answer.label_only:
            return (label,)
        return (label, Tensor("probabilities", Datatype.FP64, (-1, len(answer.classes)), answer.classes))
    if len(answer.numbers) == 1:
        return (Tensor(answer.name, Datatype.FP64, (-1,)),)
    return (Tensor(answer.name, Datatype.FP64, (-1, len(answer.numbers)), answer.numbers),)


# what models have in common


def _need(name: str, root: Value, *path: str) -> Value:
    """The element at ``path``. Raises ``UnsupportedModel`` when it is not in the model."""
    found: Value | None = root
    for part in path:
        found = found.get(part) if found is not None else None
    if found is None or found.kind is Kind.NOTHING:
        raise UnsupportedModel(
            f"{name} does not keep its “{'$'.join(path)}”, without which it answers nothing.",
            next_step="Fit it again with the package's usual settings, and save the model itself.",
        )
    return found


def _texts(value: Value | None) -> tuple[str, ...]:
    return value.texts if value is not None else ()


def _by_terms(name: str, root: Value, xlevels: Value | None = None) -> tuple[RColumn, ...]:
    call = root.get("call")
    offset = call.get("offset") if call is not None else None
    return columns_of_terms(
        name,
        _need(name, root, "terms"),
        xlevels or root.get("xlevels"),
        root.get("model"),
        [offset] if offset is not None and offset.kind in (Kind.SYMBOL, Kind.CALL) else [],
    )


def _named_columns(name: str, names: tuple[str, ...]) -> tuple[RColumn, ...]:
    """Columns of numbers. Raises ``UnsupportedModel`` when they have no names."""
    if not names or not all(names):
        raise UnsupportedModel(
            f"{name} was fitted on a matrix whose columns have no names, so that rows cannot be told apart.",
            next_step="Give the matrix colnames(), and fit it again.",
        )
    return tuple(map(RColumn, names))


def _with_levels(name: str, columns: tuple[RColumn, ...], why: str) -> tuple[RColumn, ...]:
    """Raises ``UnsupportedModel`` for a factor whose levels the model does not keep."""
    without = next((column.name for column in columns if column.holds == "text" and not column.levels), "")
    if without:
        raise UnsupportedModel(
            f"{name} was fitted on the factor {without!r}, and {why}.",
            next_step="Fit it on numbers in its place, such as the columns of model.matrix().",
        )
    return columns


def _dimension_names(value: Value, place: int) -> tuple[str, ...]:
    listed = value.attributes.get("dimnames") or value.attributes.get("Dimnames")
    return listed.values[place].texts if listed is not None and len(listed.values) > place else ()


# one reader for each class, or several of a kind


def _linear(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    columns = _by_terms(name, root)
    if "mlm" in root.classes:
        return columns, _Answer(numbers=_dimension_names(_need(name, root, "coefficients"), 1))
    return columns, _Answer()


def _generalized(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    family = _texts(_need(name, root, "family", "family"))[:1]
    columns = _by_terms(name, root)
    if not set(family) & set(_BINOMIAL):
        return columns, _Answer()
    response = response_of(_need(name, root, "terms"))
    frame = root.get("model")
    fitted = frame.values[0] if frame is not None and frame.values else None
    levels = fitted.texts_of("levels") if fitted is not None and response.of_class == "factor" else ()
    return columns, _Answer(levels) if len(levels) == 2 else _Answer(name="probability")


def _smooth(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    return _by_terms(name, root), _Answer()


def _nonlinear(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    kept = _need(name, root, "dataClasses")
    if not all(text == "numeric" for text in kept.texts):
        raise UnsupportedModel(f"{name} (nls) needs columns that are no numbers: not supported yet.")
    return _named_columns(name, tuple(kept.names)), _Answer()


def _rpart(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    method = _texts(_need(name, root, "method"))[:1]
    columns = _by_terms(name, root, root.attributes.get("xlevels"))
    if method == ("class",):
        return columns, _Answer(root.texts_of("ylevels"))
    if method not in (("anova",), ("poisson",), ("exp",)):
        raise UnsupportedModel(f"{name} (rpart) was fitted with a method of its own: not supported.")
    return columns, _Answer()


def _random_forest(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    of_type = _texts(_need(name, root, "type"))[:1]
    if of_type == ("unsupervised",):
        raise UnsupportedModel(f"{name} is a random forest that was fitted to no answers: it predicts nothing.")
    xlevels = _need(name, root, "forest", "xlevels")
    known = Value(Kind.LIST, items=[each for each in xlevels.values if each.kind is Kind.TEXTS])
    known.tags = [tag for tag, each in zip(xlevels.names, xlevels.values, strict=False) if each.kind is Kind.TEXTS]
    if root.get("terms") is not None:
        columns = _with_levels(name, _by_terms(name, root, known), "randomForest keeps no levels of ordered ones")
    else:
        importance = root.get("importance")
        ranked = _dimension_names(importance, 0) if importance is not None else ()
        columns = _named_columns(name, tuple(xlevels.names) or ranked)
        columns = tuple(
            RColumn(column.name, "text", each.texts) if each.kind is Kind.TEXTS else column
            for column, each in zip(columns, xlevels.values, strict=False)
        )
    return columns, _Answer(_texts(root.get("classes")) if of_type == ("classification",) else ())


def _ranger(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    forest = _need(name, root, "forest")
    of_type = _texts(_need(name, root, "treetype"))[:1]
    columns = _named_columns(name, _need(name, forest, "independent.variable.names").texts)
    levels = forest.get("covariate.levels")
    if levels is not None and levels.items:
        texts = [each.texts for each in levels.values]
        columns = tuple(
            RColumn(column.name, "text", texts[place]) if place < len(texts) and texts[place] else column
            for place, column in enumerate(columns)
        )
    classes = _texts(forest.get("levels"))
    if of_type == ("Regression",):
        return columns, _Answer()
    if of_type == ("Probability estimation",) and classes:
        return columns, _Answer(classes)
    if of_type == ("Classification",) and classes:
        return columns, _Answer(classes, label_only=True)
    raise UnsupportedModel(
        f"{name} (ranger) is of the kind “{''.join(of_type)[:40]}” without names of classes: not supported yet.",
        next_step="Fit it to a factor, or to numbers for a regression.",
    )


def _support_vectors(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    of_type = _need(name, root, "type").items[:1]
    if root.get("terms") is not None:
        columns = _with_levels(name, _by_terms(name, root), "e1071 keeps no levels of factors")
    else:
        columns = _named_columns(name, _dimension_names(_need(name, root, "SV"), 1))
    if of_type in ([3], [4]):
        return columns, _Answer()
    if of_type not in ([0], [1]):
        raise UnsupportedModel(f"{name} (svm) tells novelties, and no class: not supported yet.")
    probable = _need(name, root, "compprob").items[:1] == [1]
    return columns, _Answer(_texts(_need(name, root, "levels")), label_only=not probable)


def _naive_bayes(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    tables = _need(name, root, "tables")
    numeric = root.get("isnumeric")
    are_numbers = dict(zip(numeric.names, numeric.items, strict=False)) if numeric is not None else {}
    columns = tuple(
        RColumn(column) if are_numbers.get(column, 1) else _counted(column, _dimension_names(table, 1))
        for column, table in zip(tables.names, tables.values, strict=False)
    )
    return columns, _Answer(_need(name, root, "levels").texts)


def _counted(column: str, values: tuple[str, ...]) -> RColumn:
    """A column of which a table of frequencies is kept."""
    return RColumn(column, "truth") if values == ("FALSE", "TRUE") else RColumn(column, "text", values)


def _neural(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    columns = _by_terms(name, root)
    return columns, _Answer(_texts(root.get("lev")))


def _discriminant(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    if root.get("terms") is not None:
        columns = _by_terms(name, root)
    else:
        columns = _named_columns(name, _dimension_names(_need(name, root, "means"), 1))
    return columns, _Answer(_need(name, root, "lev").texts)


def _cross_validated(name: str, root: Value) -> tuple[tuple[RColumn, ...], _Answer]:
    fit = _need(name, root, "glmnet.fit")
    of_class = next(iter(fit.classes), "")
    beta = _need(name, fit, "beta")
    several = beta.kind is Kind.LIST
    first = beta.items[0] if several and beta.items else beta
    columns = _named_columns(name, _dimension_names(first, 0))
    if of_class in ("lognet", "multnet"):
        return columns, _Answer(_texts(_need(name, fit, "classnames")))
    if of_class in ("elnet", "fishnet"):
        return columns, _Answer()
    raise UnsupportedModel(f"{name} (glmnet, {of_class}) is not supported yet.")


_CLASSES: Mapping[str, tuple[str, _Reader]] = {
    "lm": ("", _linear),
    "mlm": ("", _linear),
    "aov": ("", _linear),
    "rlm": ("MASS", _linear),
    "glm": ("", _generalized),
    "negbin": ("MASS", _generalized),
    "loess": ("", _smooth),
    "nls": ("", _nonlinear),
    "gam": ("mgcv", _generalized),
    "rpart": ("rpart", _rpart),
    "randomForest": ("randomForest", _random_forest),
    "ranger": ("ranger", _ranger),
    "svm": ("e1071", _support_vectors),
    "naiveBayes": ("e1071", _naive_bayes),
    "nnet": ("nnet", _neural),
    "multinom": ("nnet", _neural),
    "lda": ("MASS", _discriminant),
    "qda": ("MASS", _discriminant),
    "polr": ("MASS", _discriminant),
    "cv.glmnet": ("glmnet", _cross_validated),
}
"""By a model's own class, the package that has it and what reads it."""

SERVED_CLASSES = tuple(sorted(_CLASSES))
