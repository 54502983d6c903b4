"""The command for what was changed of a model version, with words for every kind of change that concerns one."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from kronkers_studio.cli.model_versions import CARD_TITLES, ModelRef
from kronkers_studio.cli.plain_text import moment, plural, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.changes import (
    AliasMoved,
    Change,
    DependenciesChosen,
    GlobalsAllowed,
    GlobalsDisallowed,
    MetricsAdded,
    ModelDescribed,
    ModelRegistered,
    ModelTested,
    ModelTestSetChosen,
    PackageBuilt,
    ProfileMade,
    SignatureStated,
)
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.model_tests import run_words
from kronkers_studio.domain.models import ContentRef, ModelVersion, Signature
from kronkers_studio.domain.references import format_content, parse_model
from kronkers_studio.domain.stated_signatures import written_tensor

_DIGEST_SHOWN = 12  # digits that tell a package


def add_commands(model: typer.Typer) -> None:
    command(model, "history")(history)


def history(terminal: Terminal, model: ModelRef) -> None:
    """Show every change to what is said, measured and made of a version; its releases are in “kronkers releases”."""
    from kronkers_studio.workflows.model_versions import model_history

    with terminal.session() as session:
        found = model_history(session, parse_model(model))
        entries = [one.entry for one in found]
        said: dict[str, str] = {}
        told = [told_change(one.change, said) for one in found]
        rows = [[moment(e.at), e.author, what, words] for e, (what, words) in zip(entries, told, strict=True)]
        terminal.result(entries, *table(["When", "Who", "What", ""], rows))


def told_change(change: Change, said: dict[str, str]) -> tuple[str, str]:  # noqa: PLR0911, PLR0912  # one per kind
    """What was done, in a word, and the rest of it. Of what is described, what was not ``said`` before, which is
    brought up to date. A kind that concerns no version has its name and no words."""
    match change:
        case ModelRegistered(version):
            stated = _signature_words(version.stated.signature) if version.stated is not None else []
            now = _described(version)
            return "registered", "; ".join([*_news(now, said), *stated, *_numbers(version.metrics)])
        case ModelDescribed():
            return "described", "; ".join(_news(_described(change), said))
        case MetricsAdded():
            return "measured", "; ".join(_numbers(change.metrics))
        case DependenciesChosen():
            return "libraries", _choice_words(change.choice)
        case GlobalsAllowed():
            return "allowed", f"{', '.join(change.allowance.names)}: {change.allowance.reason}"
        case GlobalsDisallowed():
            return "disallowed", ", ".join(change.names)
        case SignatureStated():
            return "signature", "as found" if change.stated is None else "; ".join(_signature_words(change.stated))
        case ProfileMade():
            made, columns = change.profile, len(change.profile.table.features)
            return "profile", f"{plural(columns, 'feature')} in {plural(made.table.rows, 'row')} of {made.data}"
        case ModelTested(run):
            return "tested", f"{run_words(run)}, {run.place}, by {run.test_set}"
        case ModelTestSetChosen():
            return "test set", _file_words(change.source)
        case AliasMoved():
            where = f"version {change.version} from now on" if change.version else "no version any more"
            return "alias", f"{change.alias} names {where}"
        case PackageBuilt(package):
            return "packaged", f"{package.platform}, {package.digest.removeprefix('sha256:')[:_DIGEST_SHOWN]}"
        case _:
            return type(change).__name__, ""


def _described(said: ModelVersion | ModelDescribed) -> dict[str, str]:
    parts = {title.lower(): str(getattr(said.card, name)) for name, title in CARD_TITLES.items()}
    return {"description": said.description} | parts | {"tags": ", ".join(said.tags)}


def _file_words(source: ContentRef | None) -> str:
    return "the one beside the model" if source is None else format_content(source.project, source.commit, source.path)


def _news(now: dict[str, str], said: dict[str, str]) -> list[str]:
    news = [f"{name}: {text or '–'}" for name, text in now.items() if text != said.get(name, "")]
    said |= now
    return news


def _numbers(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} = {value:g}" for name, value in metrics.items()]


def _signature_words(signature: Signature) -> list[str]:
    return [written_tensor(one) for one in (*signature.inputs, *signature.outputs)]


def _choice_words(choice: DependencyChoice | None) -> str:
    if choice is None:
        return "as found"
    python = [f"Python {choice.python_version}"] if choice.python_version else []
    return ", ".join([*python, *choice.requirements])
