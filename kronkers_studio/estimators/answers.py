"""What an estimator answers for a row; or, of one that cannot predict, what it is good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kronkers_studio.estimators.views import EstimatorView, Value, is_array, is_estimator, listed, shape_of, whole
from kronkers_studio.estimators.wrappers import DEEPEST, all_parts, part_that_answers


@dataclass(frozen=True)
class Answer:
    """``datatype`` is the protocol's ("INT64", "FP64", "BOOL", "BYTES"), ``several`` how many values a row gets when it
    is more than one. ``classes`` are what a classifier tells apart. ``probable``: it gives probabilities as well,
    ``columns`` of them (-1: not known)."""

    datatype: str
    several: int = 1
    is_class: bool = False
    classes: tuple[Value, ...] = ()
    probable: bool = False
    columns: int = -1


class CannotPredict(Exception):
    """It has no answer for a new row. The text says why; ``advice`` what it could be used for, or what to use."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


_WITHOUT_PROBABILITIES: Final = frozenset(
    {
        *("LinearSVC", "Perceptron", "PassiveAggressiveClassifier", "RidgeClassifier", "RidgeClassifierCV"),
        *("OneVsOneClassifier", "OutputCodeClassifier"),
    }
)
_GROUPS: Final = ("KMeans", "MiniBatchKMeans", "BisectingKMeans", "MeanShift", "AffinityPropagation", "Birch")
_MIXTURES: Final = ("GaussianMixture", "BayesianGaussianMixture")
_OUTLIERS: Final = ("IsolationForest", "OneClassSVM", "SGDOneClassSVM", "EllipticEnvelope", "LocalOutlierFactor")
_CHAINS: Final = ("ClassifierChain", "RegressorChain")
_SEVERAL: Final = ("MultiOutputClassifier", "MultiOutputRegressor")
_DATATYPES: Final = {"b": "BOOL", "i": "INT64", "u": "INT64", "f": "FP64"}

_PREPARES = (
    "prepares data and predicts nothing",
    "Put it before an estimator that predicts, and save the whole pipeline, with that at its end.",
)
_GROUPS_ONLY = (
    "groups the rows that it was fitted to, and cannot tell the group of a new one",
    "Train a classifier on its labels_, or use one that can: KMeans, BisectingKMeans, MeanShift, Birch.",
)
_EMBEDS = (
    "lays out the rows that it was fitted to and predicts nothing",
    "Use its coordinates for pictures; where it has a transform, put it before an estimator that predicts, and save "
    "the whole pipeline.",
)
_DESCRIBES = (
    "describes how columns vary together and predicts nothing",
    "To find rows that do not fit in, use EllipticEnvelope.",
)
_USES: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("DBSCAN", "OPTICS", "HDBSCAN", "AgglomerativeClustering", "SpectralClustering"), _GROUPS_ONLY),
    **dict.fromkeys(("SpectralBiclustering", "SpectralCoclustering"), _GROUPS_ONLY),
    **dict.fromkeys(("MDS", "ClassicalMDS", "TSNE", "SpectralEmbedding", "Isomap", "LocallyLinearEmbedding"), _EMBEDS),
    **dict.fromkeys(
        (
            *("EmpiricalCovariance", "GraphicalLasso", "GraphicalLassoCV", "LedoitWolf", "MinCovDet", "OAS"),
            "ShrunkCovariance",
        ),
        _DESCRIBES,
    ),
    "KernelDensity": (
        "tells how dense the data is at a row and predicts nothing",
        "To find rows that do not fit in, use LocalOutlierFactor(novelty=True) or GaussianMixture.",
    ),
    "NearestNeighbors": (
        "finds the rows next to a row and predicts nothing",
        "Use KNeighborsClassifier or KNeighborsRegressor, which answer from such rows.",
    ),
    "LocalOutlierFactor": (
        "without novelty=True judges only the rows that it was fitted to",
        "Fit it with novelty=True: then it answers for new rows.",
    ),
    **dict.fromkeys(
        ("LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"),
        ("translates labels, not rows", "Classifiers take and give labels as they are: save the classifier alone."),
    ),
}
_PREPARING_ROOMS: Final = (
    *("compose", "decomposition", "feature_extraction", "feature_selection", "impute", "kernel_approximation"),
    *("preprocessing", "random_projection"),
)
_PREPARING: Final = (
    *("FeatureAgglomeration", "RandomTreesEmbedding", "FeatureUnion", "NeighborhoodComponentsAnalysis", "PLSSVD"),
    *("KNeighborsTransformer", "RadiusNeighborsTransformer", "BernoulliRBM"),
)
_PREDICT_IN_PREPARING_ROOMS: Final = ("TransformedTargetRegressor", "RFE", "RFECV")


