"""Two versions asked the same rows, for people and scripts: ``kronkers model compare A B --rows TABLE``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from kronkers_studio.cli.plain_text import plural, table
from kronkers_studio.cli.terminal import Terminal
from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.references import ModelReference, parse_content
from kronkers_studio.domain.row_comparison import ComparedRows, NumberChange, RowComparison
from kronkers_studio.settings.paths import from_home

_MOST_PAIRS = 20
_MOST_ROWS = 5
_LONGEST = 40  # characters of an answer


@dataclass(frozen=True, slots=True)
class RowsWish:
    """Which rows two versions are asked, and what is made of the answers."""

    rows: str
    truth: str = ""
    output: Path | None = None
    overwrite: bool = False
    place: str = ""
    unprotected: bool = False


def compare_answers(terminal: Terminal, left: ModelReference, right: ModelReference, wish: RowsWish) -> None:
    """Ask both, print what differs, and save the table where that is wanted."""
    from kronkers_studio.workflows.compared_files import save_compared_rows
    from kronkers_studio.workflows.row_comparison import compare_on_rows
    from kronkers_studio.workflows.scored_files import check_target

    output = from_home(wish.output).absolute() if wish.output is not None else None
    if output is not None:
        check_target(output, overwrite=wish.overwrite)
    with terminal.session() as session:
        if wish.unprotected:
            session.settings = replace(session.settings, run_unprotected=True)
        with terminal.progress() as progress:
            compared = compare_on_rows(
                session,
                left,
                right,
                _source(wish.rows),
                truth=wish.truth,
                on=wish.place,
                progress=progress,
                cancel=terminal.cancel,
            )
            if output is not None:
                save_compared_rows(
                    compared, output, overwrite=wish.overwrite, progress=progress, cancel=terminal.cancel
                )
    saved = [f"Saved to {output}."] if output is not None else []
    terminal.result(compared.comparison, *comparison_lines(compared), *saved)


def _source(rows: str) -> Path | ContentRef:
    """A file where there is one of that name, else one of a project."""
    file = from_home(Path(rows))
    if file.is_file():
        return file
    try:
        return parse_content(rows)
    except InvalidInput:
        raise InvalidInput(
            f"{rows} is no file, and names none of a project.", next_step="Name a file, or PROJECT[@VERSION]:PATH."
        ) from None


def comparison_lines(compared: ComparedRows) -> list[str]:
    """A comparison as text: the sentence first, then what changed into what, and what is worth knowing."""
    told = compared.comparison
    lines = [_alike_words(told)]
    if told.truth is not None:
        lines.append(told.truth.sentence)
        rows = [[each.name, _figure(each.left), _figure(each.right)] for each in told.truth.metrics]
        lines += ["", *table([f"By {told.truth.column}", told.left, told.right], rows)]
    changes = [each for each in told.transitions if each.before != each.after]
    if changes:
        pairs = [[_short(each.before), _short(each.after), f"{each.rows:,}"] for each in changes[:_MOST_PAIRS]]
        lines += ["", *table([told.left, told.right, "Rows"], pairs)]
        if len(changes) > _MOST_PAIRS:
            lines.append(f"and {len(changes) - _MOST_PAIRS:,} other pairs; --json names more")
    if told.numbers is not None:
        lines += ["", *_number_lines(told, told.numbers)]
    if told.chances is not None and told.chances.largest:
        place = compared.table.place_words(told.chances.row - 1)
        lines += ["", f"A probability changed by {told.chances.largest * 100:.1f} points at most ({place}), "
                      f"by {told.chances.mean * 100:.1f} on average."]  # fmt: skip
    if told.differing:
        lines += ["", *_most_changed(compared)]
    lines += ["", f"{told.left} took {told.left_milliseconds:,.1f} ms, {told.right} {told.right_milliseconds:,.1f} ms."]
    return [*lines, *told.remarks]


def _alike_words(told: RowComparison) -> str:
    of = f"{told.left} and {told.right} answer alike for"
    if not told.differing:
        return f"{of} all {plural(told.rows, 'row')} of {told.table}."
    if not told.alike:
        return f"{told.left} and {told.right} answer none of {plural(told.rows, 'row')} of {told.table} alike."
    share = min(99.9, told.share * 100)  # never 100 % where some differ
    return f"{of} {told.alike:,} of {plural(told.rows, 'row')} of {told.table} ({share:.1f} %)."


def _number_lines(told: RowComparison, change: NumberChange) -> list[str]:
    cells = [[f"{float(share):.0%}", _figure(value)] for share, value in change.quantiles.items()]
    return [
        f"{told.right} less {told.left}: {_figure(change.mean)} on average, {_figure(change.largest)} at most; "
        f"{_figure(change.mean_size)} on average without sign.",
        *table(["Of the rows", "the difference is at most"], cells),
    ]


def _most_changed(compared: ComparedRows) -> list[str]:
    told, numbers = compared.comparison, compared.comparison.numbers is not None
    head = ["Changed most", told.left, told.right, "Difference" if numbers else "Change of probability"]
    rows = []
    for row in compared.order[:_MOST_ROWS]:
        size = compared.sizes[row]
        words = "–" if math.isnan(size) else _figure(size) if numbers else f"{size * 100:.1f} points"
        answers = [_short(column_words([each[row]])[0]) for each in (compared.left, compared.right)]
        rows.append([compared.table.place_words(row), *answers, words])
    if all(row[-1] == "–" for row in rows):
        return table(head[:-1], [row[:-1] for row in rows])
    return table(head, rows)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
