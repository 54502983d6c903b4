"""The command that makes and shows a version's reference profile, and what came in beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronkers_studio.cli.plain_text import moment, plural, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.feature_comparisons import ENOUGH_ROWS, FeatureComparison
from kronkers_studio.domain.feature_profiles import FeatureKind, FeatureProfile, ReferenceProfile, Unprofiled
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.references import parse_content, parse_model

if TYPE_CHECKING:
    from kronkers_studio.workflows.feature_counts import FeaturesSeen
    from kronkers_studio.workflows.session import Session

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
Target = Annotated[
    str,
    typer.Option(
        "--target",
        metavar="COLUMN",
        help="The column with the true answers; by default the only one that the model does not take.",
    ),
]
_WHY = {
    Unprofiled.ABSENT: "not in the data",
    Unprofiled.OTHER_KIND: "of another kind than the model takes",
    Unprofiled.FREE_TEXT: "text, or names that few rows share",
    Unprofiled.DATES: "dates",
    Unprofiled.EMPTY: "empty",
    Unprofiled.TOO_MANY: "beyond what is profiled",
}


def add_commands(model: typer.Typer) -> None:
    command(model, "profile")(profile)


def profile(
    terminal: Terminal,
    model: ModelRef,
    data: Annotated[
        str, typer.Option("--data", metavar="PROJECT[@VERSION]:PATH", help="Make it of this table, or make it again.")
    ] = "",
    target: Target = "",
) -> None:
    """Show how the features were spread in the data that a version was trained on; made of its data where it is not
    yet. It counts from the next package on: the service then counts what comes in beside it."""
    from kronkers_studio.workflows.feature_profiles import make_profile, read_profile

    reference = parse_model(model)
    content = parse_content(data) if data else None
    with terminal.session() as session:
        found = read_profile(session, *reference)
        if content is not None or target or found.profile is None:
            with terminal.progress() as progress:
                found = make_profile(
                    session, reference, data=content, target=target, progress=progress, cancel=terminal.cancel
                )
        made = found.profile
        assert made is not None  # noqa: S101 — it was there, or was made
        document = {"model": found.version.label, "digest": made.digest, "profile": made}
        terminal.result(document, *_profile_lines(found.version, made))


def make_for_registered(
    terminal: Terminal, session: Session, version: ModelVersion, data: ContentRef | None, target: str
) -> None:
    """The profile of a version that was registered with ``data``; why there is none is said, and the exit code 4."""
    from kronkers_studio.workflows.feature_profiles import profile_registered

    with terminal.progress() as progress:
        cancel = terminal.cancel
        problem = profile_registered(session, version, data=data, target=target, progress=progress, cancel=cancel)
    if problem is not None:
        terminal.note(f"No reference profile was made: {problem.message} {problem.typed_step}".strip())
        terminal.incomplete()


def seen_lines(seen: FeaturesSeen) -> list[str]:
    """What came in beside the reference, feature by feature."""
    rows = [_seen_row(one, one.reference.shown) for one in seen.features]
    rows += [_seen_row(seen.answers, "(its answers)")] if seen.answers is not None else []
    head = ["Feature", "Rows", "Missing", "Unknown", "Out of range", "PSI*"]
    return [
        f"What came into {seen.model}:{seen.version} in {seen.place} from {moment(seen.since)} to {moment(seen.at)}",
        *table(head, rows),
        "PSI* is how far it is from the reference, less what chance makes of it; 0.04 is about a fifth of a standard "
        f"deviation. It needs {ENOUGH_ROWS} rows on either side.",
    ]


def seen_document(seen: FeaturesSeen) -> dict[str, Any]:
    """The same with stable names."""
    answers = None if seen.answers is None else _seen_document(seen.answers)
    return {
        "model": seen.model,
        "version": seen.version,
        "place": seen.place,
        "profile": seen.profile,
        "since": seen.since,
        "at": seen.at,
        "features": [_seen_document(one) for one in seen.features],
        "answers": answers,
    }


def _seen_document(one: FeatureComparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.reference.title,
        "rows": one.rows,
        "counts": dict(zip(one.reference.bins.labels, one.counts, strict=True)),
        "reference": dict(zip(one.reference.bins.labels, one.reference.counts, strict=True)),
        "missing": one.share("missing"),
        "unknown": one.share("unknown") if one.reference.bins.kind is FeatureKind.CATEGORY else None,
        "out_of_range": one.share("below", "above") if one.reference.bins.kind is FeatureKind.NUMBER else None,
        "psi": one.psi,
    }


def _seen_row(one: FeatureComparison, name: str) -> list[str]:
    kind = one.reference.bins.kind
    return [
        name,
        f"{one.rows:,}",
        _percent(one.share("missing")),
        _percent(one.share("unknown")) if kind is FeatureKind.CATEGORY else "",
        _percent(one.share("below", "above")) if kind is FeatureKind.NUMBER else "",
        _far(one),
    ]


def _far(one: FeatureComparison) -> str:
    if one.psi is not None:
        return f"{max(0.0, one.psi):.3f}"
    return "reference too small" if one.reference.rows < ENOUGH_ROWS else "not enough rows"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _profile_lines(version: ModelVersion, made: ReferenceProfile) -> list[str]:
    found = made.table
    columns = len(found.features) + len(found.left_out)
    reasons: dict[Unprofiled, list[str]] = {}
    for one in found.left_out:
        reasons.setdefault(one.why, []).append(one.name)
    answers = found.answers
    told = [] if answers is None else [f"Answers: {_spread(answers)}" + (f" ({found.target})" if found.target else "")]
    return [
        f"{version.label}  {plural(found.rows, 'row')} of {made.data}, {moment(made.at)}, {made.author}",
        f"{len(found.features)} of {plural(columns, 'column')} profiled",
        *table(["Feature", "Spread", "Missing"], [_profile_row(one) for one in found.features]),
        *told,
        *[f"Not profiled ({_WHY[why]}): {', '.join(names)}" for why, names in reasons.items()],
    ]


def _profile_row(one: FeatureProfile) -> list[str]:
    return [one.shown, _spread(one), _percent(one.count("missing") / one.rows if one.rows else None)]


def _spread(one: FeatureProfile) -> str:
    bins = one.bins
    if bins.kind is FeatureKind.NUMBER:
        mean = f", mean {one.mean:.4g}, sd {one.deviation:.4g}" if one.mean is not None else ""
        return f"{bins.least:.6g} to {bins.greatest:.6g}{mean}, {plural(bins.own, 'bin')}"
    named = [
        f"{name} {count / one.rows:.0%}" if one.rows else name
        for name, count in zip(bins.categories, one.counts, strict=False)
    ]
    more = f", {len(named) - 4} others" if len(named) > 4 else ""
    rare = f", {plural(len(bins.rare), 'rare name')}" if bins.rare else ""
    return f"{', '.join(named[:4])}{more}{rare}"
