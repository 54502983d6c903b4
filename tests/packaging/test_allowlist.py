import contextlib
import importlib
import inspect
import pkgutil
import sys
import warnings
from types import ModuleType
from typing import Any

import pytest

from kronkers_studio.packaging.model_files.pickles import sklearn_names
from kronkers_studio.packaging.model_files.pickles.allowlist import is_allowed, runs_programs
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Global


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("builtins", "type"),
        ("numpy._core", "_ufunc_reconstruct"),  # imports and looks up whatever it is told
        ("numpy.testing._private.utils", "runstring"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("joblib", "load"),
        ("joblib.numpy_pickle", "NDArrayWrapper"),  # opens other files
        ("sklearn.datasets._base", "load_files"),
        ("sklearn.datasets", "fetch_openml"),
        ("sklearn.utils._testing", "assert_run_python_script_without_output"),
        ("sklearn.utils", "os.system"),
        ("sklearn", "svm.SVC"),  # written like an allowed class, but looked up by walking
        ("sklearn.base", "BaseEstimator.__init__.__globals__"),
        ("sklearn.pipeline", "Memory"),
        ("sklearn.ensemble.tests.test_forest", "Evil"),
        ("sklearn.svm", "__builtins__"),
        ("scipy.stats._distn_infrastructure", "rv_frozen"),  # its state is executed
        ("sklearnx.svm", "SVC"),
        ("cloudpickle.cloudpickle", "_make_function"),
        ("__main__", "Cleaner"),
        ("functools", "partial"),
        ("operator", "methodcaller"),
    ],
)
def test_what_runs_programs_or_opens_files_is_not_allowed(module: str, name: str) -> None:
    assert not is_allowed(Global(module, name), called=False)
    assert not is_allowed(Global(module, name), called=True)


def test_functions_may_be_named_but_not_called() -> None:
    metric = Global("sklearn.metrics._classification", "f1_score")

    assert is_allowed(metric, called=False)
    assert not is_allowed(metric, called=True)


def test_what_every_python_has_is_told_from_what_needs_a_library() -> None:
    assert runs_programs(Global("posix", "system"))
    assert runs_programs(Global("nt", "system"))
    assert runs_programs(Global("pip._internal", "main"))
    assert not runs_programs(Global("xgboost.sklearn", "XGBClassifier"))
    assert not runs_programs(Global("__main__", "Cleaner"))


def test_nothing_imported_into_scikit_learn_is_callable_through_it() -> None:
    """Walks the whole installed library: whatever the list lets a pickle call belongs to scikit-learn or numpy."""
    import sklearn

    foreign = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda _: None):
            if ".tests" not in found.name and not found.name.endswith("conftest"):
                try:
                    importlib.import_module(found.name)
                except ImportError:
                    continue
    for module_name in [name for name in sys.modules if name.startswith("sklearn.")]:
        for name, value in vars(sys.modules[module_name]).items():
            if is_allowed(Global(module_name, name), called=True) and callable(value):
                owner = str(getattr(value, "__module__", "")).partition(".")[0]
                if owner not in ("sklearn", "numpy", "scipy"):
                    foreign.append(f"{module_name}.{name} is {owner}'s")
    assert not foreign


def _modules_of_sklearn() -> dict[str, Any]:
    import sklearn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda _: None):
            if ".tests" not in found.name and not found.name.endswith("conftest"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(found.name)
    return {name: module for name, module in sys.modules.items() if name.startswith("sklearn.") and module is not None}


def test_whatever_is_allowed_is_a_class_or_function_defined_where_it_is_named_and_never_a_module() -> None:
    """Walks every attribute of every module of scikit-learn, numpy and scipy that is loaded."""
    _modules_of_sklearn()
    wrong = []
    for module_name, module in list(sys.modules.items()):
        if module is None or module_name.partition(".")[0] not in ("sklearn", "numpy", "scipy", "joblib"):
            continue
        for name, value in list(vars(module).items()):
            if is_allowed(Global(module_name, name), called=False):
                own = str(getattr(value, "__module__", "numpy")).partition(".")[0]
                if isinstance(value, ModuleType) or not callable(value) or own == "joblib" != module_name[:6]:
                    wrong.append(f"{module_name}.{name}")
    assert not wrong


def test_every_listed_function_of_the_installed_version_is_defined_where_it_is_listed() -> None:
    modules = _modules_of_sklearn()
    wrong = []
    for module, names in sklearn_names.FUNCTIONS.items():
        for name in names.split():
            found = getattr(modules.get(module), name, None)  # None: of another version
            if found is not None and (not inspect.isfunction(found) or found.__module__ != module):
                wrong.append(f"{module}.{name}")
    assert not wrong


def test_every_estimator_of_the_installed_version_is_listed() -> None:
    from sklearn.utils import all_estimators

    missing = [
        f"{cls.__module__}.{name}"
        for name, cls in all_estimators()
        if not is_allowed(Global(cls.__module__, cls.__name__), called=True)
    ]
    assert not missing


@pytest.mark.parametrize("name", ["np", "warnings", "math", "itertools", "partial", "effective_n_jobs", "distance"])
def test_what_scikit_learn_imports_is_not_named_through_it(name: str) -> None:
    assert not is_allowed(Global("sklearn.metrics.pairwise", name), called=False)
