"""The main thread never works: whatever touches the disk or the network runs on another one."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

import kronkers_studio
import kronkers_studio.workflows
from kronkers_studio.desktop import changed_tree, folder_rows, plan_rows
from kronkers_studio.desktop.destinations import ShowModel
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
from kronkers_studio.desktop.page_list import page_keys
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog, TestFileChoiceDialog
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.domain.differences import Choice
from kronkers_studio.domain.row_tables import RowTable
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.package_plans import KeptHere
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.all_dialogs import MAKERS, called, fill
from tests.desktop.kinds import OpenWindow, Rest, the_page

Callers = dict[str, set[str]]

_QUICK = {
    "server_addresses.parse_address": "takes a few letters apart",
    "migrating.project_name": "takes a few letters apart",
    "session.workspace_exists": "one look at whether a file is there",
}
"""What the main thread may call, and why it need not wait for it."""


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(module.name)


def _workflows() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function below ``workflows``, as "module.function"; and what sorts many rows for the window."""
    for module in [*_modules(kronkers_studio.workflows), changed_tree, folder_rows, plan_rows]:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__.rpartition('.')[2]}.{name}", function


_of_the_test = threading.local()  # whether what this thread does was called by a test


Places = dict[int, list[tuple[ModuleType, str]]]


def _places() -> Places:
    """By which names the modules of the program and of its tests have each function, by its identity."""
    found: Places = {}
    for module in list(sys.modules.values()):
        if module.__name__.startswith((f"{kronkers_studio.__name__}.", "tests.")):
            for name, value in vars(module).items():
                if inspect.isfunction(value):
                    found.setdefault(id(value), []).append((module, name))
    return found


def _watch(
    monkeypatch: pytest.MonkeyPatch, places: Places, function: Callable[..., Any], note: Callable[[], object]
) -> None:
    """Have ``note`` called before ``function``, by whichever name a module has it; what a test calls itself aside."""

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if getattr(_of_the_test, "calls", False):
            return function(*args, **keywords)
        if not sys._getframe(1).f_globals["__name__"].startswith("tests."):
            note()
            return function(*args, **keywords)
        _of_the_test.calls = True
        try:
            return function(*args, **keywords)
        finally:
            _of_the_test.calls = False

    for module, name in places[id(function)]:
        monkeypatch.setattr(module, name, call)


@pytest.fixture
def callers(monkeypatch: pytest.MonkeyPatch) -> Callers:
    """Which threads called each workflow."""
    seen: Callers = {}
    watched = [(name, function) for name, function in _workflows() if name not in _QUICK]
    places = _places()  # once all modules are imported
    for name, function in watched:
        _watch(
            monkeypatch,
            places,
            function,
            lambda name=name: seen.setdefault(name, set()).add(threading.current_thread().name),  # type: ignore[misc]
        )
    return seen


def _on_the_main_thread(callers: Callers) -> set[str]:
    main = threading.main_thread().name
    return {name for name, threads in callers.items() if main in threads}


def test_what_is_quick_is_a_workflow() -> None:
    assert _QUICK.keys() <= {name for name, _function in _workflows()}


def test_no_page_calls_a_workflow_on_the_main_thread(
    callers: Callers,
    open_main_window: OpenWindow,
    filled_workspace: Path,
    small_folder: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
) -> None:
    """Seen to fail with the Registry page making its timeline where it shows it."""
    window = open_main_window(filled_workspace)
    for key in page_keys():
        window.show_page(key)
        come_to_rest(window)
    migrate = the_page(window, MigratePage)
    window.show_page("migrate")
    migrate.look_at(small_folder)
    qtbot.waitUntil(lambda: migrate.views.shown == "plan", timeout=20_000)
    migrate.panel.filter.choose("data")
    come_to_rest(window)
    migrate.start()
    qtbot.waitUntil(lambda: migrate.views.shown == "outcome", timeout=20_000)
    migrate.watch()
    qtbot.waitUntil(lambda: migrate.before.rows["Team folder"].pill.text() == "In sync", timeout=20_000)
    migrate.before.rows["Team folder"].watch.click()
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    registry.check()
    registry.browser.open_entry(
        next(entry for entry in registry.browser.table.content.rows if entry.name == "notes.md")
    )
    come_to_rest(window)
    registry.sides.choose("changes")
    come_to_rest(window)

    assert {
        "browsing.list_projects",
        "browsing.history",
        "browsing.check_workspace",
        "previews.preview_file",
        "migrating.migrate_folder",
        "watching.brought_in",
        "watching.watch_folders",
        "models.list_models",
        "folder_rows.arrange",
        "plan_rows.prepare",
    } <= callers.keys()
    assert _on_the_main_thread(callers) == set()


