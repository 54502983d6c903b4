"""What the pictures show: workspaces with a past, live services and servers, made as a person would."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.models import ModelCard

if TYPE_CHECKING:
    from kronkers_studio.desktop.work.tasks import Task
    from kronkers_studio.domain.editors import Editor
    from kronkers_studio.domain.releases import Release
    from kronkers_studio.domain.servers import ServerReport
    from kronkers_studio.workflows.session import Session

_TRAFFIC_SECONDS = 20.0


def make_workspace(directory: Path) -> Session:
    from kronkers_studio.workflows.session import create_workspace

    session, _ = create_workspace(directory, key_file=directory.with_suffix(".key"))
    return session


def fill(session: Session) -> None:
    """The main job on the sample, with a little traffic; and two servers that nobody can reach."""
    from kronkers_studio.desktop.panels.folder_choice import sample_folder
    from kronkers_studio.domain.releases import THIS_COMPUTER
    from kronkers_studio.workflows import migrating, model_versions, models, releases

    make_past(session)
    result = migrating.migrate_folder(session, sample_folder())
    found = [model for model in models.find_models(session, result.project) if model.facts is not None]
    for model in sorted(found, key=lambda model: model.source.path.endswith(".joblib")):
        version = models.register_model(
            session, result.project, model.source.path, metrics={"accuracy": 0.972, "f1": 0.968}
        )
    models.set_alias(session, version.name, 1, "champion")
    model_versions.describe_model(
        session, (version.name, None, None), card=_CARD, add_tags=["quality", "approved 2026"]
    )
    for number in (1, version.version):
        releases.release_model(session, version.name, number, to=THIS_COMPUTER)
    _send_traffic(session, version.name)
    _add_servers(session)


def make_past(session: Session) -> None:
    """A project with versions on two branches, merged once and in conflict now, and a tag."""
    from kronkers_studio.workflows.migrating import migrate_folder
    from kronkers_studio.workflows.versions import create_branch, merge_branches, set_tag

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "Forecasts"
        folder.mkdir()

        def bring_in(branch: str, message: str, **files: str) -> None:
            for name, text in files.items():
                (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
            migrate_folder(session, folder, "Forecasts", branch=branch, message=message)

        rows = [f"{number},Region {number % 7},{number * 37 % 911}" for number in range(1, 60)]
        sales = "\n".join(["order,region,amount", *rows, ""])
        seasonal = _PROGRAM.replace("mean()", "rolling(12).mean()")
        bring_in("main", "Brought in", sales_csv=sales, forecast_py=_PROGRAM, notes_md="# Forecasts\n\nMonthly.\n")
        create_branch(session, "Forecasts", "seasonal")
        bring_in("seasonal", "Seasonal model", forecast_py=seasonal)
        set_tag(session, "Forecasts", "2026-q2", "seasonal")
        bring_in("main", "Notes extended", forecast_py=_PROGRAM, notes_md="# Forecasts\n\nMonthly, by region.\n")
        merge_branches(session, "Forecasts", "seasonal", message="Seasonal model merged")
        corrected = sales.replace("\n7,Region 0,259\n", "\n7,Region 0,295\n").replace("\n9,Region 2,333\n", "\n")
        bring_in("main", "Two orders corrected", forecast_py=seasonal, sales_csv=f"{corrected}60,Region 4,118\n")
        bring_in("seasonal", "Orders rounded", sales_csv=sales.replace("\n7,Region 0,259\n", "\n7,Region 0,260\n"))


_CARD = ModelCard(
    intended_use="Tells the **cultivar** of a wine from what the laboratory measured, before it is bottled:\n"
    "- for the quality department\n- for wines of one region",
    data="178 wines of three cultivars, thirteen figures each. The script beside the file shows how they were split.",
    metrics="On a fifth of the wines, which `train.py` had set aside. *Accuracy* counts all cultivars alike.",
    limits="# Not for\n- other regions\n- wines that were measured with another device",
)
_PROGRAM = '''"""Next month's sales by region."""

import polars as pl


def forecast(sales: pl.DataFrame) -> pl.DataFrame:
    by_region = sales.group_by("region")
    return by_region.agg(pl.col("amount").mean())
