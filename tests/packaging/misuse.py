"""Model files that name only what a model may name and still do harm: they misuse the calls of scikit-learn, numpy,
scipy, joblib and pickle itself. All passed the list of allowed names as it once was.

``MISUSES`` says of each how its success would be seen. Most must be refused when the file is looked at; those with
``contained`` have the very shape of honest models, and only a confined process makes them harmless.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np


class Effect(StrEnum):
    """How success would be seen."""

    FILE = "writes Place.written"
    SECRET = "reads Place.secret"
    CONNECTION = "connects to Place.port on this computer"
    PROCESS = "starts processes"
    MEMORY = "takes more memory than any model, or reads and writes memory that is not its own"
    CRASH = "ends the process"
    TIME = "does not end"
    CODE = "calls or imports what the file chooses"


@dataclass(frozen=True)
class Place:
    """Where traces would be left."""

    written: Path
    secret: Path
    port: int


@dataclass(frozen=True)
class Misuse:
    """``build`` gives the file's bytes. ``row``, when given, is what a prediction must be asked for to set it off."""

    name: str
    effect: Effect
    build: Callable[[Place], bytes]
    contained: bool = False
    row: str = ""


# writing pickles
@dataclass(frozen=True)
class Named:
    """What a pickle imports as ``module.name``."""

    module: str
    name: str


@dataclass(frozen=True)
class Made:
    """``function(*arguments)``, or ``function.__new__(function, *arguments)`` when ``bare``; then its state."""

    function: Any
    arguments: tuple[Any, ...] = ()
    state: Any = None
    bare: bool = False


class _Writer(pickle._Pickler):  # the readable one, in Python
    write: Callable[[bytes], object]

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.write(b"c" + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Made):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(pickle.NEWOBJ if obj.bare else pickle.REDUCE)
            if obj.state is not None:
                self.save(obj.state)
                self.write(pickle.BUILD)
        else:
            super().save(obj, save_persistent_id)  # type: ignore[misc]  # typeshed does not know it


def pickled(model: Any) -> bytes:
    """``model``, with every ``Named`` and ``Made`` inside written as what it stands for."""
    stream = io.BytesIO()
    _Writer(stream, 3).dump(model)
    return stream.getvalue()