def answer_of(estimator: EstimatorView, depth: int = 0) -> Answer:
    """What ``estimator`` answers for one row. Raises ``CannotPredict``."""
    if depth > DEEPEST:
        raise CannotPredict("It is an estimator around itself.", "Fit it and save it again.")
    told = estimator.get("answer_")
    if isinstance(told, Answer):  # of a tree library's estimator
        return told
    if estimator.name == "Pipeline":
        return _of_pipeline(estimator, depth)
    _require_use(estimator)
    part = part_that_answers(estimator)
    if part is not None:
        return answer_of(part, depth + 1)
    if estimator.name.endswith("SearchCV"):
        raise CannotPredict(
            f"It is a {estimator.name} without a fitted model: not fitted yet, or with refit=False.",
            "Fit it with refit=True, or fit the best estimator, and save that.",
        )
    if estimator.module.startswith("sklearn.") and not _is_fitted(estimator):
        raise CannotPredict(f"It is {a(estimator.name)} that was saved before it was fitted.", "Fit it, then save it.")
    return _own_answer(estimator, depth)


def _of_pipeline(pipeline: EstimatorView, depth: int) -> Answer:
    steps = listed(pipeline.get("steps"))
    last = steps[-1][1] if steps and isinstance(steps[-1], tuple) and len(steps[-1]) == 2 else None
    if not is_estimator(last):
        raise CannotPredict(
            "It is a pipeline without an estimator at its end, which prepares data and predicts nothing.",
            "Put one that predicts at its end, fit it and save it.",
        )
    return answer_of(last, depth + 1)


def _require_use(estimator: EstimatorView) -> None:
    """Raise ``CannotPredict`` for an estimator of a kind that has no ``predict``."""
    name, room = estimator.name, _room(estimator)
    prepares = name in _PREPARING or (room in _PREPARING_ROOMS and name not in _PREDICT_IN_PREPARING_ROOMS)
    use = _USES.get(name) or (_PREPARES if prepares else None)
    if use is not None and not (name == "LocalOutlierFactor" and estimator.get("novelty") is True):
        what, advice = use
        raise CannotPredict(f"It is {a(name)}, which {what}.", advice)


def a(name: str) -> str:
    """``name`` with its article."""
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _room(estimator: EstimatorView) -> str:
    parts = estimator.module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _is_fitted(estimator: EstimatorView) -> bool:
    """Whether it has learnt something: scikit-learn's learnt attributes end with an underscore."""
    return any(name.endswith("_") and not name.startswith("__") for name in estimator.attributes())


def _own_answer(estimator: EstimatorView, depth: int) -> Answer:
    name = estimator.name
    if name in _GROUPS or name in _OUTLIERS:
        return Answer("INT64")
    if name in _MIXTURES:
        weights = shape_of(estimator.get("weights_"))
        return Answer("INT64", probable=True, columns=weights[0] if weights else -1)
    if name in _SEVERAL or name in _CHAINS:
        return _of_several_parts(estimator, depth)
    if name == "TransformedTargetRegressor":
        return Answer("FP64", _targets(estimator, depth))
    return _of_classifier(estimator, depth) or Answer("FP64", _numbers_for_each_row(estimator, depth))


def _of_classifier(estimator: EstimatorView, depth: int) -> Answer | None:
    """The answer of what has classes, None of what has none."""
    labels = _labels_at_once(estimator)
    if labels:
        probable, count = _probable(estimator, depth), len(labels)
        return Answer("INT64", count, is_class=True, classes=tuple(labels), probable=probable, columns=count)
    classes = classes_of(estimator)
    if classes is None:
        return None
    if isinstance(classes, list):  # of each output
        return Answer(_datatype(classes[0] if classes else None), max(1, len(classes)), is_class=True)
    values = tuple(listed(classes))
    probable = _probable(estimator, depth)
    return Answer(_datatype(classes), is_class=True, classes=values, probable=probable, columns=len(values) or -1)


def _of_several_parts(estimator: EstimatorView, depth: int) -> Answer:
    answers = [answer_of(part, depth + 1) for part in listed(estimator.get("estimators_")) if is_estimator(part)]
    several = max(1, len(answers))
    if estimator.name == "ClassifierChain":  # which answers with numbers, whatever it was given
        both = all(len(answer.classes) == 2 and answer.probable for answer in answers)
        return Answer("FP64", several, is_class=True, probable=both, columns=several)
    kinds = {answer.datatype for answer in answers}
    datatype = next(iter(kinds)) if len(kinds) == 1 else "BYTES" if "BYTES" in kinds else "FP64"
    return Answer(datatype, several, is_class=estimator.name.endswith("Classifier"))


