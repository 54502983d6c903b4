"""The command for live numbers: of one service, of all, or of what came in feature by feature."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import moment, plural, size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.series import Answers, LiveService, LiveState, Metric
from kronkers_studio.domain.time_expressions import parse_duration


def add_commands(app: typer.Typer) -> None:
    command(app, "metrics")(metrics)


def metrics(
    terminal: Terminal,
    model: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The model; by default all that are live.")
    ] = None,
    place: Annotated[
        str | None, typer.Option("--in", metavar="PLACE", help="this-computer or a server's name.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="1h",
            help="How far back: 30s, 15m, 1h, 7d; without it 1h, of --features since the service began.",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on, one line per reading, until Ctrl+C.")] = False,
    features: Annotated[
        bool, typer.Option("--features", help="What came in, feature by feature, beside the reference profile.")
    ] = False,
) -> None:
    """Show live numbers, or the last stored ones when the service cannot be reached."""
    from kronkers_studio.workflows.metrics import LiveFeed, read_answers, read_window
    from kronkers_studio.workflows.models import show_model

    within = parse_duration(since) if since is not None else None
    since = since or "1h"
    seconds = parse_duration(since)
    if model is None and place is None and not features:
        _show_all_metrics(terminal, follow=follow)
        return
    if model is None or place is None:
        raise InvalidInput(
            "One of the model and its place is missing.", next_step="Name both; or neither, for all that are live."
        )
    if features:
        _show_features(terminal, model, place, within, follow=follow)
        return
    with terminal.session() as session:
        show_model(session, model)
        with closing(LiveFeed(session, model, place)) as feed:
            state = feed.scrape()
            while follow and not terminal.cancel.cancelled:
                terminal.result(state, _state_line(state))
                terminal.cancel.wait(session.settings.scrape_seconds)
                state = feed.scrape()
        if follow:
            return
        now = time.time()
        windows = {m: read_window(session, model, place, m, now - seconds, now, max_points=240) for m in Metric}
        answers = read_answers(session, model, place, now - seconds, now)
        terminal.result(
            {
                "state": state,
                "since": datetime.fromtimestamp(now - seconds, UTC),
                "series": {
                    m.value: [
                        [t, mean if math.isfinite(mean) else None] for t, mean in zip(w.times, w.mean, strict=True)
                    ]
                    for m, w in windows.items()
                },
                "answers": {
                    "rows": answers.rows,
                    "classes": dict(answers.classes),
                    "others": answers.others,
                    "quantiles": answers.quantiles and dict(zip(("p10", "p50", "p90"), answers.quantiles, strict=True)),
                },
            },
            *([state.problem] if state.problem else []),
            f"As of {moment(state.as_of)}",
            *table(["Metric", "Value"], [[m.value, _shown(m, v)] for m, v in state.values.items()]),
            *_answer_lines(answers, since),
        )


def _show_features(terminal: Terminal, model: str, place: str, seconds: float | None, *, follow: bool) -> None:
    """What came into one service in the last ``seconds``, by default since it began, beside the reference."""
    from kronkers_studio.cli.profiles import seen_document, seen_lines
    from kronkers_studio.workflows.feature_counts import features_seen

    if follow:
        raise InvalidInput("--follow is for live numbers.", next_step="Leave out --features.")
    with terminal.session() as session:
        seen = features_seen(session, model, place, seconds)
        terminal.result(seen_document(seen), *seen_lines(seen))


def _show_all_metrics(terminal: Terminal, *, follow: bool) -> None:
    """A line for each service that is live, read now."""
    from kronkers_studio.workflows.metrics import LiveFeed, live_services

    if follow:
        raise InvalidInput("--follow is for one model.", next_step="Name it and its place.")
    with terminal.session() as session:
        services = live_services(session)
        states = []
        for service in services:
            with closing(LiveFeed(session, service.release.model, service.release.place)) as feed:
                states.append(feed.scrape())
        current = [replace(service, state=state) for service, state in zip(services, states, strict=True)]
        rows = [_service_row(service) for service in current]
        found = [
            {"model": s.release.model, "version": s.release.version, "place": s.release.place, "errors": s.errors,
             "state": s.state}
            for s in current
        ]  # fmt: skip
        lines = table(["Model", "Where", "State", "Per second", "Errors", "Slowest 5 %"], rows)
        terminal.result({"services": found}, *(lines if rows else ["Nothing is live."]))


def _service_row(service: LiveService) -> list[str]:
    state, release = service.state, service.release
    rate, slow = state.values.get(Metric.REQUEST_RATE), state.values.get(Metric.LATENCY_P95)
    stands = "stopped" if release.lost else "live" if state.reachable else f"silent, as of {moment(state.as_of)}"
    return [
        f"{release.model}:{release.version}",
        release.place,
        stands,
        "-" if rate is None else f"{rate:.1f}",
        "-" if service.errors is None else f"{service.errors:.1%}",
        "-" if slow is None else _shown(Metric.LATENCY_P95, slow),
    ]


def _answer_lines(answers: Answers, since: str) -> list[str]:
    """What was answered, in a line or a table; nothing where nothing was counted."""
    if not answers.rows:
        return []
    told = f"{plural(answers.rows, 'answer')} in the last {since}"
    if answers.quantiles is not None:
        low, middle, high = (f"{value:.4g}" for value in answers.quantiles)
        return [f"{told}: half of them below {middle}, 8 of 10 from {low} to {high}"]
    counts = [*answers.classes, *([("others", answers.others)] if answers.others else [])]
    return [told, *table(["Answer", "Share"], [[name, f"{number / answers.rows:.1%}"] for name, number in counts])]


def _state_line(state: LiveState) -> str:
    if not state.reachable:
        return f"{moment(state.as_of)}  {state.problem}"
    return f"{moment(state.as_of)}  " + "  ".join(f"{m.value} {_shown(m, v)}" for m, v in state.values.items())


def _shown(metric: Metric, value: float) -> str:
    return size(value) if metric is Metric.MEMORY else f"{value:.2f} {metric.unit}"
