"""Every change to the metadata, as data. The journal stores them, and applies them in one place.

A change carries everything needed to apply it to an empty database: replaying all changes in order gives the same
tables. Times come from whoever makes the change, never from the applier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.feature_profiles import ReferenceProfile
from kronkers_studio.domain.gateways import Consumer, ServerGateway
from kronkers_studio.domain.maintenance import KeyEventKind, TrashKind
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.model_tests import ModelTestRun
from kronkers_studio.domain.models import ContentRef, ModelCard, ModelVersion, Package, Signature
from kronkers_studio.domain.releases import Release
from kronkers_studio.domain.servers import Server


@dataclass(frozen=True, slots=True)
class ProjectCreated:
    name: str
    created: datetime


@dataclass(frozen=True, slots=True)
class CommitRecorded:
    """The commit object is durable; the branch (or tag) is moved by a change of its own."""

    commit: Commit
    source: str = ""  # the folder it was migrated from


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """``previous`` is the commit the branch must point at ("" = must not exist): a lost race is refused."""

    project: str
    branch: str
    commit: str
    previous: str


@dataclass(frozen=True, slots=True)
class TagMoved:
    """A tag was set (``previous`` "" = must not exist), moved, or removed (``commit`` "")."""

    project: str
    tag: str
    commit: str
    previous: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SourceRemembered:
    """A folder is brought into a project in this way from now on; replaces what was said of the folder before."""

    project: str
    source: MigrationSource


@dataclass(frozen=True, slots=True)
class SourceForgotten:
    """A folder is no longer brought into a project; what came from it stays."""

    project: str
    folder: str


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    version: ModelVersion


@dataclass(frozen=True, slots=True)
class ModelDescribed:
    """A version's description, tags and model card are these from now on."""

    model: str
    version: int
    description: str
    tags: tuple[str, ...]
    card: ModelCard
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class DependenciesChosen:
    """A version's service is to run on these libraries from its next package on; None: on what was found."""

    model: str
    version: int
    choice: DependencyChoice | None
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class GlobalsAllowed:
    """A version's file may name what ``allowance`` says, beside what is on the list, from its next package on."""

    model: str
    version: int
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class GlobalsDisallowed:
    """A version's file may not name ``names`` any more; what is live stays so."""

    model: str
    version: int
    names: tuple[str, ...]
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class SignatureStated:
    """A version takes and gives what a person says, from its next package on; None: what was found."""

    model: str
    version: int
    stated: Signature | None
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class ProfileMade:
    """A version's reference profile is this one from now on, from its next package on too."""

    model: str
    version: int
    profile: ReferenceProfile


@dataclass(frozen=True, slots=True)
class MetricsAdded:
    """More was measured of a version; a metric that it has already gets the new value."""

    model: str
    version: int
    metrics: Mapping[str, float]
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class ModelTested:
    """A test set was run against the service of a version."""

    run: ModelTestRun


@dataclass(frozen=True, slots=True)
class ModelTestSetChosen:
    """The versions of a model are tested by the file ``source`` from now on, whose commit may be "" for the newest;
    None: by the one that lies beside them."""

    model: str
    source: ContentRef | None
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class AliasMoved:
    model: str
    alias: str
    version: int  # 0 removes the alias


@dataclass(frozen=True, slots=True)
class PackageBuilt:
    package: Package


@dataclass(frozen=True, slots=True)
class ServerAdded:
    server: Server


@dataclass(frozen=True, slots=True)
class ServerRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class ReleaseRecorded:
    """A release is new, or its state, endpoint or message changed: all of it, keyed by model, place and number."""

    release: Release


@dataclass(frozen=True, slots=True)
class Trashed:
    """A project, branch or model version was removed; all it takes to bring it back lies in the trash under ``id``.

    ``owner`` is the project or model, ``name`` the branch or the version's number ("" for a whole project).
    """

    id: str
    kind: TrashKind
    owner: str
    name: str
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class TrashRestored:
    id: str


@dataclass(frozen=True, slots=True)
class TrashEmptied:
    """Items of the trash are gone for good; cleaning up may free what only they held."""

    ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class CommitsForgotten:
    """Cleaning up took commits away that nothing led to any more."""

    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """A way of opening the workspace was added or removed, or a recovery key tried out. No key is in it."""

    at: datetime
    event: KeyEventKind
    slot: str
    way: str
    author: str


@dataclass(frozen=True, slots=True)
class SignerTrusted:
    """What the holder of the public ``key`` (hexadecimal digits) signs is accepted from now on, under ``name``."""

    name: str
    key: str
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class SignerForgotten:
    """The signatures of ``name`` are not accepted any more."""

    name: str
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class GatewaySet:
    """``server`` has that gateway from now on, or none."""

    server: str
    gateway: ServerGateway | None
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class ConsumerSet:
    """The consumer called ``name`` is so from now on, with these keys, or may ask nothing any more."""

    name: str
    consumer: Consumer | None
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class AuthorityMade:
    """The certificate (PEM) of the workspace's own authority for ``purpose``. Its key is derived from the
    workspace's."""

    purpose: str
    certificate: str
    at: datetime
    author: str


Change = (
    ProjectCreated
    | CommitRecorded
    | BranchMoved
    | TagMoved
    | SourceRemembered
    | SourceForgotten
    | ModelRegistered
    | ModelDescribed
    | DependenciesChosen
    | GlobalsAllowed
    | SignatureStated
    | GlobalsDisallowed
    | ProfileMade
    | MetricsAdded
    | ModelTested
    | ModelTestSetChosen
    | AliasMoved
    | PackageBuilt
    | ServerAdded
    | ServerRemoved
    | ReleaseRecorded
    | Trashed
    | TrashRestored
    | TrashEmptied
    | CommitsForgotten
    | KeyChanged
    | SignerTrusted
    | SignerForgotten
    | GatewaySet
    | ConsumerSet
    | AuthorityMade
)
KINDS: Mapping[str, type[Change]] = {kind.__name__: kind for kind in get_args(Change)}
"""Every kind of change by the name that the journal keeps it under."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal. ``hash`` chains it to all before it."""

    number: int
    at: datetime
    author: str
    kind: str  # the change's class name
    change: dict[str, Any]  # JSON form
    hash: str


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A line of the journal, and the change that it holds."""

    entry: JournalEntry
    change: Change
