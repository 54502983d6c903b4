"""Commands for what is said of model versions, how they differ, and where they come from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import table
from kronkers_studio.cli.row_comparisons import RowsWish, compare_answers
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.libraries import libraries
from kronkers_studio.domain.model_comparison import ModelComparison
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.references import parse_model
from kronkers_studio.domain.releases import THIS_COMPUTER

if TYPE_CHECKING:
    from kronkers_studio.workflows.dependencies import ModelDependencies

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
CARD_TITLES = {"intended_use": "Intended use", "data": "Data", "metrics": "Metrics", "limits": "Limits"}


def add_commands(model: typer.Typer) -> None:
    command(model, "card")(card)
    command(model, "tag")(tag)
    command(model, "measure")(measure)
    command(model, "dependencies")(dependencies)
    command(model, "compare")(compare)
    command(model, "lineage")(lineage)


def parse_metrics(pairs: list[str]) -> dict[str, float]:
    """``name=number`` each. Raises ``InvalidInput``."""
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


def card(
    terminal: Terminal,
    model: ModelRef,
    description: Annotated[str | None, typer.Option("--description", help="What the model is for.")] = None,
    intended_use: Annotated[str | None, typer.Option("--intended-use", help="Who uses it, and for what.")] = None,
    data: Annotated[str | None, typer.Option("--data", help="What it was trained and measured on.")] = None,
    metrics: Annotated[str | None, typer.Option("--metrics", help="What its figures mean.")] = None,
    limits: Annotated[str | None, typer.Option("--limits", help="Where it must not be used.")] = None,
) -> None:
    """Show a version's model card, or change the parts that are given."""
    from kronkers_studio.workflows.model_versions import describe_model
    from kronkers_studio.workflows.models import show_model

    reference = parse_model(model)
    parts = {"intended_use": intended_use, "data": data, "metrics": metrics, "limits": limits}
    given = {name: text for name, text in parts.items() if text is not None}
    with terminal.session() as session:
        version = show_model(session, *reference)
        if given or description is not None:
            version = describe_model(
                session,
                (version.name, version.version, None),
                description=description,
                card=replace(version.card, **given),
            )
        terminal.result(version, *_card_lines(version))


def tag(
    terminal: Terminal,
    model: ModelRef,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG…]", help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="TAG", help="A tag to take away.")] = None,
) -> None:
    """Show a version's tags, add some, or take some away."""
    from kronkers_studio.workflows.model_versions import describe_model

    with terminal.session() as session:
        version = describe_model(session, parse_model(model), add_tags=tags or (), remove_tags=remove or ())
        terminal.result(version, f"{version.label}  {', '.join(version.tags) or 'no tags'}")


def measure(
    terminal: Terminal,
    model: ModelRef,
    metrics: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="What was measured.")],
) -> None:
    """Add metrics that were measured later; what they were before stays in the history."""
    from kronkers_studio.workflows.model_versions import add_metrics

    with terminal.session() as session:
        version = add_metrics(session, parse_model(model), parse_metrics(metrics))
        terminal.result(version, *[f"{name} = {value:g}" for name, value in version.metrics.items()])


def dependencies(
    terminal: Terminal,
    model: ModelRef,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="NAME[==V]", help="A library to have, at a version.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="NAME", help="A library that was added, no longer.")
    ] = None,
    python: Annotated[str | None, typer.Option("--python", metavar="3.N", help="The Python to run on.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was chosen before.")] = False,
) -> None:
    """Show which libraries a version's service runs on and where that was found, or choose others."""
    from kronkers_studio.workflows.dependencies import choose_dependencies, model_dependencies

    reference = parse_model(model)
    with terminal.session() as session:
        if add or remove or python is not None or reset:
            with terminal.progress() as progress:
                choose_dependencies(
                    session,
                    reference,
                    add=add or (),
                    remove=remove or (),
                    python=python,
                    reset=reset,
                    progress=progress,
                    cancel=terminal.cancel,
                )
        found = model_dependencies(session, reference)
        terminal.result(found, *_dependency_lines(found))


