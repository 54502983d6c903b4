"""Follow what came from what, in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.lineage import Lineage, LineageEdge, LineageNode, NodeKind, Relation
from kronkers_studio.domain.model_files import model_file_kind
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.paths import parent
from kronkers_studio.domain.references import (
    CommitReference,
    ModelReference,
    PackageReference,
    ReleaseReference,
    format_content,
    parse_node,
)
from kronkers_studio.domain.releases import Release
from kronkers_studio.workflows.session import Session

_CODE_SUFFIXES = (".py", ".ipynb", ".r", ".rmd", ".sql")


def lineage(session: Session, node: str) -> Lineage:
    """Everything that ``node`` came from, and everything that came from it.

    A node is a model version (``churn``, ``churn:3``, ``churn@champion``), a package (``sha256:…``), a release
    (``churn:r2@this-computer``), a file (``P:PATH``, ``P@REF:PATH``) or a commit (``P@REF``). From a file, what was
    made of the same bytes at another commit counts as well. Raises ``NotFound`` or ``InvalidInput``.
    """
    graph = _Graph(session)
    start = graph.from_node(node)
    order = list(NodeKind)
    nodes = sorted(graph.nodes.values(), key=lambda one: (order.index(one.kind), one.label))
    return Lineage(start, tuple(nodes), tuple(graph.edges))


@dataclass
class _Graph:
    session: Session
    nodes: dict[str, LineageNode] = field(default_factory=dict)
    edges: dict[LineageEdge, None] = field(default_factory=dict)

    def from_node(self, text: str) -> str:
        """Fill the graph from the node that ``text`` names; its id."""
        ledger = self.session.workspace.ledger
        match parse_node(text, is_model=lambda name: name in ledger.model_names()):
            case PackageReference() as package:
                return self._from_package(package.digest)
            case ReleaseReference() as release:
                return self._from_release(release)
            case ModelReference() as model:
                return self._from_model(ledger.model_version(*model))
            case ContentRef() as file:
                return self._from_file(file.project, file.commit, file.path)
            case CommitReference() as commit:
                return self._from_commit(commit.project, commit.ref)

    # ---- where to begin ----

    def _from_release(self, reference: ReleaseReference) -> str:
        ledger = self.session.workspace.ledger
        releases = ledger.releases(reference.model, reference.place)
        release = next((one for one in releases if one.number == reference.number), None)
        if release is None:
            raise NotFound(f"There is no release {reference}.", next_step="`kronkers releases` shows those that exist.")
        self._before(ledger.model_version(release.model, release.version))
        return self._release(release)

    def _from_model(self, version: ModelVersion) -> str:
        self._before(version)
        self._after(version)
        return version.label

    def _from_package(self, digest: str) -> str:
        ledger = self.session.workspace.ledger
        package = next((one for one in ledger.packages() if one.digest.startswith(digest)), None)
        if package is None:
            raise NotFound(f"There is no package {digest}.", next_step="`kronkers package` makes one.")
        self._before(ledger.model_version(package.model, package.version))
        self._package(package.digest, package.model, package.version, package.platform)
        for release in ledger.releases(package.model):
            if release.package == package.digest:
                self._release(release)
        return package.digest

    def _from_file(self, project: str, ref: str, path: str) -> str:
        content = self.session.workspace.content
        commit = content.resolve(project, ref)
        entry = content.find(project, commit.id, path)
        here = ContentRef(project, commit.id, path)
        start = self._file(here, NodeKind.FILE)
        for version in self.session.workspace.models.using(project, path=path):
            for used in (version.source, version.data):
                if used and (used.project, used.path) == (project, path) and self._same_bytes(used, entry.content):
                    self._after(version)
                    kind = Relation.TRAINED if used is version.data else Relation.REGISTERED
                    self._edge(start, kind, version.label)
        return start

    def _from_commit(self, project: str, ref: str) -> str:
        commit = self.session.workspace.content.resolve(project, ref)
        start = self._commit(project, commit.id)
        for version in self.session.workspace.models.using(project, commit=commit.id):
            self._after(version)
            if version.source.commit == commit.id:
                self._edge(self._file(version.source, NodeKind.FILE), Relation.REGISTERED, version.label)
            if version.data and version.data.commit == commit.id:
                self._edge(self._file(version.data, NodeKind.DATA), Relation.TRAINED, version.label)
        return start

    # ---- the two directions from a model version ----

    def _before(self, version: ModelVersion) -> None:
        model = self._model(version)
        self._edge(self._file(version.source, NodeKind.FILE), Relation.REGISTERED, model)
        for code in self._code_beside(version.source):
            self._edge(self._file(code, NodeKind.CODE), Relation.WROTE, model)
        if version.data:
            self._edge(self._file(version.data, NodeKind.DATA), Relation.TRAINED, model)

    def _after(self, version: ModelVersion) -> None:
        self._model(version)
        ledger = self.session.workspace.ledger
        for package in ledger.packages(version.name, version.version):
            self._package(package.digest, package.model, package.version, package.platform)
        for release in ledger.releases(version.name):
            if release.version == version.version:
                self._release(release)

    # ---- nodes ----

    def _model(self, version: ModelVersion) -> str:
        detail = f"{version.facts.framework.label} {version.facts.framework_version}"
        return self._node(version.label, NodeKind.MODEL, version.label, detail)

    def _package(self, digest: str, model: str, version: int, platform: str) -> str:
        self._node(digest, NodeKind.PACKAGE, digest[:19], platform)
        self._edge(str(ModelReference(model, version)), Relation.PACKAGED, digest)
        return digest

    def _release(self, release: Release) -> str:
        id = str(ReleaseReference(release.model, release.number, release.place))
        self._node(id, NodeKind.RELEASE, f"{release.label} in {release.place}", release.state.value)
        if release.package not in self.nodes:
            packages = self.session.workspace.ledger.packages(release.model, release.version)
            platform = next((one.platform for one in packages if one.digest == release.package), "")
            self._package(release.package, release.model, release.version, platform)
        self._edge(release.package, Relation.RELEASED, id)
        return id

    def _file(self, ref: ContentRef, kind: NodeKind) -> str:
        id = format_content(ref.project, ref.commit, ref.path)
        if id not in self.nodes or self.nodes[id].kind is NodeKind.FILE:  # data says more than file
            self.nodes[id] = LineageNode(id, kind, str(ref), _label_of(ref.path))
        self._edge(self._commit(ref.project, ref.commit), Relation.HOLDS, id)
        return id

    def _commit(self, project: str, commit: str) -> str:
        id = str(CommitReference(project, commit))
        if id in self.nodes:
            return id
        found = self.session.workspace.content.resolve(project, commit)
        return self._node(id, NodeKind.COMMIT, f"{project}@{commit[:12]}", found.message)

    def _node(self, id: str, kind: NodeKind, label: str, detail: str) -> str:
        self.nodes.setdefault(id, LineageNode(id, kind, label, detail))
        return id

    def _edge(self, before: str, relation: Relation, after: str) -> None:
        self.edges[LineageEdge(before, relation, after)] = None

    # ---- content ----

    def _code_beside(self, source: ContentRef) -> list[ContentRef]:
        """The scripts and notebooks in the model file's folder."""
        folder = parent(source.path)
        entries = self.session.workspace.content.list_folder(source.project, source.commit, folder)
        return [
            ContentRef(source.project, source.commit, entry.path)
            for entry in entries
            if entry.kind is EntryKind.FILE and entry.name.lower().endswith(_CODE_SUFFIXES)
        ]

    def _same_bytes(self, ref: ContentRef, content: tuple[bytes, ...]) -> bool:
        try:
            return self.session.workspace.content.find(ref.project, ref.commit, ref.path).content == content
        except NotFound:
            return False


def _label_of(path: str) -> str:
    """What a model's file is called; "" for other files."""
    kind = model_file_kind(path.rpartition("/")[2])
    return kind.label if kind is not None else ""
