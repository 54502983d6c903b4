"""The main job on the bundled sample: from an untidy OneDrive folder to a live, charted model service."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import WindowUnavailable
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.releases import THIS_COMPUTER, Prediction
from kronkers_studio.domain.series import LiveState, Metric
from kronkers_studio.settings.paths import demo_folder, resource
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.migrating import migrate_folder, plan_migration
from kronkers_studio.workflows.models import find_models, register_model, set_alias
from kronkers_studio.workflows.packages import package_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace, workspace_exists

RenderMonitor = Callable[[Session, str, str, Path], None]
"""Draws the Monitor page of (model, place) into a PNG file; raises ``WindowUnavailable`` where Qt cannot be loaded."""

SAMPLE_FOLDER = "sample/OneDrive - Kronkers"
_PROJECT = "sample"
_WATCHED_SECONDS = 8.0
_SCRAPE_SECONDS = 1.0


@dataclass(slots=True)
class DemoReport:
    """What the demo did: each step with its seconds, the answers, and where the results lie."""

    workspace: Path
    steps: list[tuple[str, float]] = field(default_factory=list)
    answers: tuple[Any, ...] = ()
    live: dict[str, float] = field(default_factory=dict)
    chart: Path | None = None
    window_command: str = ""

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.steps)


def run_demo(
    render_monitor: RenderMonitor, *, say: Callable[[str], None] = print, cancel: CancelToken = NEVER
) -> DemoReport:
    """Run the main job in the demo's own workspace; safe to repeat. The service is stopped again at the end."""
    folder = demo_folder()
    report = DemoReport(workspace=folder / "workspace")

    @contextmanager
    def step(title: str) -> Iterator[Callable[[str], None]]:
        cancel.check()
        started = time.monotonic()
        found: list[str] = []
        yield found.append
        seconds = time.monotonic() - started
        report.steps.append((title, seconds))
        say(f"{len(report.steps):2}  {title:<28} {seconds:6.1f} s   {' '.join(found)}")

    with step("Open the workspace") as tell:
        session = open_demo(folder)
        tell(str(session.directory))
    with session:
        sample = resource(SAMPLE_FOLDER)
        with step("Look through the folder") as tell:
            plan = plan_migration(session, sample, _PROJECT, cancel=cancel)
            tell(f"{len(plan.kept)} files, {len(plan.of_kind(FileKind.MODEL))} models, {len(plan.skipped)} left out")
        with step("Bring it in") as tell:
            result = migrate_folder(session, sample, _PROJECT, cancel=cancel)
            tell(f"version {result.commit.id[:12]}" + ("" if result.changed else ", nothing had changed"))
        with step("Register the model") as tell:
            model = _register(session)
            tell(f"{model} from its bytes, without running it")
        name = model.partition(":")[0]
        with step("Package it") as tell:
            package = package_model(session, name, cancel=cancel).package
            tell(f"{package.digest[:19]} ({len(package.requirements)} dependencies)")
        with step("Put it live here") as tell:
            release = release_model(session, name, to=THIS_COMPUTER, cancel=cancel)
            tell(f"{release.label} on port {release.endpoint['port']}")
        try:
            rows = sample_rows()
            with step("Send it rows") as tell:
                answer = predict(session, name, THIS_COMPUTER, rows)
                report.answers = answer.outputs
                tell(f"{len(rows)} rows in {answer.milliseconds:.0f} ms")
            with step("Watch it work") as tell:
                state = _watch(session, name, rows, cancel)
                report.live = {metric.value: value for metric, value in state.values.items()}
                tell(_live_sentence(state))
            with step("Draw the Monitor page") as tell:
                report.chart = _draw(render_monitor, session, name, folder / "monitor.png", say)
                tell(str(report.chart or "left out"))
        finally:
            stop_release(session, name, THIS_COMPUTER)
    report.window_command = "make run   (or: kronkers-studio --demo)"
    _tell_end(report, answer, say)
    return report


def open_demo(folder: Path) -> Session:
    """The demo's workspace, made at the first time; its key lies in a file beside it, so nothing is asked."""
    if workspace_exists(folder / "workspace"):
        return open_workspace(folder / "workspace", key_file=folder / "key")
    session, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    return session


def sample_rows() -> list[Any]:
    """The sample's example rows."""
    rows: list[Any] = json.loads(next(resource(SAMPLE_FOLDER).rglob("rows.json")).read_text(encoding="utf-8"))["rows"]
    return rows


def _register(session: Session) -> str:
    found = next(f for f in find_models(session, _PROJECT) if f.facts and f.facts.file_format == "joblib")
    version = register_model(session, _PROJECT, found.source.path, ref=found.source.commit, name=found.suggested_name)
    set_alias(session, version.name, version.version, "champion")
    return version.label


def _watch(session: Session, name: str, rows: list[Any], cancel: CancelToken) -> LiveState:
    """Send rows at a changing pace for a while, reading the live metrics all along."""
    with closing(LiveFeed(session, name, THIS_COMPUTER)) as feed:
        state = feed.scrape()
        begin = time.monotonic()
        next_scrape = begin + _SCRAPE_SECONDS
        while (now := time.monotonic()) < begin + _WATCHED_SECONDS:
            cancel.check()
            predict(session, name, THIS_COMPUTER, rows[: 1 + int(now * 3) % len(rows)])
            if now >= next_scrape:
                state = feed.scrape()
                next_scrape += _SCRAPE_SECONDS
            time.sleep(0.01 + 0.02 * ((now - begin) / _WATCHED_SECONDS))
        return state


def _draw(
    render_monitor: RenderMonitor, session: Session, name: str, file: Path, say: Callable[[str], None]
) -> Path | None:
    try:
        render_monitor(session, name, THIS_COMPUTER, file)
    except WindowUnavailable as problem:
        say(f"    The chart is left out: {problem}")
        return None
    return file


def _live_sentence(state: LiveState) -> str:
    rate, p95 = state.values.get(Metric.REQUEST_RATE, 0.0), state.values.get(Metric.LATENCY_P95, float("nan"))
    return f"{rate:.0f} requests per second, p95 {p95:.1f} ms"


def _tell_end(report: DemoReport, answer: Prediction, say: Callable[[str], None]) -> None:
    say("")
    for number, output in enumerate(answer.outputs, start=1):
        chances = answer.probabilities[number - 1] if answer.probabilities else {}
        best = f"  ({max(chances.values()):.0%} sure)" if chances else ""
        say(f"    row {number}: {output}{best}")
    say("")
    say(f"Done in {report.seconds:.1f} s.")
    if report.chart:
        say(f"The live chart:   {report.chart}")
    say(f"Open the window:  {report.window_command}")
