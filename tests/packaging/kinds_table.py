"""The table of recognised model files in docs/models.md: ``python -m tests.packaging.kinds_table`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from kronkers_studio.domain.model_files import MODEL_FILE_KINDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
_BEGIN, _END = "compares -->\n", "<!-- end -->"


def kinds_table() -> str:
    """A line for each kind that is not loaded yet."""
    lines = ["| What it is | A service would need | Today |", "|---|---|---|"]
    lines += [f"| {kind.called} | {kind.needs} | {kind.instead} |" for kind in MODEL_FILE_KINDS if kind.needs]
    return "\n".join(lines) + "\n"


def written_table() -> str:
    """The one in the document."""
    return DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    before, begin, after = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    DOCUMENT.write_text(f"{before}{begin}{kinds_table()}{_END}{after.partition(_END)[2]}", encoding="utf-8")