# classes
def classes_of(estimator: EstimatorView) -> Value:
    """The classes that a classifier tells apart: an array, a list of one for each output, None for what has none."""
    for value in (
        estimator.get("classes_"),
        *(
            encoder.get("classes_")
            for encoder in map(estimator.get, ("label_binarizer_", "_label_binarizer"))
            if is_estimator(encoder)
        ),
    ):
        if is_array(value) or isinstance(value, list):
            return value
    return None


def answer_with(classes: Value) -> Answer:
    """The answer of a classifier that tells ``classes`` apart and gives the probability of each."""
    values = tuple(listed(classes))
    return Answer(_datatype(classes), is_class=True, classes=values, probable=True, columns=len(values) or -1)


def _labels_at_once(estimator: EstimatorView) -> list[Value]:
    """The labels of which a row can have several at once; none for a classifier whose rows have one."""
    for attribute in ("label_binarizer_", "_label_binarizer"):
        encoder = estimator.get(attribute)
        if is_estimator(encoder):
            kind = encoder.get("y_type_")
            if isinstance(kind, str) and kind.startswith("multilabel"):
                return listed(encoder.get("classes_"))
    return []


def _datatype(classes: Value) -> str:
    """The type of labels: their array's, or that of what an array of objects holds."""
    if not is_array(classes):
        return "BYTES"
    if classes.kind != "O":
        return _DATATYPES.get(classes.kind, "BYTES")
    kinds = {type(value) for value in listed(classes)}
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(next(iter(kinds)), "BYTES") if len(kinds) == 1 else "BYTES"


def _probable(estimator: EstimatorView, depth: int) -> bool:
    """Whether a classifier gives probabilities."""
    name = estimator.name
    if name == "StackingClassifier":
        final = estimator.get("final_estimator_")
        return is_estimator(final) and answer_of(final, depth + 1).probable
    if name in ("OneVsRestClassifier", "SelfTrainingClassifier"):
        parts = [part for part in all_parts(estimator) if part.name != "_ConstantPredictor"]
        return bool(parts) and answer_of(parts[0], depth + 1).probable
    attribute, values = _PROBABLE_WITH.get(name, ("", ()))
    if name == "NearestCentroid" and "class_prior_" not in estimator.attributes():  # before 1.6
        return False
    return name not in _WITHOUT_PROBABILITIES and (not attribute or estimator.get(attribute) in values)


_PROBABLE_WITH: Final[dict[str, tuple[str, tuple[Value, ...]]]] = {
    **dict.fromkeys(("SVC", "NuSVC"), ("probability", (True,))),
    "SGDClassifier": ("loss", ("log_loss", "log", "modified_huber")),
    "VotingClassifier": ("voting", ("soft",)),
    "NearestCentroid": ("metric", ("euclidean",)),
}
"""By class: the parameter that decides, and with which values there are probabilities."""


# numbers
def _targets(estimator: EstimatorView, depth: int) -> int:
    """How many numbers a TransformedTargetRegressor answers for a row."""
    if whole(estimator.get("_training_dim")) == 1:
        return 1
    transformer = estimator.get("transformer_")
    width = whole(transformer.get("n_features_in_")) if is_estimator(transformer) else None
    regressor = estimator.get("regressor_")
    return width or (answer_of(regressor, depth + 1).several if is_estimator(regressor) else 1)


def _numbers_for_each_row(estimator: EstimatorView, depth: int) -> int:
    """How many numbers a regressor answers for a row, from what it keeps one of for each."""
    stated = whole(estimator.get("n_outputs_"))
    if stated is not None:
        return max(1, stated)
    if estimator.name in ("BaggingRegressor", "VotingRegressor"):
        parts = all_parts(estimator)
        return answer_of(parts[0], depth + 1).several if parts else 1
    means = shape_of(estimator.get("_y_mean"))
    if means:  # partial least squares
        return max(1, means[0])
    for attribute in ("_y", "alpha_", "dual_coef_"):  # of neighbours, Gaussian processes, kernels: a column for each
        shape = shape_of(estimator.get(attribute)) if estimator.name in _COLUMN_FOR_EACH else None
        if shape and len(shape) == 2:
            return max(1, shape[1])
    coefficients = shape_of(estimator.get("coef_"))
    return max(1, coefficients[0]) if coefficients is not None and len(coefficients) == 2 else 1


_COLUMN_FOR_EACH: Final = (
    *("KNeighborsRegressor", "RadiusNeighborsRegressor", "GaussianProcessRegressor", "KernelRidge"),
)