def _use(dialog: QDialog, rest: Callable[[], None]) -> None:  # noqa: PLR0912, PLR0915  # one branch a dialog
    """Do in ``dialog`` what makes it ask and work."""
    match dialog:
        case SearchDialog():
            dialog.words.setText("plan")
            dialog.look()
        case MergeDialog():
            dialog.for_all.choose(Choice.OURS)
            dialog.go.click()
        case TrashDialog():
            dialog.bring_back()
        case DiagnosticsDialog():
            dialog.save(Path.home() / "d.zip")
        case RemoveDialog():
            dialog.what.choose("forecast")
            dialog.go.click()
        case FileHistoryDialog():
            dialog.sides.choose("content")
        case ForgetFolderDialog():
            dialog.forget()
        case ImageRegistryDialog():
            dialog.host.setText("127.0.0.1:9")
            dialog.user.setText("ada")
            dialog.password.setText("secret")
            dialog.go_on()
        case NameVersionDialog():
            dialog.name.setText("2026-q2")
            dialog.go.click()
        case LibrariesDialog():
            dialog.wanted.setText("six==1.16.0")
            dialog.go.click()
        case AllowCodeDialog() | StateSignatureDialog():
            _say(dialog)
        case NewProjectDialog():
            dialog.name.setText("machine-failure")
            dialog.go.click()
        case SaveVersionDialog():
            dialog.go.click()
        case RegisterDialog():
            dialog.go.click()
        case SameRowsDialog():
            dialog.open_table(Path(__file__))
            rest()
            dialog.open_table(Path(__file__).with_name("none.csv"))
            rest()
            dialog.choice.show_table(RowTable("t.csv", ("alcohol", "hue"), [("13", "1")]))
            dialog.compare()
        case PackageDialog():
            dialog.build(KeptHere())
        case CheckPackageDialog():
            dialog.file.line.setText("none.tar")
            dialog.kind.choose("file")
            dialog.check()
        case RestoreDialog():
            dialog.when.choose("moment")
        case RulesDialog():
            dialog.pattern.setText("*.tmp")
            rest()
            dialog.add_rule()
        case AddServerDialog() | LogInDialog():
            if isinstance(dialog, AddServerDialog):
                dialog.name.setText("lab")
                dialog.address.setText("ada@127.0.0.1:9")
            dialog.go_on()
    rest()


def _say(dialog: AllowCodeDialog | StateSignatureDialog) -> None:
    if isinstance(dialog, AllowCodeDialog):
        dialog.reason.setText("ours")
        dialog.take_back()
        dialog.allow()
        return
    dialog.read_example(Path(__file__))
    dialog.inputs[0].shape.setText("-1, 4")
    dialog.inputs[0].columns.clear()
    dialog.save()