# parts of models
def _linear(**attributes: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(np.zeros((3, 2)), np.arange(3))
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


def _pipeline(*steps: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([(f"step{number}", step) for number, step in enumerate((*steps, _linear()))])


def _constant(value: Any, **options: Any) -> Any:
    """A step that answers ``value``, whatever goes in."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(np.max, kw_args={"initial": value, **options}, validate=False)


def _filled(text: str) -> tuple[Any, Any]:
    """Two steps that answer ``text``, without any argument of a function: an imputer fills the row, numpy picks one."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import FunctionTransformer

    fill = SimpleImputer(missing_values=0, strategy="constant", fill_value=7).fit(np.ones((3, 2)))
    fill.fill_value, fill._fill_dtype = text, np.dtype(object)
    fill.statistics_ = np.array([text, text], dtype=object)
    return (
        FunctionTransformer(np.asarray, kw_args={"dtype": "object"}),
        fill,
    ), FunctionTransformer(np.max)


def _function(function: Any, **options: Any) -> bytes:
    from sklearn.preprocessing import FunctionTransformer

    return pickled(_pipeline(FunctionTransformer(function, kw_args=options)))


def _called(
    thing: Any, method: Any, argument: Any, kind: str = "StackingRegressor", *, by_argument: bool = False
) -> Any:
    """``thing.method(argument)`` at the first prediction."""
    import sklearn.ensemble

    stack = getattr(sklearn.ensemble, kind)([("a", _linear())])
    stack.final_estimator_ = _linear()
    stack.estimators_, stack.stack_method_ = [thing], [method]
    if isinstance(argument, str):
        (objects, fill), pick = _filled("" if by_argument else argument)
        return _pipeline(objects, fill, _constant(argument) if by_argument else pick, stack)
    return _pipeline(_constant(argument), stack)


def _stack_in(model: Any) -> Any:
    return model.steps[-2][1]


def _bytes() -> Any:
    return np.array(b"import os\n")


def _written(place: Place) -> str:
    return str(place.written)


def _holding(made: Any) -> bytes:
    """A model that keeps ``made`` as an attribute: it is made when the file is opened."""
    return pickled(_linear(kept_=made))


def _numpy(place: str = "pairwise") -> Named:
    return Named(f"sklearn.metrics.{place}", "np")


def _core(name: str) -> Named:
    return Named("numpy._core.multiarray", name)


def _builtin(name: str, *arguments: Any) -> Made:
    return Made(Named("builtins", name), arguments)


def _endless_range(kind: str, module: str = "builtins") -> Callable[[Place], bytes]:
    return lambda _: _holding(Made(Named(module, kind), (_builtin("range", 1 << 34),)))


def _dtype(name: str, *state: Any) -> Made:
    return Made(Named("numpy", "dtype"), (name, False, True), state)


def _void(size: int, **parts: Any) -> Made:
    return _dtype(f"V{size}", 3, "|", None, tuple(parts) or None, parts or None, size, 1, 0)


# several kinds
def _numpy_text(text: str) -> Made:
    return Made(
        _core("scalar"),
        (_dtype(f"U{len(text)}", 3, "<", None, None, None, 4 * len(text), 4, 8), text.encode("utf-32-le")),
    )


def _frozen_array(place: Place) -> bytes:
    from sklearn.frozen import FrozenEstimator

    return pickled(_called(FrozenEstimator(_bytes()), "tofile", _written(place)))


def _objects(*members: Any) -> Any:
    array = np.empty(len(members), dtype=object)
    array[:] = members
    return array


def _stack_of_object_array(place: Place) -> bytes:
    model = _called(None, "tofile", _written(place))
    _stack_in(model).estimators_ = _objects(_bytes())
    return pickled(model)


def _searched(place: Place) -> bytes:
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(_linear(), {"fit_intercept": [True]})
    search.best_estimator_ = _called(_bytes(), "tofile", _written(place))
    return pickled(search)


def _voted(place: Place) -> bytes:
    from sklearn.ensemble import VotingRegressor

    vote = VotingRegressor([("a", _linear())])
    vote.estimators_ = [_called(_bytes(), "dump", _written(place))]
    return pickled(vote)


def _by_slots(place: Place) -> bytes:
    """The method's name as an attribute whose own name is no text but equal to it, set beside the dictionary."""
    model = _called(_bytes(), "predict", _written(place))
    state = dict(_stack_in(model).__dict__)
    state.pop("stack_method_")
    state_symbols = Made(Named("collections", "OrderedDict"), (list({**state, "stack_method_": ["tofile"]}.items()),))
    model.steps[-2] = (
        model.steps[-2][0],
        Made(Named("sklearn.ensemble._stacking", "StackingRegressor"), (), state_symbols, True),
    )
    return pickled(model)


def _chained(_: Place) -> bytes:
    from sklearn.multioutput import ClassifierChain

    chain = ClassifierChain(_linear())
    chain.estimators_, chain.order_, chain.chain_method_ = [_bytes()], [0], "tofile"
    chain.classes_, chain.n_features_in_ = [np.arange(2)], 2
    return pickled(chain)


def _threshold(_: Place) -> bytes:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import FixedThresholdClassifier

    inner = LogisticRegression().fit(np.arange(8).reshape(4, 2), [0, 1, 0, 1])
    model = FixedThresholdClassifier(inner).fit(np.arange(8).reshape(4, 2), [0, 1, 0, 1])
    model.response_method = "set_params"
    return pickled(model)


def _getter(path: str, estimator: Any = None) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.feature_selection import SelectFromModel

        select = SelectFromModel(_linear(), importance_getter=path)
        select.estimator_ = _linear() if estimator is None else estimator
        return pickled(_pipeline(select))

    return build


def _text_model(kind: str, **options: Any) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        import sklearn.feature_extraction.text
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        texts, answers = ["good wine", "bad beer"] * 3, [0, 1] * 3
        model = make_pipeline(getattr(sklearn.feature_extraction.text, kind)(), LogisticRegression())
        model.fit(texts, answers)
        for name, value in options.items():
            setattr(model.steps[0][1], name, value)
        return pickled(model)

    return build


def _remembered(place: Place) -> bytes:
    model = _pipeline()
    model.memory = _written(place)
    return pickled(model)


def _agglomeration(place: Place) -> bytes:
    from sklearn.cluster import FeatureAgglomeration

    step = FeatureAgglomeration(2).fit(np.arange(12.0).reshape(4, 3))
    step.memory = _written(place)
    return pickled(_pipeline(step))


def _jobs(count: int) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.multioutput import MultiOutputRegressor

        model = MultiOutputRegressor(_linear()).fit(np.zeros((4, 2)), np.zeros((4, 200)))
        model.n_jobs = count
        return pickled(model)

    return build


def _neighbours(metric: Any, **parameters: Any) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.neighbors import KNeighborsRegressor

        model = KNeighborsRegressor(1, algorithm="brute").fit(np.zeros((3, 2)), np.arange(3))
        model.metric = model.effective_metric_ = metric
        model.metric_params = model.effective_metric_params_ = parameters
        return pickled(model)

    return build


def _topics(_: Place) -> bytes:
    from sklearn.decomposition import LatentDirichletAllocation

    step = LatentDirichletAllocation(2, max_iter=1).fit(np.arange(8).reshape(4, 2))
    step.max_doc_update_iter, step.mean_change_tol = 10**15, -1.0
    return pickled(_pipeline(step))


def _factors(_: Place) -> bytes:
    from sklearn.decomposition import NMF

    step = NMF(2, max_iter=2000, init="random", random_state=0).fit(np.arange(8).reshape(4, 2) + 1.0)
    step.max_iter, step.tol = 10**15, -1.0
    return pickled(_pipeline(step))


def _polynomials(_: Place) -> bytes:
    from sklearn.preprocessing import PolynomialFeatures

    step = PolynomialFeatures().fit(np.zeros((3, 2)))
    step._max_degree = step.n_output_features_ = 1 << 44
    return pickled(_pipeline(step))


def _circular_tree(_: Place) -> bytes:
    from sklearn.tree import DecisionTreeRegressor

    model = DecisionTreeRegressor().fit(np.arange(8.0).reshape(4, 2), np.arange(4.0))
    function, arguments, state = model.tree_.__reduce__()
    nodes = state["nodes"].copy()
    nodes["left_child"][0] = nodes["right_child"][0] = 0  # the root's children are the root
    model.tree_ = Made(Named("sklearn.tree._tree", "Tree"), arguments, {**state, "nodes": nodes})
    assert function.__name__ == "Tree"
    return pickled(model)


def _stray_indices(_: Place) -> bytes:
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import KNeighborsRegressor

    model = KNeighborsRegressor(1, algorithm="brute").fit(csr_matrix(np.eye(3)), np.arange(3))
    model._fit_X.indices = np.array([1 << 30, 5, -(1 << 30)], dtype=np.int32)
    return pickled(model)


def _inside_itself(_: Place) -> bytes:
    model = _pipeline()
    model.steps.insert(0, ("again", model))
    return pickled(model)


def _templated(_: Place) -> bytes:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import StandardScaler

    step = ColumnTransformer([("a", StandardScaler(), [0, 1])]).fit(np.zeros((3, 2)))
    step.verbose_feature_names_out = "{feature_name:>9999999999}"
    step.set_output(transform="pandas")
    return pickled(_pipeline(step))


# what compiled code and the C stack do not survive
def _keeping(opcodes: bytes) -> bytes:
    """As ``_holding``, of what ``opcodes`` make: deeper than Python's own pickler goes."""
    before, after = pickled(_linear(kept_=None)).split(b"X\x05\x00\x00\x00kept_", 1)
    assert after[:1] == b"q"
    assert after[2:3] == b"N"
    return before + b"X\x05\x00\x00\x00kept_" + after[:2] + opcodes + after[3:]


def _deep_tuple(_: Place) -> bytes:
    """As the key of a dictionary, a tuple is hashed to its bottom."""
    return _keeping(b"})" + b"\x85" * 300_000 + b"K\x01s")


def _deep_type(_: Place) -> bytes:
    """Types whose elements are of another type: compared, hashed and forgotten to their bottom."""
    made = b"cnumpy\ndtype\n(X\x02\x00\x00\x00V8\x89\x88tR(K\x03X\x01\x00\x00\x00|"
    level = made + b"j\x01\x10\x00\x00K\x01\x85\x86NNK\x08K\x01K\x00tbr\x01\x10\x00\x000"
    return _keeping(made + b"NNNK\x08K\x01K\x00tbr\x01\x10\x00\x000" + level * 60_000 + b"j\x01\x10\x00\x00")


def _type_stating(size: int, alignment: int = 1) -> Callable[[Place], bytes]:
    return lambda _: _holding(
        Made(_core("scalar"), (_dtype("S8", 3, "|", None, None, None, size, alignment, 0), b"A" * 8))
    )


def _guesses(state: Any, kind: Any = "MT19937") -> bytes:
    """A model that answers by chance, from the numbers that it has ready."""
    from sklearn.dummy import DummyClassifier

    model = DummyClassifier(strategy="stratified", random_state=1).fit(np.zeros((4, 2)), [0, 1, 0, 1])
    model.random_state = Made(Named("numpy.random._pickle", "__randomstate_ctor"), (kind,), state)
    return pickled(model)


def _far_position(_: Place) -> bytes:
    state = dict(np.random.RandomState(1).get_state(legacy=False))
    return _guesses({**state, "state": {"key": state["state"]["key"], "pos": 1 << 29}})


def _far_position_in_a_tuple(_: Place) -> bytes:
    name, key, _position, *rest = np.random.RandomState(1).get_state()
    return _guesses((name, key, -(1 << 29), *rest))


def _far_position_of_another(_: Place) -> bytes:
    state = {**np.random.Philox(1).state, "buffer_pos": -(1 << 29)}
    return _guesses(None, Made(Named("numpy.random._pickle", "__bit_generator_ctor"), ("Philox",), state))


def _far_words(_: Place) -> bytes:
    return _text_model("CountVectorizer", vocabulary_={"good": 1 << 30})(_)


def _spline(**attributes: Any) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.preprocessing import SplineTransformer

        step = SplineTransformer().fit(np.arange(20.0).reshape(10, 2))
        for spline in step.bsplines_:
            vars(spline).update(attributes)
        return pickled(_pipeline(step))

    return build


def _tree(**columns: int) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.tree import DecisionTreeRegressor

        model = DecisionTreeRegressor().fit(np.arange(8.0).reshape(4, 2), np.arange(4.0))
        _, arguments, state = model.tree_.__reduce__()
        nodes = state["nodes"].copy()
        for column, value in columns.items():
            nodes[column][:] = value
        state = {**state, "nodes": nodes}
        if not columns:
            state |= {"nodes": nodes[:0], "values": state["values"][:0], "node_count": 0}
        model.tree_ = Made(Named("sklearn.tree._tree", "Tree"), arguments, state)
        return pickled(model)

    return build


def _neighbour_tree(part: int, change: Callable[[Any], Any], kind: str = "kd_tree") -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.neighbors import KNeighborsRegressor

        model = KNeighborsRegressor(1, algorithm=kind).fit(np.arange(20.0).reshape(10, 2), np.arange(10.0))
        module, name = f"sklearn.neighbors._{kind}", type(model._tree).__name__
        state = list(model._tree.__getstate__())
        state[part] = change(state[part])
        model._tree = Made(Named(module, "newObj"), (Named(module, name),), tuple(state))
        return pickled(model)

    return build


def _far_end(nodes: Any) -> Any:
    changed = nodes.copy()
    changed["idx_end"][:] = 1 << 40
    return changed


def _histograms(**columns: int) -> Callable[[Place], bytes]:
    def build(_: Place) -> bytes:
        from sklearn.ensemble import HistGradientBoostingRegressor

        rows = np.arange(20.0).reshape(10, 2)
        model = HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1).fit(rows, np.arange(10.0))
        for column, value in columns.items():
            for (predictor,) in model._predictors:
                predictor.nodes[column][:] = value
        return pickled(model)

    return build


def _sparse_weights(_: Place) -> bytes:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(np.arange(8).reshape(4, 2), [0, 1, 0, 1]).sparsify()
    model.coef_.indices = np.full_like(model.coef_.indices, 1 << 30)
    return pickled(model)


def _one_tree_over_and_over(_: Place) -> bytes:
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(1).fit(np.arange(8.0).reshape(4, 2), np.arange(4.0))
    model.estimators_ = model.estimators_ * 300_000
    return pickled(model)


def _lists_of_one_list(_: Place) -> bytes:
    from sklearn.dummy import DummyRegressor

    model = DummyRegressor().fit(np.zeros((3, 2)), np.arange(3))
    constant: list[Any] = [0.0] * 100
    for _level in range(5):
        constant = [constant] * 100
    model.constant_ = constant
    return pickled(model)


def _many_columns(_: Place) -> bytes:
    from sklearn.kernel_approximation import AdditiveChi2Sampler

    step = AdditiveChi2Sampler().fit(np.ones((3, 2)))
    step.sample_steps, step.sample_interval = 10**9, 0.5
    return pickled(_pipeline(step))


_LATER = "made when the file is opened: "

MISUSES: list[Misuse] = [
    # methods by name, on things that are no estimators
    Misuse("an array writes itself as a stacked estimator", Effect.FILE,
           lambda p: pickled(_called(_bytes(), "tofile", _written(p)))),
    Misuse("an array writes itself where a function is told", Effect.FILE,
           lambda p: pickled(_called(_bytes(), "tofile", _written(p), by_argument=True))),
    Misuse("an array dumps itself as a stacked estimator", Effect.FILE,
           lambda p: pickled(_called(_bytes(), "dump", _written(p)))),
    Misuse("an array in a stacked classifier", Effect.FILE,
           lambda p: pickled(_called(_bytes(), "tofile", _written(p), "StackingClassifier"))),
    Misuse("the method's name in an array of text", Effect.FILE,
           lambda p: pickled(_with(_called(_bytes(), "", _written(p)), stack_method_=np.array(["tofile"])))),
    Misuse("the method's name as numpy's text", Effect.FILE,
           lambda p: pickled(_called(_bytes(), _numpy_text("tofile"), _written(p)))),
    Misuse("the attributes in a dictionary that is called for", Effect.FILE, _by_slots),
    Misuse("an array in a frozen estimator", Effect.FILE, _frozen_array),
    Misuse("an array in an array of estimators", Effect.FILE, _stack_of_object_array),
    Misuse("stacking inside a search", Effect.FILE, _searched),
    Misuse("stacking inside a vote", Effect.FILE, _voted),
    Misuse("a chain's method", Effect.FILE, _chained),
    Misuse("a threshold's response method", Effect.CODE, _threshold),
    Misuse("an importance looked up in Python's own attributes", Effect.CODE,
           _getter("__class__.__init__.__globals__")),
    Misuse("an importance looked up in a function's globals", Effect.CODE, _getter("predict.__globals__")),
    Misuse("the environment through a module", Effect.SECRET, _getter("f2py.os.environ", _numpy())),
    # modules that scikit-learn imports
    Misuse("numpy fetches an address", Effect.CONNECTION,
           lambda p: pickled(_called(_numpy(), "genfromtxt", f"http://127.0.0.1:{p.port}/"))),
    Misuse("numpy reads a text file", Effect.SECRET, lambda p: pickled(_called(_numpy(), "genfromtxt", str(p.secret)))),
    Misuse("numpy reads bytes", Effect.SECRET, lambda p: pickled(_called(_numpy(), "fromfile", str(p.secret)))),
    Misuse("numpy maps a file", Effect.SECRET, lambda p: pickled(_called(_numpy(), "memmap", str(p.secret)))),
    Misuse("numpy loads a table", Effect.SECRET,
           lambda p: pickled(_called(_numpy("_classification"), "loadtxt", str(p.secret)))),
    Misuse("warnings import a module", Effect.CODE,
           lambda _: pickled(_called(Named("sklearn.metrics.pairwise", "warnings"), "_setoption", "error::this.Zen"))),
    Misuse("a factorial without end", Effect.TIME,
           lambda _: pickled(_called(Named("sklearn.metrics.pairwise", "math"), "factorial", 10**9))),
    Misuse("ones without end", Effect.MEMORY, lambda _: pickled(_called(_numpy(), "ones", 10**12))),
    Misuse("a module as a function", Effect.CODE, lambda _: _function(Named("sklearn.metrics.pairwise", "itertools"))),
    # functions and their arguments
    Misuse("a class as a function", Effect.MEMORY, lambda _: _function(bytearray)),
    Misuse("a type of endless text", Effect.MEMORY, lambda _: _function(np.array, dtype="U2000000000")),
    Misuse("a result written into an array of the file", Effect.MEMORY,
           lambda _: _function(np.clip, a_min=0, a_max=1, out=np.zeros(3))),
    Misuse("a text as the first number", Effect.CODE, lambda p: _function(np.max, initial=_written(p))),
    Misuse("a prediction that is a function", Effect.CODE, lambda _: pickled(_linear(predict=np.max))),
    Misuse("a class as a distance", Effect.MEMORY, _neighbours(bytearray)),
    Misuse("a distance that starts processes", Effect.PROCESS,
           _neighbours(Named("sklearn.metrics.pairwise", "pairwise_distances"), n_jobs=64)),
    Misuse("a class as an analyzer", Effect.MEMORY, _text_model("CountVectorizer", analyzer=bytearray)),
    Misuse("a class as a tokenizer", Effect.TIME, _text_model("TfidfVectorizer", tokenizer=range)),
    # files
    Misuse("counts of a file that a row names", Effect.SECRET, _text_model("CountVectorizer", input="filename"),
           row="secret"),
    Misuse("weights of a file that a row names", Effect.SECRET, _text_model("TfidfVectorizer", input="filename"),
           row="secret"),
    Misuse("hashes of a file that a row names", Effect.SECRET, _text_model("HashingVectorizer", input="filename"),
           row="secret"),
    Misuse("an open file in each row", Effect.CODE, _text_model("CountVectorizer", input="file")),
    Misuse("results kept in a folder", Effect.FILE, _remembered),
    Misuse("a step's results kept in a folder", Effect.FILE, _agglomeration),
    # memory and time when the file is opened
    Misuse(_LATER + "bytes", Effect.MEMORY, lambda _: _holding(_builtin("bytes", 1 << 40))),
    Misuse(_LATER + "a byte array", Effect.MEMORY, lambda _: _holding(_builtin("bytearray", 1 << 40))),
    Misuse(_LATER + "a list", Effect.MEMORY, _endless_range("list")),
    Misuse(_LATER + "a tuple", Effect.MEMORY, _endless_range("tuple")),
    Misuse(_LATER + "a set", Effect.MEMORY, _endless_range("set")),
    Misuse(_LATER + "a counter", Effect.MEMORY, _endless_range("Counter", "collections")),
    Misuse(_LATER + "a queue", Effect.MEMORY, _endless_range("deque", "collections")),
    Misuse(_LATER + "an array", Effect.MEMORY, lambda _: _holding(Made(Named("numpy", "ndarray"), ((1 << 40,),)))),
    Misuse(_LATER + "an array rebuilt", Effect.MEMORY,
           lambda _: _holding(Made(_core("_reconstruct"), (Named("numpy", "ndarray"), (1 << 40,), b"b")))),
    Misuse(_LATER + "a scalar of gigabytes", Effect.MEMORY,
           lambda _: _holding(Made(_core("scalar"), (_void(2_000_000_000),)))),
    Misuse(_LATER + "a sparse matrix", Effect.MEMORY,
           lambda _: _holding(Made(Named("scipy.sparse._csr", "csr_matrix"), ((1 << 40, 4),)))),
    Misuse(_LATER + "a tree of too many answers", Effect.MEMORY,
           lambda _: _holding(Made(Named("sklearn.tree._tree", "Tree"), (2, np.ones(1, dtype=np.intp), 1 << 40)))),
    Misuse(_LATER + "a seed of too many words", Effect.MEMORY,
           lambda _: _holding(Made(Named("numpy.random.bit_generator", "SeedSequence"), (1, (), 1 << 36)))),
    Misuse(_LATER + "a fraction of too many digits", Effect.TIME,
           lambda _: _holding(Made(Named("fractions", "Fraction"), ("1e99999999999",)))),
    Misuse(_LATER + "a slow encoding", Effect.TIME,
           lambda _: _holding(Made(Named("_codecs", "encode"), ("".join(map(chr, range(0x400, 0xD000))), "punycode")))),
    Misuse(_LATER + "whatever a generator is told to call", Effect.MEMORY,
           lambda _: _holding(Made(Named("numpy.random._pickle", "__randomstate_ctor"),
                                   (1 << 40, Named("builtins", "bytearray"))))),
    Misuse(_LATER + "bytes of the file as pointers", Effect.MEMORY,
           lambda _: _holding(Made(_core("_reconstruct"), (Named("numpy", "ndarray"), (0,), b"b"),
                                   (1, (1,), _dtype("O8", 3, "|", None, None, None, -1, -1, 0), False, b"A" * 8)))),
    Misuse(_LATER + "pointers as a part of bytes", Effect.MEMORY,
           lambda _: _holding(Made(_core("_reconstruct"), (Named("numpy", "ndarray"), (0,), b"b"), (
               1, (1,), _void(8, a=(_dtype("O8", 3, "|", None, None, None, -1, -1, 63), 0)), False, b"A" * 8)))),
    Misuse(_LATER + "a part behind the end", Effect.MEMORY,
           lambda _: _holding(Made(_core("_reconstruct"), (Named("numpy", "ndarray"), (0,), b"b"), (
               1, (1,), _void(8, a=(np.dtype("f8"), 1 << 20)), False, b"A" * 8)))),
    Misuse("an estimator made by a call", Effect.CODE,
           lambda _: pickled(_pipeline(Made(Named("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
                                            (np.max,))))),
    # time and processes at a prediction
    Misuse("topics without end", Effect.TIME, _topics),
    Misuse("factors without end", Effect.TIME, _factors),
    Misuse("a hundred thousand processes", Effect.PROCESS, _jobs(100_000)),
    Misuse("column names without end", Effect.MEMORY, _templated),
    # the end of the process
    Misuse(_LATER + "a tuple in a tuple in a tuple, as a key", Effect.CRASH, _deep_tuple),
    Misuse(_LATER + "a type of types of types", Effect.CRASH, _deep_type),
    Misuse(_LATER + "text shorter than nothing", Effect.CRASH, _type_stating(-5)),
    Misuse(_LATER + "text of another length than its type's", Effect.CRASH, _type_stating(4)),
    Misuse(_LATER + "text at no address", Effect.CRASH, _type_stating(8, 0)),
    Misuse("chance from a far position", Effect.CRASH, _far_position),
    Misuse("chance from a far position in a tuple", Effect.CRASH, _far_position_in_a_tuple),
    Misuse("chance from a far position of another generator", Effect.CRASH, _far_position_of_another),
    Misuse("no features to sort words into", Effect.CRASH, _text_model("HashingVectorizer", n_features=0), row="good"),
    Misuse("a word with a far number", Effect.CRASH, _far_words, row="good"),
    Misuse("a curve of degree millions", Effect.CRASH, _spline(k=1 << 26)),
    # the same shape as honest models
    Misuse("a tree whose branches go far away", Effect.CRASH, _tree(left_child=1 << 40, right_child=1 << 40),
           contained=True),
    Misuse("a tree that asks for a far column", Effect.CRASH, _tree(feature=1 << 40), contained=True),
    Misuse("a tree without a root", Effect.CRASH, _tree(), contained=True),
    Misuse("neighbours in far rows", Effect.CRASH, _neighbour_tree(1, lambda rows: np.full_like(rows, 1 << 40)),
           contained=True),
    Misuse("neighbours without end", Effect.CRASH, _neighbour_tree(2, _far_end, "ball_tree"), contained=True),
    Misuse("histograms whose branches go far away", Effect.CRASH, _histograms(left=1 << 31, right=1 << 31),
           contained=True),
    Misuse("histograms of a far column", Effect.CRASH, _histograms(feature_idx=1 << 30), contained=True),
    Misuse("sparse weights of far columns", Effect.CRASH, _sparse_weights, contained=True),
    Misuse("one tree over and over", Effect.TIME, _one_tree_over_and_over, contained=True),
    Misuse("lists of one list", Effect.MEMORY, _lists_of_one_list, contained=True),
    Misuse("columns without end", Effect.MEMORY, _many_columns, contained=True),
    Misuse("as many processes as there are cores", Effect.PROCESS, _jobs(-1), contained=True),
    Misuse("features without end", Effect.MEMORY, _polynomials, contained=True),
    Misuse("a tree whose branches go in circles", Effect.TIME, _circular_tree, contained=True),
    Misuse("a sparse matrix with indices out of range", Effect.MEMORY, _stray_indices, contained=True),
    Misuse("a pipeline inside itself", Effect.TIME, _inside_itself, contained=True),
    Misuse("a word pattern without end", Effect.TIME, _text_model("CountVectorizer", token_pattern=r"(\w+\s?)+$x"),
           contained=True, row="a" * 60),
]  # fmt: skip


def _with(model: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(_stack_in(model), name, value)
    return model
