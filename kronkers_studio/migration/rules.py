"""Include and exclude rules: patterns as in a .gitignore file, compared without regard to case as OneDrive does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.migration import MigrationOptions, RuleHits

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_EXAMPLES = 5


@dataclass(slots=True)
class _Count:
    files: int = 0
    size: int = 0
    folders: int = 0
    examples: list[str] = field(default_factory=list)


class Rules:
    """The rules of ``options``, counting what each of them hits. Raises ``InvalidInput`` for a pattern that is none."""

    def __init__(self, options: MigrationOptions) -> None:
        self._include = tuple(options.include)
        self._exclude = tuple(options.exclude)
        self._included = _compiled(self._include)
        self._excluded = _compiled(self._exclude)
        self._counts = {pattern: _Count() for pattern in (*self._include, *self._exclude)}

    @classmethod
    def of(cls, options: MigrationOptions) -> Rules | None:
        """The rules of ``options``, None when there are none."""
        return cls(options) if options.include or options.exclude else None

    @property
    def only_included(self) -> bool:
        """Whether what no rule mentions is left out."""
        return self._included is not None

    def why_file(self, path: str, size: int) -> str:
        """Why the file (or link, or empty folder) at ``path`` is left out, as a sentence; "" when it is kept."""
        if self._excluded is not None and (rule := _deciding(self._excluded, self._exclude, path)):
            self._count(rule, path, size)
            return f"The rule “{rule}” excludes it."
        if self._included is None:
            return ""
        rule = _deciding(self._included, self._include, path)
        if not rule:
            return "It is not among what is to be included."
        self._count(rule, path, size)
        return ""

    def why_folder(self, path: str) -> str:
        """Why the folder ``path`` is left out with everything in it; "" when it is to be looked into."""
        if self._excluded is None or not (rule := _deciding(self._excluded, self._exclude, f"{path}/")):
            return ""
        count = self._counts[rule]
        count.folders += 1
        if len(count.examples) < _EXAMPLES:
            count.examples.append(f"{path}/")
        return f"The rule “{rule}” excludes the folder and everything in it."

    def hits(self) -> tuple[RuleHits, ...]:
        """What each rule hit so far, also those that hit nothing."""
        return tuple(
            RuleHits(pattern, includes, count.files, count.size, count.folders, tuple(count.examples))
            for patterns, includes in ((self._include, True), (self._exclude, False))
            for pattern in patterns
            for count in (self._counts[pattern],)
        )

    def _count(self, rule: str, path: str, size: int) -> None:
        count = self._counts[rule]
        count.files += 1
        count.size += size
        if len(count.examples) < _EXAMPLES:
            count.examples.append(path)


def _compiled(patterns: tuple[str, ...]) -> GitIgnoreSpec | None:
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec  # slow to load, and few have rules

    for pattern in patterns:
        if not pattern.strip() or "\n" in pattern:
            raise InvalidInput("An empty rule hits nothing.", next_step="Give a pattern such as “*.tmp” or “Archive/”.")
    try:
        return GitIgnoreSpec.from_lines([pattern.lower() for pattern in patterns], backend="simple")
    except ValueError as error:
        raise InvalidInput(
            "A rule cannot be understood.",
            next_step="Write it as in a .gitignore file, such as “*.tmp”, “Archive/” or “/data/raw/**”.",
            details=str(error),
        ) from None


def _deciding(spec: GitIgnoreSpec, patterns: tuple[str, ...], path: str) -> str:
    """The last pattern that hits ``path``, or "" when none does or the last one takes it back."""
    found = spec.check_file(path.lower())
    return patterns[found.index] if found.include and found.index is not None else ""
