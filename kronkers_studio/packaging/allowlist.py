"""Which globals a scikit-learn pickle may name: what fitted models are made of, and nothing that runs a program.

A pickle can call what it names, with arguments of its choice, so "it belongs to scikit-learn" is not enough: that
library holds functions that download, open files and start programs. Allowed are its classes, the functions that
rebuild numpy and scipy arrays, and pure functions that models refer to. Names with dots are never allowed: they walk
from a harmless module to whatever that module imported.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from kronkers_studio.packaging.symbols import Global

_SKLEARN_MODULES = (
    r"sklearn\.(?:base|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis"
    r"|dummy|ensemble|feature_extraction|feature_selection|frozen|gaussian_process|impute|isotonic|kernel_approximation"
    r"|kernel_ridge|linear_model|_loss|manifold|metrics|mixture|model_selection|multiclass|multioutput|naive_bayes"
    r"|neighbors|neural_network|pipeline|preprocessing|random_projection|semi_supervised|svm|tree)"
    r"(?:\.(?!tests?\b)\w+)*"
)
_IMPORTED = (
    "ABC|ABCMeta|Callable|Counter|Integral|Iterable|List|Mapping|Memory|MutableMapping|Number|Parallel|Path|Real|Sequence"
    "|StringIO"
)
_CAPITALS = "CCA|DBSCAN|HDBSCAN|MDS|NMF|OPTICS|PCA|PLSSVD|RBF|RFE|RFECV|SVC|SVR|TSNE"
_CLASS = rf"(?!(?:{_IMPORTED})$)_{{0,2}}[A-Z][A-Z0-9_]*[a-z]\w*|{_CAPITALS}"  # no constants, nothing imported there
_REBUILD = r"newObj|__pyx_unpickle_\w+|_passthrough_scorer|_identity"

_CALLABLE = re.compile(
    "|".join(
        [
            rf"{_SKLEARN_MODULES}\.(?:{_CLASS}|{_REBUILD})",
            r"sklearn\.utils\._bunch\.Bunch|sklearn\.utils\.Bunch",
            r"sklearn\.utils\.(?:deprecation|metadata_routing|_metadata_requests)\.(?:MetadataRequest|MethodMetadataRequest)",
            r"numpy\.(?:ndarray|dtype|matrix)",
            r"numpy\.(?:bool_?|u?int(?:8|16|32|64|c|p)|u?long(?:long)?|float(?:16|32|64)|longdouble|complex(?:64|128)|str_|bytes_|object_)",
            r"numpy\.dtypes\.\w+DType",
            r"numpy\._?core\.multiarray\.(?:_reconstruct|scalar)",
            r"numpy\._?core\.numeric\._frombuffer",
            r"numpy\.ma\.(?:core\.)?(?:MaskedArray|_mareconstruct)",
            r"numpy\.random\._pickle\.(?:__randomstate_ctor|__generator_ctor|__bit_generator_ctor)",
            r"numpy\.random\.(?:_mt19937\.MT19937|_pcg64\.PCG64(?:DXSM)?|_philox\.Philox|_sfc64\.SFC64)",
            r"numpy\.random\.bit_generator\.(?:SeedSequence|__pyx_unpickle_SeedSequence)",
            r"scipy\.sparse\._?(?:bsr|coo|csc|csr|dia|dok|lil)\.(?:bsr|coo|csc|csr|dia|dok|lil)_(?:matrix|array)",
            r"scipy\.interpolate\.(?:_?interpolate|interpolate)\.(?:interp1d|PPoly|BPoly)",
            r"scipy\.interpolate\._bsplines\.BSpline",
            r"scipy\.interpolate\._cubic\.(?:CubicSpline|PchipInterpolator|Akima1DInterpolator)",
            r"scipy\.spatial\._ckdtree\.cKDTree",
            r"joblib\.numpy_pickle\.NumpyArrayWrapper",
            r"builtins\.(?:object|list|dict|set|frozenset|tuple|int|float|complex|bool|str|bytes|bytearray|slice|range)",
            r"collections\.(?:OrderedDict|defaultdict|Counter|deque)",
            r"copyreg\._reconstructor|_codecs\.encode",
            r"datetime\.(?:datetime|date|time|timedelta|timezone)|decimal\.Decimal|fractions\.Fraction",
        ]
    )
)
"""What a pickle may name and call."""

_REFERABLE = re.compile(
    "|".join(
        [
            r"sklearn\.metrics\._(?:classification|regression|ranking)\.[a-z]\w*",
            r"sklearn\.metrics\.(?:pairwise|cluster\._supervised|cluster\._unsupervised)\.[a-z]\w*",
            r"sklearn\.feature_selection\._univariate_selection\.(?:chi2|f_classif|f_oneway|f_regression|r_regression)",
            r"sklearn\.feature_selection\._mutual_info\.mutual_info_(?:classif|regression)",
            r"sklearn\.decomposition\._fastica\._(?:logcosh|exp|cube)",
            r"numpy\.(?:log(?:1p|2|10)?|exp(?:m1|2)?|sqrt|cbrt|square|abs(?:olute)?|fabs|sin|cos|tan|arc(?:sin|cos|tan)"
            r"|sinh|cosh|tanh|reciprocal|negative|positive|sign|floor|ceil|rint|trunc|nan_to_num|mean|median|sum|min|max"
            r"|amin|amax|std|var|ravel|asarray|array|log1p|isnan|clip)",
            r"scipy\._lib\.array_api_compat\.numpy\._aliases\.asarray",  # in splines
            r"scipy\.special\.(?:_ufuncs\.)?(?:expit|logit|boxcox1?p?|inv_boxcox1?p?)",
        ]
    )
)
"""What a pickle may name (as a parameter, say) but not call."""

_STANDARD_LIBRARY = frozenset(sys.stdlib_module_names) | {"nt", "posix", "pip", "setuptools", "pkg_resources"}


def is_allowed(found: Global, *, called: bool) -> bool:
    """Whether a scikit-learn model's pickle may name ``found``; and call it, with ``called``."""
    text = str(found)
    if "." in found.name:
        return False
    return bool(_CALLABLE.fullmatch(text)) or (not called and bool(_REFERABLE.fullmatch(text)))


def outside(named: Iterable[Global], called: Iterable[Global]) -> list[Global]:
    """Those of a pickle's globals that are not allowed, in their order."""
    calls = frozenset(called)
    return [found for found in named if not is_allowed(found, called=found in calls)]


def runs_programs(found: Global) -> bool:
    """Whether ``found``, which is not allowed, belongs to what every Python has: such a pickle is no model that merely
    needs a further library, it does something when it is opened."""
    return found.module.partition(".")[0] in _STANDARD_LIBRARY