_ASKS: dict[type[QDialog], set[str]] = {
    Dialog: set(),
    AddServerDialog: {"servers.host_key_to_confirm", "server_addresses.host_aliases"},
    AnswerLogInDialog: set(),
    AllowCodeDialog: {
        *("allowances.allowance_question", "allowances.allow_globals", "allowances.disallow_globals"),
    },
    CheckPackageDialog: {"packaged_files.verify_package"},
    CleanServerDialog: {"server_care.clean_server"},
    CompareDialog: {"versions.diff_path"},
    CrashDialog: set(),
    FileHistoryDialog: {"versions.file_history", "versions.diff_path", "previews.preview_file"},
    ForgetFolderDialog: {"sources.forget_source"},
    HelpDialog: set(),
    ImageRegistryDialog: {"image_registries.log_in_to_registry"},
    LibrariesDialog: {"dependencies.model_dependencies", "dependencies.choose_dependencies"},
    DiagnosticsDialog: {"diagnostics.collect_diagnostics", "diagnostics.write_diagnostics"},
    KeepRunningDialog: set(),
    LogDialog: {"service_logs.service_log", "servers.server_changes", "releases.recorded_releases"},
    LogInDialog: {"servers.log_in_anew"},
    MergeDialog: {"versions.plan_merge", "versions.merge_branches"},
    NameVersionDialog: {"versions.set_tag"},
    NewProjectDialog: {"new_projects.new_project"},
    OpenInDialog: {"editors.find_editors"},
    PackageDialog: {"package_plans.plan_package", "dependencies.model_dependencies", "package_plans.carry_out"},
    PutLiveDialog: set(),
    RebuildDialog: set(),
    RegisterDialog: {"models.register_model"},
    RemoveDialog: {"trash.remove_branch"},
    RestoreDialog: {"versions.state_at"},
    RulesDialog: {"plans.preview_rules"},
    SaveVersionDialog: {"saved_copies.save_version"},
    SameRowsDialog: {"servers.list_servers", "row_comparison.open_rows", "row_comparison.compare_on_rows"},
    StateSignatureDialog: {"stated_signatures.state_signature", "example_inputs.inputs_of_example"},
    SearchDialog: {"searching.search"},
    ServerLogDialog: {"servers.server_changes"},
    ServiceAccessDialog: {"service_access.service_access"},
    TableChoiceDialog: {"browsing.list_projects", "row_files.list_tables"},
    TestFileChoiceDialog: {"browsing.list_projects", "model_tests.list_test_files"},
    TimeRangeDialog: set(),
    TrashDialog: {"trash.list_trash", "trash.restore_from_trash"},
}
"""The workflows that using each dialog must reach, or the test below would say nothing of it."""


@pytest.mark.parametrize("kind", MAKERS, ids=called)
def test_no_dialog_calls_a_workflow_on_the_main_thread(
    callers: Callers,
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    kind: type[QDialog],
) -> None:
    """Seen to fail with the search asking where its dialog is shown."""
    fill(workspace)
    window = open_main_window(workspace)
    come_to_rest(window)

    def rest() -> None:
        come_to_rest(window)

    for make in MAKERS[kind]:
        dialog = make(window)
        dialog.open()
        rest()
        _use(dialog, rest)
    assert _ASKS[kind] <= callers.keys()
    assert _on_the_main_thread(callers) == set()


def test_a_models_page_calls_no_workflow_on_the_main_thread(
    callers: Callers, open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    """In none of its parts. Seen to fail with the packages listed where they are shown."""
    with open_workspace(workspace) as session:
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name="wine")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.onnx", name="wine")
    window = open_main_window(workspace)
    come_to_rest(window)
    window.go_to(ShowModel("wine"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    for section in ("about", "card", "quality", "features", "compare", "lineage", "packages"):
        page.sections.choose(section)
        come_to_rest(window)
    page.sections.card.tag.setText("kept")
    page.sections.card.add_tag()
    page.sections.quality.entry.setText("accuracy 0.9")
    page.sections.quality.add()
    page.sections.about.alias.setText("champion")
    page.sections.about.give_alias()
    come_to_rest(window)
    assert {
        "models.list_models",
        "packages.list_packages",
        "model_versions.compare_models",
        "model_versions.describe_model",
        "model_versions.add_metrics",
        "models.set_alias",
        "lineage.lineage",
    } <= callers.keys()
    assert _on_the_main_thread(callers) == set()
