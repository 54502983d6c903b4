"""What people write of a model is shown with their marks, and can do nothing."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument

from kronkers_studio.desktop.card_text import rich_text

_TAGS = {"p", "b", "i", "br", "code"}


class _Asking(QTextDocument):
    """Notes what it is asked to load."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[QUrl] = []

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        self.asked.append(QUrl(name))
        return super().loadResource(kind, name)


def _shown(text: str) -> str:
    """What is read of it on the screen."""
    document = QTextDocument()
    document.setHtml(rich_text(text))
    return document.toPlainText()


def test_marks_become_what_they_mean() -> None:
    shown = rich_text("# Limits\n\nNot for **new** and *rare* ones.\nSee `train.py`.\n- one\n2. two\n```\na  b\n```")
    assert '<b style="font-weight:600">Limits</b>' in shown
    assert '<b style="font-weight:600">new</b>' in shown
    assert "<i>rare</i>" in shown and "<code>train.py</code>" in shown
    assert _shown("- one\n- two") == "• one\n• two"
    assert "a&nbsp;&nbsp;b" in shown
    assert _shown("one\ntwo\n\nthree") == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "text",
    [
        '<img src="file:///etc/passwd">',
        "![picture](http://example.org/a.png)",
        '<a href="file:///home/me/run.sh">click</a>',
        "[click](javascript:alert)",
        "<script>alert(1)</script>",
        '**<b onclick="x">bold</b>**',
        '`<img src=x>` and ```\n<img src="y">\n```',
        '# <style>*{background:url("http://example.org")}</style>',
        '- <table background="http://example.org/x">',
        '[<img src="z">](http://example.org)',
        "&lt;img src=x&gt; &amp;#60;img&amp;#62;",
    ],
)
def test_nothing_that_was_typed_becomes_a_tag(text: str) -> None:
    """Seen to fail with the words of a heading taken as they are."""
    made = rich_text(text)
    tags = re.findall(r"<[^>]*>", made)
    assert {re.sub(r"\W.*", "", tag.strip("</>")) for tag in tags} <= _TAGS
    assert not [tag for tag in tags if "src" in tag or "href" in tag or "url" in tag or "onclick" in tag]
    document = _Asking()
    document.setHtml(made)
    document.setTextWidth(300)  # laid out, so that what is seen is asked for
    assert document.size().height() > 0
    assert document.asked == []


def test_html_is_read_as_it_was_typed() -> None:
    assert _shown('a <img src="x"> & &lt;b&gt;') == 'a <img src="x"> & &lt;b&gt;'


def test_of_a_link_the_words_and_the_address_are_read() -> None:
    assert "the study (https://example.org/a)" in _shown("See [the study](https://example.org/a).")


@pytest.mark.parametrize(
    "text",
    [
        "*" * 20_000,
        "[" * 20_000,
        "`" * 20_001,
        "- " * 10_000,
        "# " * 10_000,
        "_a" * 10_000,
        "**a" * 7_000,
        "[a](" * 5_000,
    ],
    ids=lambda text: text[:4],
)
def test_texts_that_are_nothing_but_marks_take_no_time(text: str) -> None:
    before = time.process_time()
    rich_text(text)
    assert time.process_time() - before < 2, "a bound that tells slow from never"


def test_what_is_longer_than_a_text_may_be_is_cut_and_says_so() -> None:
    shown = _shown("x" * 30_000)
    assert len(shown) < 20_010 and shown.endswith(" …")
