"""How projects, commits and files are written on the command line: ``P``, ``P@REF``, ``P@REF:PATH``."""

from __future__ import annotations

import re

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef

# the first colon that is not part of a moment: P@{2026-05-01 14:05}:PATH
_CONTENT = re.compile(r"(?P<where>(?:@\{[^{}]*\}|[^:])*+):(?P<path>.+)", re.DOTALL)


def parse_project(text: str) -> tuple[str, str]:
    """``P[@REF]`` as (project, ref); ref is "" when left out."""
    project, _, ref = text.partition("@") if "@" in text else (text, "", "")
    if not project:
        raise InvalidInput(f"“{text}” names no project.", next_step="Write it as PROJECT or PROJECT@VERSION.")
    return project, ref


def parse_content(text: str) -> ContentRef:
    """``P[@REF]:PATH``; the commit is the ref as written."""
    parts = _CONTENT.fullmatch(text)
    if parts is None:
        raise InvalidInput(f"“{text}” names no file.", next_step="Write it as PROJECT:PATH or PROJECT@VERSION:PATH.")
    project, ref = parse_project(parts["where"])
    return ContentRef(project, ref, parts["path"].strip("/"))


def parse_metrics(pairs: list[str]) -> dict[str, float]:
    """``name=number`` each."""
    metrics = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            metrics[name] = float(value)
        except ValueError:
            equals = ""
        if not name or not equals:
            raise InvalidInput(f"“{pair}” is not a metric.", next_step="Write it as name=number, e.g. accuracy=0.93.")
    return metrics
