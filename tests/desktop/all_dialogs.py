"""Every dialog that the window can show, each made on a workspace of two branches that cannot be merged as they are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QDialog

import kronkers_studio.desktop
from kronkers_studio.desktop.attention import Entry, Overview
from kronkers_studio.desktop.destinations import ToPage
from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.allow_code import AllowCodeDialog
from kronkers_studio.desktop.dialogs.answer_log_in import AnswerLogInDialog
from kronkers_studio.desktop.dialogs.check_package import CheckPackageDialog
from kronkers_studio.desktop.dialogs.clean_server import CleanServerDialog
from kronkers_studio.desktop.dialogs.compare import CompareDialog
from kronkers_studio.desktop.dialogs.crash import CrashDialog
from kronkers_studio.desktop.dialogs.diagnostics import DiagnosticsDialog
from kronkers_studio.desktop.dialogs.file_history import FileHistoryDialog
from kronkers_studio.desktop.dialogs.forget_folder import ForgetFolderDialog
from kronkers_studio.desktop.dialogs.help import HelpDialog
from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
from kronkers_studio.desktop.dialogs.keep_running import KeepRunningDialog
from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
from kronkers_studio.desktop.dialogs.log import LogDialog
from kronkers_studio.desktop.dialogs.log_in import LogInDialog
from kronkers_studio.desktop.dialogs.merge import MergeDialog
from kronkers_studio.desktop.dialogs.name_version import NameVersionDialog
from kronkers_studio.desktop.dialogs.new_project import NewProjectDialog
from kronkers_studio.desktop.dialogs.open_in import OpenInDialog
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.dialogs.rebuild import RebuildDialog
from kronkers_studio.desktop.dialogs.register import RegisterDialog
from kronkers_studio.desktop.dialogs.remove import RemoveDialog
from kronkers_studio.desktop.dialogs.restore import RestoreDialog
from kronkers_studio.desktop.dialogs.rules import RulesDialog
from kronkers_studio.desktop.dialogs.same_rows import SameRowsDialog
from kronkers_studio.desktop.dialogs.save_version import SaveVersionDialog
from kronkers_studio.desktop.dialogs.search import SearchDialog
from kronkers_studio.desktop.dialogs.server_log import ServerLogDialog
from kronkers_studio.desktop.dialogs.service_access import ServiceAccessDialog
from kronkers_studio.desktop.dialogs.state_signature import StateSignatureDialog
from kronkers_studio.desktop.dialogs.time_range import TimeRangeDialog
from kronkers_studio.desktop.dialogs.trash import TrashDialog
from kronkers_studio.desktop.dialogs.unprotected import ask_unprotected
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog, TestFileChoiceDialog
from kronkers_studio.desktop.widgets.dialog import Dialog, confirm
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.log_in_questions import OpenQuestions
from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.content import Entry as StoredEntry
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange, MergePlan, TreeDifference
from kronkers_studio.domain.editors import Editor, Trust
from kronkers_studio.domain.errors import ConfinementUnavailable
from kronkers_studio.domain.log_ins import LogInQuestions, Prompt
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.row_comparison import (
    Bin,
    ByTruth,
    ComparedMetric,
    ComparedRows,
    NumberChange,
    RowComparison,
    Transition,
)
from kronkers_studio.domain.row_tables import RowTable
from kronkers_studio.domain.servers import HostKey, KnownBySsh, Server, ServerChange
from kronkers_studio.domain.service_snippets import snippets
from kronkers_studio.domain.signers import Signer, VerifiedImage
from kronkers_studio.domain.working_copies import WorkingCopy, WorkingCopyState
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.allowances import AllowanceQuestion
from kronkers_studio.workflows.browsing import show_commit
from kronkers_studio.workflows.image_registries import RegistryAccess
from kronkers_studio.workflows.package_plans import Packaged, PackagePlan, SizeEstimate
from kronkers_studio.workflows.service_access import ServiceAccess
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.trash import remove_branch
from kronkers_studio.workflows.versions import create_branch, plan_merge
from tests.desktop.kinds import the_session
from tests.desktop.planned import plan_to_decide
from tests.desktop.things import a_found_model, a_package, a_program, a_release, a_version, a_version_with_code
from tests.desktop.versioned import commit_files

_SERVER = Server("lab", "127.0.0.1", 9, "ada", "ssh-ed25519 AAAA", "/home/ada/.ssh/id")  # nothing answers there
EDITORS_FOUND = (
    Editor("vscode", "Visual Studio Code", ("/usr/bin/code",), trust=Trust.ASKS),
    Editor("rstudio", "RStudio", ("/usr/bin/rstudio",), trust=Trust.R_AT_ONCE),
)
_KEY = HostKey("lab", 22, "ssh-ed25519 AAAA", "SHA256:abc", KnownBySsh.SAME, jump=True)


def dialog_classes() -> set[type[QDialog]]:
    """Those that the desktop's modules define, and are shown: not what others are made from, but ``Dialog``."""
    for module in pkgutil.walk_packages(kronkers_studio.desktop.__path__, f"{kronkers_studio.desktop.__name__}."):
        importlib.import_module(module.name)
    ours = {kind for kind in _below(QDialog) if kind.__module__.startswith(f"{kronkers_studio.desktop.__name__}.")}
    return {kind for kind in ours if kind is Dialog or not ours & set(kind.__subclasses__())}


