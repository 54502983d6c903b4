"""On a real server: another account takes a release's port whenever it is free and passes on what it can."""

from __future__ import annotations

import subprocess
import time
from contextlib import closing

import pytest

from kronkers_studio.domain.errors import ServerBusy, StudioError
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.workflows.demo import sample_rows
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.releases import list_releases, predict, release_model, roll_back
from kronkers_studio.workflows.server_care import clean_server
from kronkers_studio.workflows.session import Session
from tests.lab.servers import LabServer
from tests.workflows.test_interrupted_releases import MODEL, PLACE, assert_settled, session, start_releasing

__all__ = ["session"]  # the fixture

pytestmark = pytest.mark.safety

THIEF = """
import os, socket, sys, threading
open(sys.argv[2] + ".pid", "w").write(str(os.getpid()))
port, inside = int(sys.argv[1]), [f"172.{net}.0.{host}" for net in (18, 19) for host in range(2, 20)]
log = open(sys.argv[2], "ab", buffering=0)

def passed_on(stream):
    true = None
    for host in inside:
        try:
            true = socket.create_connection((host, 8080), 0.2)
            break
        except OSError:
            pass
    try:
        while data := stream.recv(65536):
            log.write(data)
            if true is None:
                head = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n"
                stream.sendall(head + b"Kronkers-Proof: " + b"0" * 64 + b"\\r\\n\\r\\n{}")
            else:
                true.sendall(data)
                stream.sendall(true.recv(65536))
    except OSError:
        pass

while True:
    try:
        with socket.create_server(("127.0.0.1", port)) as listener:
            log.write(b"[has it]\\n")
            while True:
                threading.Thread(target=passed_on, args=(listener.accept()[0],), daemon=True).start()
    except OSError:
        pass
"""


def test_who_takes_the_port_between_two_lives_of_a_service_gets_no_row_and_no_token(
    session: Session, lab_server: LabServer
) -> None:
    release_model(session, MODEL, to=PLACE)
    live, earlier = list_releases(session)
    (lab_server.folder / "tmp" / "thief.py").write_text(THIEF)
    thieves = [
        subprocess.Popen(
            lab_server.inside(
                *("setpriv", "--reuid=4202", "--regid=4202", "--clear-groups", "/usr/bin/python3", "/tmp/thief.py"),
                *(str(release.endpoint["port"]), f"/tmp/thief-{number}"),
            )
        )
        for number, release in enumerate((live, earlier))
    ]
    logs = [lab_server.folder / "tmp" / f"thief-{number}" for number in range(2)]
    refused = 0
    try:
        with closing(LiveFeed(session, MODEL, PLACE)) as feed:
            for _ in range(3):
                lab_server.root("docker ps -q --filter label=kronkers.model | xargs -r docker kill", check=False)
                until = time.monotonic() + 4
                while time.monotonic() < until:
                    try:
                        predict(session, MODEL, PLACE, sample_rows())
                    except StudioError:
                        refused += 1
                    feed.scrape()
        assert b"[has it]" in logs[0].read_bytes()
        assert refused
        gone_back = roll_back(session, MODEL, PLACE)  # its port is stolen too: it comes back on another
        assert gone_back.state is ReleaseState.LIVE
        assert gone_back.endpoint["port"] != earlier.endpoint["port"]
        assert predict(session, MODEL, PLACE, sample_rows()).version == 1
    finally:
        for thief in thieves:
            thief.kill()
            thief.wait()
        lab_server.root("kill $(cat /tmp/thief-0.pid /tmp/thief-1.pid)", check=False)
    for log in logs:
        got = log.read_bytes()
        assert b"Bearer" not in got
        assert b"/predict" not in got
        assert b"/metrics" not in got
        assert b"rows" not in got


def test_cleaning_a_server_beside_a_release_takes_nothing_from_it(session: Session, lab_server: LabServer) -> None:
    answer = predict(session, MODEL, PLACE, sample_rows()).outputs
    process = start_releasing(session)
    cleaned = busy = 0
    while process.poll() is None:
        try:
            clean_server(session, PLACE)
            cleaned += 1
        except ServerBusy:
            busy += 1
    assert process.returncode == 0
    assert cleaned + busy > 2
    assert_settled(session, lab_server, answer)
