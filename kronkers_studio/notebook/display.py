"""What Jupyter shows of a workspace, a project and a model: text from outside is text, never HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from kronkers_studio.domain.printable import printable


def shown_as_html(title: str, facts: Mapping[str, object]) -> str:
    """``title`` and a table of ``facts``, those left out that say nothing."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{_text(name)}</th><td style='text-align:left'>{_text(value)}</td></tr>"
        for name, value in facts.items()
        if value not in ("", None)
    )
    return f"<div><strong>{_text(title)}</strong><table>{rows}</table></div>"


def _text(value: object) -> str:
    return escape(printable(str(value)), quote=True)