def _below(kind: type[QDialog]) -> Iterator[type[QDialog]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def called(kind: type[QDialog]) -> str:
    return kind.__name__


def fill(workspace: Path) -> None:
    """Two branches of one project that both changed a file, and a third in the trash."""
    with open_workspace(workspace) as session:
        commit_files(session, {"data/plan.txt": b"1\n"}, "Brought in")
        create_branch(session, "Team", "forecast")
        create_branch(session, "Team", "given up")
        commit_files(session, {"data/plan.txt": b"3\n"}, "Theirs", branch="forecast")
        commit_files(session, {"data/plan.txt": b"2\n"}, "Ours")
        remove_branch(session, "Team", "given up")


def _nothing(*_: object) -> None:
    pass


def _merge(window: MainWindow) -> MergePlan:
    return plan_merge(the_session(window), "Team", "forecast", "main")


def _compare(window: MainWindow) -> CompareDialog:
    plan = _merge(window)
    return CompareDialog(window, window.studio, plan, plan.conflicts[0])


def _add_with_fingerprint(window: MainWindow) -> AddServerDialog:
    dialog = AddServerDialog(window, window.studio, _nothing)
    dialog.show_aliases(["plant", "gate"])
    dialog.show_host_key(_KEY)
    dialog.compared.show_remarks(
        ["“ciphers” of your SSH configuration is not followed (/home/ada/.ssh/config, line 3)."]
    )
    return dialog


def _answer_log_in(*, again: bool = False) -> Callable[[MainWindow], QDialog]:
    prompts = (Prompt("Password: "), Prompt("Verification code: ", shown=True))
    questions = LogInQuestions("lab", "ada@10.0.0.1", prompts, "Use the app of the company.", again=again)
    return lambda window: AnswerLogInDialog(window, OpenQuestions(questions))


def _log_in_with_fingerprint(window: MainWindow) -> LogInDialog:
    dialog = LogInDialog(window, window.studio, replace(_SERVER, identity_file=""), _nothing)
    dialog.show_host_key(_KEY)
    return dialog


def _server_log(window: MainWindow) -> ServerLogDialog:
    dialog = ServerLogDialog(window, window.studio, "lab")
    dialog.show_changes([ServerChange("2026-11-20T12:00:00+00:00", "ada", "laptop", "start", {"release": "churn r4"})])
    return dialog


def _keep_running(window: MainWindow) -> KeepRunningDialog:
    overview = Overview(services=(Entry("wine", ToPage("deploy")),), folders=(Entry("Team", ToPage("migrate")),))
    return KeepRunningDialog(window, overview, _nothing)


def _service_access(window: MainWindow) -> ServiceAccessDialog:
    dialog = ServiceAccessDialog(window, window.studio, a_release(place="lab"))
    address = "http://127.0.0.1:30000"
    programs = snippets(address, {"rows": [{"alcohol": 0}]})
    access = ServiceAccess("wine", 1, "lab", address, "ssh -N -L 30000:127.0.0.1:30000", Secret("k"), programs)
    dialog.show_access(access)
    return dialog


def _registered(window: MainWindow) -> ModelVersion:
    """A version that the workspace knows, whatever its file holds."""
    return _recorded(window, a_version())


def _recorded(window: MainWindow, version: ModelVersion) -> ModelVersion:
    session = the_session(window)
    commit = show_commit(session, "Team").id
    version = replace(version, source=ContentRef("Team", commit, "data/plan.txt"))
    if version.name not in session.workspace.ledger.model_names():
        session.workspace.ledger.record(ModelRegistered(version), author="ada")
    return version


def _package(window: MainWindow) -> PackageDialog:
    return PackageDialog(window, window.studio, _registered(window))


def _package_at(step: str) -> Callable[[MainWindow], QDialog]:
    def make(window: MainWindow) -> PackageDialog:
        dialog = _package(window)
        dialog.show_step(step)
        return dialog

    return make


def _packaged(window: MainWindow) -> PackageDialog:
    dialog = _package(window)
    signer = Signer("this workspace", "0" * 64, "SHA256:abc")
    dialog.show_packaged(Packaged(a_package(), signer, file=Path("wine-1.oci.tar")))
    return dialog


def _refused(window: MainWindow) -> PackageDialog:
    dialog = _package(window)
    size = SizeEstimate(77_000)
    dialog.show_plan(PackagePlan(a_version(), size, "", "linux/amd64", (), (), "It needs os.system.", "Ask."))
    return dialog


def _checked(window: MainWindow) -> CheckPackageDialog:
    dialog = CheckPackageDialog(window, window.studio)
    dialog.show_found(VerifiedImage("wine", "sha256:0", "wine", 1, "this workspace", "SHA256:abc", 31, 77_000))
    return dialog


def _allow(window: MainWindow, *allowed: str, refused: str = "") -> AllowCodeDialog:
    version = _recorded(window, a_version_with_code(a_version(name="sorter" + "-".join(allowed).lower()), *allowed))
    dialog = AllowCodeDialog(window, window.studio, version)
    left = tuple(name for name in version.facts.unsafe if name not in allowed)
    dialog.show_question(AllowanceQuestion(version, left, "ada", refused, "Save it without." if refused else ""))
    return dialog


_WINES = RowTable("wines.csv", ("alcohol", "hue", "cultivar"), [("13", "1", "Barolo"), ("12", "0.9", "Grignolino")])


def _same_rows(window: MainWindow) -> SameRowsDialog:
    return SameRowsDialog(window, window.studio, replace(_registered(window), data=None), a_version(2))


def _same_rows_read(window: MainWindow) -> SameRowsDialog:
    dialog = _same_rows(window)
    dialog.choice.show_table(_WINES)
    return dialog


def _same_rows_compared(told: RowComparison) -> Callable[[MainWindow], SameRowsDialog]:
    def make(window: MainWindow) -> SameRowsDialog:
        dialog = _same_rows(window)
        changed = [told.differing > 0, False]
        dialog.show_compared(
            ComparedRows(told, _WINES, ["a", "b"], ["b", "b"], changed, [0.5, 0.0], [0][: told.differing])
        )
        return dialog

    return make


_METRIC = ComparedMetric("Accuracy", 0.5, 1.0, lower_is_better=False)
_TRUTH = ByTruth("cultivar", 2, (_METRIC,), 0.5, "wine:2 is right for 2 of 2 rows, wine:1 for 1.")
_CHANGED = RowComparison("wine:1", "wine:2", "wines.csv", 2, 1, 3.2, 4.1, (Transition("a", "b", 1),), truth=_TRUTH)
_MOVED = replace(
    _CHANGED, transitions=(), truth=None, numbers=NumberChange(0.25, 0.25, 0.5, {"0.5": 0.25}, (Bin(0.0, 0.5, 2),))
)
_ALIKE = replace(_CHANGED, alike=2, transitions=())


def _register_with_data(window: MainWindow) -> RegisterDialog:
    dialog = RegisterDialog(window, window.studio, a_found_model(), {})
    dialog.data.choose(ContentRef(dialog.data.project, "", "data/customers until June.csv"))
    return dialog


def _state(window: MainWindow, version: ModelVersion) -> StateSignatureDialog:
    return StateSignatureDialog(window, window.studio, _recorded(window, version))


def _open_in(*editors: Editor, there: str = "") -> Callable[[MainWindow], QDialog]:
    def make(window: MainWindow) -> OpenInDialog:
        dialog = OpenInDialog(window, window.studio, "Team", "", _nothing)
        dialog.show_editors(list(editors), there)
        return dialog

    return make


def _save_version(*, behind: bool) -> Callable[[MainWindow], QDialog]:
    def make(window: MainWindow) -> SaveVersionDialog:
        commit = show_commit(the_session(window), "Team")
        changes = TreeDifference((EntryChange(ChangeKind.MODIFIED, a_file("train.py"), a_file("train.py")),))
        copy = WorkingCopy("Kronkers/Team", "Team", "main", commit.id)
        state = WorkingCopyState(copy, changes, newer=commit if behind else None)
        return SaveVersionDialog(window, window.studio, state, _nothing)

    return make


def a_file(path: str) -> StoredEntry:
    return StoredEntry(path, EntryKind.FILE, 3)


MAKERS: dict[type[QDialog], list[Callable[[MainWindow], QDialog]]] = {
    Dialog: [
        lambda window: confirm(window, "Stop it?", "It stops.", "Stop", _nothing),
        lambda window: ask_unprotected(window, window.studio, ConfinementUnavailable("It could read much."), _nothing),
    ],
    AddServerDialog: [lambda window: AddServerDialog(window, window.studio, _nothing), _add_with_fingerprint],
    AnswerLogInDialog: [_answer_log_in(), _answer_log_in(again=True)],
    AllowCodeDialog: [
        _allow,
        lambda window: _allow(window, refused="“os.system” cannot be allowed."),
        lambda window: _allow(window, "features.Ratio"),
    ],
    CheckPackageDialog: [
        lambda window: CheckPackageDialog(window, window.studio),
        lambda window: CheckPackageDialog(window, window.studio, "registry.example.org/team/wine:1"),
        _checked,
    ],
    CleanServerDialog: [lambda window: CleanServerDialog(window, window.studio, "lab", _nothing, _nothing)],
    CompareDialog: [_compare],
    LibrariesDialog: [lambda window: LibrariesDialog(window, window.studio, a_version())],
    CrashDialog: [lambda window: CrashDialog(window, "Packaging", "details")],
    TableChoiceDialog: [lambda window: TableChoiceDialog(window, window.studio, _nothing)],
    TestFileChoiceDialog: [lambda window: TestFileChoiceDialog(window, window.studio, _nothing, project="Team")],
    ServerLogDialog: [lambda window: ServerLogDialog(window, window.studio, "lab"), _server_log],
    ServiceAccessDialog: [lambda window: ServiceAccessDialog(window, window.studio, a_release()), _service_access],
    FileHistoryDialog: [
        lambda window: FileHistoryDialog(window, window.studio, "Team", "data/plan.txt", "", _nothing, _nothing)
    ],
    ForgetFolderDialog: [
        lambda window: ForgetFolderDialog(window, window.studio, "Team", [Path("Sales"), Path("Plans")], _nothing),
        lambda window: ForgetFolderDialog(window, window.studio, "Team", [Path("Sales")], _nothing),
    ],
    HelpDialog: [lambda window: HelpDialog(window, window.actions_now())],
    ImageRegistryDialog: [
        lambda window: ImageRegistryDialog(window, window.studio, None, _nothing),
        lambda window: ImageRegistryDialog(
            window, window.studio, RegistryAccess("registry.example.org", "svc", "/ca.pem"), _nothing
        ),
    ],
    DiagnosticsDialog: [lambda window: DiagnosticsDialog(window, window.studio)],
    KeepRunningDialog: [_keep_running],
    LogDialog: [
        lambda window: LogDialog(window, window.studio),
        lambda window: LogDialog(window, window.studio, "wine", THIS_COMPUTER),
        lambda window: LogDialog(window, window.studio, "", "lab"),
    ],
    LogInDialog: [lambda window: LogInDialog(window, window.studio, _SERVER, _nothing), _log_in_with_fingerprint],
    MergeDialog: [lambda window: MergeDialog(window, window.studio, "Team", ["main", "forecast"])],
    NameVersionDialog: [
        lambda window: NameVersionDialog(window, window.studio, show_commit(the_session(window), "Team"))
    ],
    NewProjectDialog: [lambda window: NewProjectDialog(window, window.studio, _nothing)],
    OpenInDialog: [_open_in(), _open_in(*EDITORS_FOUND), _open_in(*EDITORS_FOUND, there="Kronkers/Team")],
    SaveVersionDialog: [_save_version(behind=False), _save_version(behind=True)],
    PackageDialog: [
        _package,
        lambda window: PackageDialog(window, window.studio, a_version(7)),  # which is no more
        *(_package_at(step) for step in ("libraries", "target", "work")),
        _packaged,
        _refused,
    ],
    PutLiveDialog: [
        lambda window: PutLiveDialog(window, [a_version()], [THIS_COMPUTER, "lab"], [a_release()], _nothing)
    ],
    RebuildDialog: [lambda window: RebuildDialog(window, window.studio.runner, _nothing)],
    RegisterDialog: [
        lambda window: RegisterDialog(window, window.studio, a_found_model(), {"wine": 1}),
        lambda window: RegisterDialog(window, window.studio, a_found_model(), {}),
        _register_with_data,
    ],
    RemoveDialog: [lambda window: RemoveDialog(window, window.studio, "Team", ["main", "forecast"], _nothing)],
    RestoreDialog: [
        lambda window: RestoreDialog(
            window, window.studio, show_commit(the_session(window), "Team"), ["data/plan.txt"], _nothing
        )
    ],
    RulesDialog: [lambda window: RulesDialog(window, window.studio, plan_to_decide(), _nothing)],
    SameRowsDialog: [
        _same_rows,
        _same_rows_read,
        *(_same_rows_compared(told) for told in (_CHANGED, _MOVED, _ALIKE)),
    ],
    SearchDialog: [lambda window: SearchDialog(window, window.studio)],
    StateSignatureDialog: [
        lambda window: _state(window, a_program(a_version(name="net"))),
        lambda window: _state(window, a_program(a_version(name="known"), said=True)),
    ],
    TimeRangeDialog: [lambda window: TimeRangeDialog(window, 1_790_000_000.0, 1_790_003_600.0, _nothing)],
    TrashDialog: [lambda window: TrashDialog(window, window.studio, _nothing)],
}
"""Each in every state that is not reached by what is read when it opens."""
