"""Registered models, what can be known of a model file without running it, and packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.signers import PackageSignature

UNLESS_DEFAULT = {"stored": "unless default"}
"""Metadata of a field younger than its documents: its default is not written, so that older ones stay as they are."""


class Framework(StrEnum):
    SKLEARN = "scikit-learn"
    ONNX = "onnx"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    CATBOOST = "catboost"
    R = "r"
    JULIA = "julia"
    KERAS = "keras"
    PYTORCH = "pytorch"
    PMML = "pmml"

    @property
    def label(self) -> str:
        """The framework's name as people write it."""
        return _FRAMEWORK_NAMES.get(self, self.value)

    @property
    def in_container_only(self) -> bool:
        """Whether its models run in a container alone, on a base image of the language's own: R and Julia."""
        return self in (Framework.R, Framework.JULIA)


_FRAMEWORK_NAMES = {
    Framework.ONNX: "ONNX",
    Framework.XGBOOST: "XGBoost",
    Framework.LIGHTGBM: "LightGBM",
    Framework.CATBOOST: "CatBoost",
    Framework.R: "R",
    Framework.JULIA: "Julia",
    Framework.KERAS: "Keras",
    Framework.PYTORCH: "PyTorch",
    Framework.PMML: "PMML",
}


class Datatype(StrEnum):
    """The Open Inference Protocol's tensor datatypes."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output: ``shape`` uses -1 for any length, and says nothing with ``any_rank``; ``columns`` names the
    last axis where that is known. ``levels`` are the texts that an input may hold, () for any."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    any_rank: bool = field(default=False, metadata=UNLESS_DEFAULT)
    levels: tuple[str, ...] = field(default=(), metadata=UNLESS_DEFAULT)


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class StatedSignature:
    """What ``author`` says that a model takes and gives, whose file does not say it."""

    signature: Signature
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file in the model's folder, or below it, that holds weights of the model's. ``size`` in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file of Python beside the model that defines what its pickle names, or that such a file imports: ``name`` as
    it is imported from the ``folder`` of the project, with slashes and its ending, ``size`` in bytes."""

    name: str
    size: int
    folder: str

    @property
    def path(self) -> str:
        """Where it lies in the project."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def module(self) -> str:
        """What it is imported as."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file says of itself, read without running it.

    ``globals`` are the "module.name" pairs a pickle would import; ``unsafe`` those outside the allowlist (a model with
    any is refused). ``python_version`` ("3.11") and ``requirements`` ("numpy==2.4.6") come from files beside the model;
    ``assumed`` names the facts that are defaults rather than findings. ``weights`` are further files of the model's.
    ``packages`` are those of R that the base image must have ("ranger", "ranger==0.14.1").
    ``libraries`` are what a service needs beside the framework to open a pickle ("xgboost==3.2.0").
    ``code`` are the project's own files of Python that define what is ``unsafe``, and what those import of the project.
    ``notes`` are sentences: what a description beside the model adds to its file, or says otherwise.
    """

    framework: Framework
    framework_version: str
    file_format: str  # "joblib", "pickle", "onnx"
    estimator: str = ""  # "sklearn.pipeline.Pipeline"; an ONNX producer
    python_version: str = "3.11"
    requirements: tuple[str, ...] = ()
    signature: Signature = field(default_factory=Signature)
    globals: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    weights: tuple[WeightsFile, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    packages: tuple[str, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    libraries: tuple[str, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    notes: tuple[str, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    code: tuple[CodeFile, ...] = field(default=(), metadata=UNLESS_DEFAULT)


@dataclass(frozen=True, slots=True)
class ContentRef:
    """A file at a commit: ``project@commit:path``."""

    project: str
    commit: str
    path: str

    def __str__(self) -> str:
        return f"{self.project}@{self.commit[:12]}:{self.path}"


LONGEST_TEXT = 20_000
"""Characters of a version's description, or of one text of its card: some ten pages."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What people must know before they rely on a model, in their own words; every text may be empty."""

    intended_use: str = ""
    data: str = ""  # what it was trained and measured on
    metrics: str = ""  # how the figures were measured and what they mean
    limits: str = ""  # where it must not be used, what it gets wrong


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. ``description``, ``tags``, ``card``, ``metrics``, ``dependencies`` (what a person
    wants its service to run on, instead of what was found), ``allowances`` (what of ``facts.unsafe`` a person lets
    its file name) and ``stated`` (what a person says that it takes and gives) may change later, the rest does not;
    what they were before is in the version's history."""

    name: str
    version: int
    source: ContentRef
    facts: ModelFacts
    created: datetime
    author: str
    size: int = 0
    description: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: ContentRef | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    card: ModelCard = field(default=ModelCard(), metadata=UNLESS_DEFAULT)
    dependencies: DependencyChoice | None = field(default=None, metadata=UNLESS_DEFAULT)
    allowances: tuple[Allowance, ...] = field(default=(), metadata=UNLESS_DEFAULT)
    stated: StatedSignature | None = field(default=None, metadata=UNLESS_DEFAULT)

    @property
    def signature(self) -> Signature:
        """What it takes and gives: as a person says, else as was found."""
        return self.facts.signature if self.stated is None else self.stated.signature

    @property
    def label(self) -> str:
        """``churn:3``"""
        return f"{self.name}:{self.version}"

    @property
    def allowed(self) -> frozenset[str]:
        """The names that a person lets its file name."""
        return frozenset(name for allowance in self.allowances for name in allowance.names)


@dataclass(frozen=True, slots=True)
class Layer:
    """One image layer. ``digest`` names the stored (perhaps compressed) bytes, ``diff_id`` the plain tar."""

    role: str  # "base", "dependencies", "server", "model"
    digest: str
    diff_id: str
    size: int  # stored bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Package:
    """The image built from one model version for one platform. ``digest`` is the manifest's ``sha256:…``.

    ``base`` is empty for a package that holds no base layer: it runs on "This computer" and gets its base, and so
    another digest, when it is released to a server.
    """

    digest: str
    model: str
    version: int
    platform: str  # "linux/amd64"
    python_version: str
    base: str
    layers: tuple[Layer, ...]
    created: datetime
    requirements: tuple[str, ...] = ()  # locked, without hashes, for display
    lock: str = ""  # with hashes: the same package can be built again in years
    signature: PackageSignature | None = field(default=None, metadata=UNLESS_DEFAULT)

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True, slots=True)
class PushedImage:
    """A package that was put into a registry as ``reference``: ``uploaded`` parts of it were sent, ``mounted`` ones
    taken from another repository there, the rest was there already. ``bytes_sent`` is all that was sent for it."""

    reference: str
    digest: str
    uploaded: int
    mounted: int
    bytes_sent: int