def compare(
    terminal: Terminal,
    left: Annotated[str, typer.Argument(metavar="A", help="NAME[:V|@ALIAS]")],
    right: Annotated[str, typer.Argument(metavar="B", help="NAME[:V|@ALIAS]")],
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also what is the same.")] = False,
    rows: Annotated[
        str,
        typer.Option(
            "--rows",
            metavar="FILE|P[@REF]:PATH",
            help="Run both for a moment and compare what they answer to this table.",
        ),
    ] = "",
    truth: Annotated[
        str, typer.Option("--truth", metavar="COLUMN", help="Of the table: what is true, to tell which is better.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Save the table with both answers: .xlsx, .csv, .tsv or .json."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let the output replace a file.")] = False,
    place: Annotated[
        str, typer.Option("--on", metavar="PLACE", help="Where they run for this: this-computer or a server's name.")
    ] = THIS_COMPUTER,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Run them here even where nothing keeps them from harming it.")
    ] = False,
) -> None:
    """Show what differs between two versions, side by side; with --rows, how their answers to a table differ."""
    if rows:
        wish = RowsWish(rows, truth, output, overwrite=overwrite, place=place, unprotected=unprotected)
        compare_answers(terminal, parse_model(left), parse_model(right), wish)
        return
    if truth or output is not None:
        raise InvalidInput("There are no rows to compare by.", next_step="Name a table with --rows.")
    from kronkers_studio.workflows.model_versions import compare_models

    with terminal.session() as session:
        comparison = compare_models(session, parse_model(left), parse_model(right))
        terminal.result(comparison, *_comparison_lines(comparison, everything=all_))


def lineage(
    terminal: Terminal,
    node: Annotated[
        str, typer.Argument(metavar="NODE", help="NAME[:V|@ALIAS], P[@REF]:PATH, P@REF, sha256:… or NAME:rN@PLACE")
    ],
) -> None:
    """Show what something came from and what came from it: data, code, model, package, release."""
    from kronkers_studio.workflows.lineage import lineage as follow

    with terminal.session() as session:
        found = follow(session, node)
        labels = {one.id: f"{one.kind.value} {one.label}" for one in found.nodes}
        rows = [[labels[edge.before], edge.relation.value, labels[edge.after]] for edge in found.edges]
        counts = Counter(one.kind.value for one in found.nodes)
        terminal.result(
            found,
            f"{labels[found.node]}: " + ", ".join(f"{kind} {count}" for kind, count in counts.items()),
            *(table(["From", "", "To"], rows) if rows else ["Nothing else depends on it."]),
        )


def _card_lines(version: ModelVersion) -> list[str]:
    card = {title: getattr(version.card, name) for name, title in CARD_TITLES.items()}
    parts = {"Description": version.description} | card
    lines = [version.label]
    for title, text in parts.items():
        lines += f"{title}: {text or '–'}".splitlines()
    return lines


def _dependency_lines(found: ModelDependencies) -> list[str]:
    """Every library that somebody chose or that a file beside the model names, and what else the package holds."""
    version, facts = found.model, found.model.facts
    choice = version.dependencies or DependencyChoice()
    every = libraries(choice, found.evidence, found.locked)
    named = [one for one in every if one.chosen or one.said_by]
    rows = [
        [one.project, one.wanted, one.packaged, ", ".join(["chosen"] * one.chosen + [*one.said_by])] for one in named
    ]
    python = choice.python_version or facts.python_version
    source = "chosen" if choice.python_version else "assumed" if "python_version" in facts.assumed else "found"
    made_with = f"{facts.framework.label} {facts.framework_version}".strip()
    lines = [f"{version.label}: {made_with}, Python {python} ({source})"]
    titles = ["Library", "Wanted", "In the package", "Said by"]
    lines += table(titles, rows) if rows else ["No file beside it says more."]
    others = [one.project for one in every[len(named) :]]
    return [*lines, f"Also in the package: {', '.join(others)}."] if others else lines


def _comparison_lines(comparison: ModelComparison, *, everything: bool) -> list[str]:
    shown = comparison.values if everything else comparison.differences
    rows = [
        [f"{one.aspect.value} {one.name}", one.left, one.right, "" if one.change is None else f"{one.change:+.6g}"]
        for one in shown
    ]
    same = "The model files are the same." if comparison.same_file else "The model files differ."
    if not rows:
        return [f"{comparison.left.label} and {comparison.right.label}: no difference", same]
    return [*table(["", comparison.left.label, comparison.right.label, "Change"], rows), same]
