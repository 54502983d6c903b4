"""Words from anywhere are shown letter by letter, in tooltips too: Qt would take them for HTML, and fetch pictures."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtGui import Qt
from PySide6.QtWidgets import QApplication, QLabel, QTableView, QWidget

import kronkers_studio.desktop
from kronkers_studio.desktop.destinations import PackageVersion, ShowModel
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.widgets.hints import plain_hint, set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page

_DESKTOP = Path(kronkers_studio.desktop.__file__).parent
_PICTURE = "<img src='file:///tmp/picture.png'>"
_NATIVE = {"tray.py"}
"""What the system shows, not Qt."""


@pytest.mark.parametrize(
    "text",
    [
        _PICTURE,
        "<b>bold</b>",
        " <b>after a space",
        "\n\n<h1>after lines</h1>",
        "&lt;b&gt; as it is sent",
        "a < b and <i>c</i> & d",
        "<!DOCTYPE html>",
        "<a\nhref='file:///x'>",
        "income < 1000 & age > 30",
        "plain",
        "",
    ],
)
def test_a_tooltip_is_never_taken_for_html(qapp: QApplication, text: str) -> None:
    shown = plain_hint(text)
    assert not Qt.mightBeRichText(shown)
    assert shown.replace("\N{WORD JOINER}", "") == text


def test_a_hint_is_set_and_taken_back(qapp: QApplication) -> None:
    widget = QLabel()
    set_hint(widget, "two\nlines")
    assert widget.toolTip() == "two\nlines"
    set_hint(widget, "")
    assert widget.toolTip() == ""


def test_nothing_sets_a_tooltip_in_another_way() -> None:
    """Seen to fail with a tooltip set in a panel by Qt's own method."""
    found = set()
    for file in _DESKTOP.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
        found |= {file.relative_to(_DESKTOP).as_posix() for name in names if name in ("setToolTip", "showText")}
        if "ToolTipRole" in names:
            assert file.name == "tables.py", f"{file} answers with tooltips of its own: have it use plain_hint"
    assert found - _NATIVE == {"widgets/hints.py"}


def test_labels_and_pills_cut_to_nothing_say_names_letter_by_letter(qapp: QApplication) -> None:
    """Seen to fail before: the text of a label that is cut was laid out as HTML, its tooltip too."""
    for made in (ElidedLabel(_PICTURE, hint="<i>more</i>"), Pill(_PICTURE, hint="<i>more</i>")):
        made.resize(60, 20)
        made.grab()
        assert made.textFormat() is Qt.TextFormat.PlainText
        assert "picture.png" in made.toolTip() and "more" in made.toolTip()
        assert _rich(made) == []
        made.deleteLater()


def test_a_model_whose_names_look_like_html_is_shown_letter_by_letter(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    _register_hostile(workspace)
    window = open_main_window(workspace, page="models")
    window.show()
    come_to_rest(window)
    assert _rich(window) == []
    window.studio.go.emit(ShowModel("hostile"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    for section in ("about", "card", "quality", "features", "compare", "lineage", "packages"):
        page.sections.choose(section)
        come_to_rest(window)
        assert _rich(window) == [], section
    window.studio.go.emit(PackageVersion("hostile:1"))
    come_to_rest(window)
    wizard = the_dialog(window, PackageDialog)
    for step in ("found", "libraries", "target"):
        wizard.show_step(step)
        QApplication.processEvents()
        assert _rich(wizard) == [], step


def _register_hostile(workspace: Path) -> None:
    with open_workspace(workspace) as session:
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), project="sample")
        version = register_model(session, "sample", "Quality/Wine/model/wine_cultivar.onnx", name="wine")
        inputs = tuple(Tensor(f"{_PICTURE}{at}", Datatype.BYTES, (-1, 1), levels=(_PICTURE,)) for at in range(3))
        outputs = (Tensor("&lt;b&gt;", Datatype.FP64, (-1, 2), (_PICTURE, "<b>")),)
        facts = replace(version.facts, estimator=_PICTURE, signature=Signature(inputs, outputs), notes=(_PICTURE,))
        hostile = replace(version, name="hostile", facts=facts, description=_PICTURE, metrics={_PICTURE: 0.5})
        session.workspace.ledger.record(ModelRegistered(hostile), author=_PICTURE)


def _rich(root: QWidget) -> list[str]:
    """What would be taken for HTML below ``root``."""
    QApplication.processEvents()
    found = [each.toolTip() for each in (root, *root.findChildren(QWidget)) if Qt.mightBeRichText(each.toolTip())]
    for words in (*([root] if isinstance(root, QLabel) else []), *root.findChildren(QLabel)):
        if words.textFormat() is not Qt.TextFormat.PlainText and Qt.mightBeRichText(words.text()):
            found.append(words.text())
    for table in root.findChildren(QTableView):
        model = table.model()
        for row in range(model.rowCount(QModelIndex())):
            for column in range(model.columnCount(QModelIndex())):
                hint = str(model.index(row, column).data(Qt.ItemDataRole.ToolTipRole) or "")
                found += [hint] if Qt.mightBeRichText(hint) else []
    return found
