"""How projects, commits and files are written on the command line: ``P``, ``P@REF``, ``P@REF:PATH``."""

from __future__ import annotations

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef


def parse_project(text: str) -> tuple[str, str]:
    """``P[@REF]`` as (project, ref); ref is "" when left out."""
    project, _, ref = text.partition("@") if "@" in text else (text, "", "")
    if not project:
        raise InvalidInput(f"“{text}” names no project.", next_step="Write it as PROJECT or PROJECT@VERSION.")
    return project, ref


def parse_content(text: str) -> ContentRef:
    """``P[@REF]:PATH``; the commit is the ref as written."""
    where, colon, path = text.partition(":")
    if not colon or not path:
        raise InvalidInput(f"“{text}” names no file.", next_step="Write it as PROJECT:PATH or PROJECT@VERSION:PATH.")
    project, ref = parse_project(where)
    return ContentRef(project, ref, path.strip("/"))
