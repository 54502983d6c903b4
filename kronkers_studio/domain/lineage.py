"""What came from what: data → code → model → package → release."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NodeKind(StrEnum):
    COMMIT = "commit"
    DATA = "data"
    CODE = "code"  # a script or notebook beside the model's file
    FILE = "file"  # the model's file, and any other
    MODEL = "model"
    PACKAGE = "package"
    RELEASE = "release"


class Relation(StrEnum):
    """How an edge's end came from its beginning."""

    HOLDS = "holds"  # a commit, a file
    TRAINED = "trained"  # data, a model
    WROTE = "wrote"  # code, a model
    REGISTERED = "registered as"  # a file, a model
    PACKAGED = "packaged as"  # a model, a package
    RELEASED = "released as"  # a package, a release


@dataclass(frozen=True, slots=True)
class LineageNode:
    """``id`` is how the node is named when asked for its lineage; ``label`` is for people."""

    id: str
    kind: NodeKind
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineageEdge:
    before: str  # a node's id
    relation: Relation
    after: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Everything that ``node`` came from and everything that came from it; nodes in the order of ``NodeKind``."""

    node: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