'''


def _send_traffic(session: Session, model: str) -> None:
    from kronkers_studio.domain.errors import PredictionFailed
    from kronkers_studio.domain.releases import THIS_COMPUTER
    from kronkers_studio.workflows.metrics import LiveFeed
    from kronkers_studio.workflows.releases import predict

    feed = LiveFeed(session, model, THIS_COMPUTER)
    until = time.monotonic() + _TRAFFIC_SECONDS
    count = 0
    while time.monotonic() < until:
        count += 1
        try:
            predict(session, model, THIS_COMPUTER, [{"nonsense": 1}] if count % 40 == 0 else [sample_row()])
        except PredictionFailed:  # meant: the chart of refused requests should not be flat
            continue
        if count % 20 == 0:
            feed.scrape()
    feed.close()


def _add_servers(session: Session) -> None:
    from datetime import UTC, datetime

    from kronkers_studio.domain.changes import ServerAdded
    from kronkers_studio.domain.servers import Server

    for name, host in (("lab-server", "lab.example.org"), ("factory-2", "10.20.0.12")):
        server = Server(name, host, 22, "studio", "ssh-ed25519 AAAA", added=datetime.now(UTC))
        session.workspace.ledger.record(ServerAdded(server), author="demo")


def sample_report() -> ServerReport:
    from kronkers_studio.domain.servers import ServerCheck, ServerReport, Verdict

    return ServerReport(
        "factory-2",
        (
            ServerCheck("Operating system", Verdict.OK, "Debian 12, linux/amd64"),
            ServerCheck("Docker", Verdict.OK, "27.3, reachable without root"),
            ServerCheck("Disk", Verdict.WARN, "3.1 GB free", "Make room: a first release needs about 2 GB."),
            ServerCheck("Swarm", Verdict.BAD, "not prepared yet", "Press Set up, or leave it to the first release."),
        ),
    )


def sample_row() -> dict[str, Any]:
    import json

    from kronkers_studio.desktop.panels.folder_choice import sample_folder

    file = sample_folder() / "Quality" / "Wine" / "model" / "rows.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return rows[0]


def sample_task() -> Task:
    """One that has begun."""
    from kronkers_studio.desktop.work.tasks import Task, TaskState

    task = Task("Packaging", lambda _progress, _cancel: None, "", shown=False, cancellable=True)
    task.state = TaskState.RUNNING
    task.reported.step("Getting the base image")
    return task


def end_services(workspace: Path) -> None:
    """As a restart of the computer does: the programs are gone, and nobody has said so."""
    import psutil

    with _live(workspace) as (_session, live):
        for release in live:
            psutil.Process(int(release.endpoint["pid"])).kill()


def start_services(workspace: Path) -> None:
    """Start again what was ended."""
    from kronkers_studio.domain.releases import THIS_COMPUTER
    from kronkers_studio.workflows.restart import start_again
    from kronkers_studio.workflows.session import open_workspace

    with open_workspace(workspace) as session:
        for model in session.workspace.ledger.model_names():
            start_again(session, model, THIS_COMPUTER)


def stop_services(workspace: Path) -> None:
    from kronkers_studio.workflows.releases import stop_release

    with _live(workspace) as (session, live):
        for release in live:
            stop_release(session, release.model, release.place)


@contextlib.contextmanager
def _live(workspace: Path) -> Iterator[tuple[Session, list[Release]]]:
    from kronkers_studio.domain.releases import ReleaseState
    from kronkers_studio.workflows.releases import list_releases
    from kronkers_studio.workflows.session import open_workspace

    with open_workspace(workspace) as session:
        yield session, [each for each in list_releases(session) if each.state is ReleaseState.LIVE]


def work_on(session: Session, project: str, top: Path) -> None:
    """Working copies of ``project`` below ``top``: in one files were changed and others saved since, one is gone."""
    from kronkers_studio.workflows.saved_copies import save_version
    from kronkers_studio.workflows.working_copies import check_out

    mine, theirs, gone = (top / name for name in (project, f"{project} (2)", f"{project} on a stick"))
    for folder in (mine, theirs, gone):
        shutil.rmtree(folder, ignore_errors=True)
        check_out(session, project, "", folder)
    (theirs / "theirs.md").write_text(f"{time.time()}\n", encoding="utf-8")
    save_version(session, theirs, "Notes of a colleague")
    (mine / "forecast.py").write_text("print('better')\n", encoding="utf-8")
    (mine / "model.joblib").write_bytes(b"new")
    (mine / "notes.md").unlink(missing_ok=True)
    shutil.rmtree(gone)


def sample_editors() -> list[Editor]:
    """As if they were installed."""
    from kronkers_studio.domain.editors import Editor, Trust

    found = (
        ("vscode", "Visual Studio Code", Trust.ASKS),
        ("rstudio", "RStudio", Trust.R_AT_ONCE),
        ("jupyterlab", "JupyterLab", Trust.WHAT_IS_STARTED),
    )
    return [Editor(key, label, (f"/usr/bin/{key}",), trust=trust) for key, label, trust in found]
