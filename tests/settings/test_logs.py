from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from kronkers_studio.settings.logs import log_bug, log_file, start_logging


@pytest.fixture(autouse=True)
def own_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_log_is_one_json_object_a_line_with_the_traceback_of_a_bug() -> None:
    start_logging(verbose=False)
    logging.getLogger("kronkers_studio.somewhere").info("not worth keeping")
    logging.getLogger("kronkers_studio.somewhere").warning("worth %s\nkeeping", "really")
    try:
        raise RuntimeError("boom")
    except RuntimeError as bug:
        assert log_bug(bug) == log_file()
    lines = [json.loads(line) for line in log_file().read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["worth really\nkeeping", "unexpected error"]
    assert "RuntimeError: boom" in lines[1]["exception"]
