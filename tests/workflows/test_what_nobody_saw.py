"""Real services, here and on a server: what they did while nobody read them is in the charts afterwards, once."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.errors import PredictionFailed
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.series import LiveState, Metric
from kronkers_studio.workflows.demo import sample_rows
from kronkers_studio.workflows.metrics import LiveFeed, read_answers, read_window
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.session import Session, open_workspace
from tests.lab.servers import LabServer
from tests.serving.model_folders import running, wine_folder, wine_rows
from tests.workflows.test_hostile_services import record_live
from tests.workflows.test_on_premises import MODEL, _add
from tests.workflows.test_on_premises import session as wine_session

pytestmark = pytest.mark.safety

__all__ = ["wine_session"]  # the fixture

UNSEEN = 33.0  # seconds: three intervals of those that services keep, and a part of one


def read_once(session: Session, model: str, place: str) -> LiveState:
    """As a window that is opened, reads, and is closed."""
    with closing(LiveFeed(session, model, place)) as feed:
        return feed.scrape()


def requests(session: Session, model: str, place: str, since: float) -> float:
    """How many requests the chart shows after its first point."""
    window = read_window(session, model, place, Metric.REQUEST_RATE, since, time.time() + 1)
    times, rates = np.asarray(window.times), np.asarray(window.mean)
    assert not np.isnan(rates).any(), "there is a gap"
    return float((np.diff(times) * rates[1:]).sum())


def test_what_a_service_did_while_no_window_was_open_is_charted_when_one_is(session: Session, tmp_path: Path) -> None:
    folder = wine_folder(tmp_path / "model")
    (folder / "secret").write_text(session.release_secret(record_live(session, 1)).hex(), encoding="ascii")
    with running(folder, "--secret-file", str(folder / "secret")) as (port, _):
        record_live(session, port)
        began = time.time()
        read_once(session, "wine", THIS_COMPUTER)
        sent = 0
        while time.time() < began + UNSEEN:
            predict(session, "wine", THIS_COMPUTER, wine_rows(2))
            sent += 1
            if sent % 10 == 0:
                with pytest.raises(PredictionFailed):
                    predict(session, "wine", THIS_COMPUTER, [{"nonsense": 1}])
                sent += 1
            time.sleep(0.2)
        session.close()
        with open_workspace(tmp_path / "workspace", key_file=tmp_path / "key") as later:
            state = read_once(later, "wine", THIS_COMPUTER)
            assert state.totals["answered"] + state.totals["refused"] == sent
            assert state.totals["rows"] == 2 * state.totals["answered"]
            assert requests(later, "wine", THIS_COMPUTER, began - 60) == pytest.approx(sent, rel=0.01)
            assert len(read_window(later, "wine", THIS_COMPUTER, Metric.MEMORY, began - 60, time.time() + 1)) >= 4
            errors = read_window(later, "wine", THIS_COMPUTER, Metric.ERROR_RATE, began - 60, time.time() + 1)
            assert max(errors.mean) > 0
            answers = read_answers(later, "wine", THIS_COMPUTER, began - 60, time.time() + 1)
            assert answers.classes[0][0] == "0"
            assert 0.6 * state.totals["rows"] < answers.rows <= state.totals["rows"], "but for the last ten seconds"
            time.sleep(1)
            read_once(later, "wine", THIS_COMPUTER)
            assert requests(later, "wine", THIS_COMPUTER, began - 60) == pytest.approx(sent, rel=0.01), "once"


def test_what_a_service_on_a_server_did_without_a_connection_is_charted_afterwards(
    wine_session: Session, lab_server: LabServer
) -> None:
    session = wine_session
    place = _add(session, lab_server, "unseen")
    release_model(session, MODEL, 1, to=place)
    began = time.time()
    with closing(LiveFeed(session, MODEL, place)) as feed:
        assert feed.scrape().reachable
        sent = 0
        while time.time() < began + UNSEEN:  # the feed reads nothing meanwhile
            predict(session, MODEL, place, sample_rows())
            sent += 1
            time.sleep(0.3)
        with lab_server.link_cut():
            assert not feed.scrape().reachable
        state = feed.scrape()
        assert state.reachable, state.problem
    assert state.totals["answered"] == sent
    assert requests(session, MODEL, place, began - 60) == pytest.approx(sent, rel=0.01)
    assert read_answers(session, MODEL, place, began - 60, time.time() + 1).rows > 0
    stop_release(session, MODEL, place)
