"""No secret of any kind that the program knows comes into the log, and no name into what is handed to others."""

from __future__ import annotations

import getpass
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import InvalidValue, PredictionFailed, SourceUnavailable
from kronkers_studio.settings.logs import LogLine, log_bug, log_failure, log_file, parse_line, read_log, start_logging
from kronkers_studio.settings.redaction import Mask, redacted, redacted_fault
from kronkers_studio.settings.secrets import Secret, secrets_in_use


@pytest.fixture(autouse=True)
def own_root_logger() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("kronkers_studio")
    handlers, level, own_level = root.handlers[:], root.level, ours.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(own_level)


_CELL = "Ada Lovelace"
_HEX = "68df0bb85bed5d84b08530687c1f2e3a" * 2
_RECOVERY = "TFZN-NYMW-YG1R-WW3J-F2RK-4X7F-5H2E-BF8Y-4M95"
_BASE64 = "q9Zr3yTn0aKx7Lw2Vb5Hc8Ju1Md4Pf6Qg+Rs-Et_Xo"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("passphrase=blue-horse-battery", "blue-horse-battery"),
        ('{"password": "it is \\"quoted\\" here"}', "quoted"),
        ("KRONKERS_PASSPHRASE=blue-horse-battery kronkers log", "blue-horse-battery"),
        ("KRONKERS_SERVER_PASSWORD: “hunter two”", "hunter two"),
        ("api_key = 'abc def'", "abc def"),
        ('identitytoken: "xyz123"', "xyz123"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("curl -H 'Authorization: Bearer abcdef123456'", "abcdef123456"),
        ("sent Bearer " + _HEX, _HEX),
        (f"the service's key {_HEX} was refused", _HEX),
        (f"the service's key {_HEX.upper()} was refused", _HEX.upper()),
        (f"recovery key {_RECOVERY}", _RECOVERY),
        (f"typed {_RECOVERY.replace('-', ' ')} there", _RECOVERY.replace("-", " ")),
        ("https://svc:pa55word@registry.example.org/v2/", "pa55word"),
        ("https://ghp_onlyatoken@github.com/x", "ghp_onlyatoken"),
        ("ssh://ada:pa55word@factory:22", "pa55word"),
        ("postgresql://u:p%40ss@db/x", "p%40ss"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
            "b3BlbnNzaC1r",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA", "MIIEowIBAAKCAQEA"),
        ("got ghp_16charactersOrMore12", "ghp_16charactersOrMore12"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln here", "eyJhbGciOiJIUzI1NiJ9"),
        ("slack xoxb-1234567890-abcdefghijkl", "abcdefghijkl"),
        ("openai sk-proj-abcdEFGH1234ijklMNOP5678", "ijklMNOP5678"),
        ("google AIzaSyA-1234567890abcdefghijklmnopqrstu", "1234567890abcdef"),
        ("hub hf_abcdefghijklmnopqrstuvwxyz", "abcdefghijkl"),
        ("index pypi-AgEIcHlwaS5vcmcCJGFiY2RlZmdoaWprbG1ub3", "AgEIcHlwaS5vcmc"),
        ("https://x.blob.example.net/a?sv=2024&sig=abc%2Fdef123%3D", "abc%2Fdef"),
        ("Set-Cookie: session=abcd1234efgh; Path=/", "abcd1234efgh"),
        (f"token {_BASE64} end", _BASE64),
    ],
    ids=lambda text: text[:24],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    """Seen to fail for each with its pattern left out."""
    assert secret not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "Bringing in “Sales 2026” failed: SourceUnavailable: There is no folder /home/ada/Sales 2026.",
        "ssh://ada@factory.example.org:22 could not be reached",
        "version 3 of churn-score is live on http://127.0.0.1:41234",
        "SHA256:1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R9s0T1u2",
        "4 of 12 tokens of 2026-11-20T12:00:00+00:00",
    ],
)
def test_what_is_none_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_the_same_digits_become_the_same_short_number() -> None:
    first, again, other = redacted(f"a {_HEX}"), redacted(f"a {_HEX}"), redacted(f"a {_HEX[::-1]}")
    assert first == again != other


def test_whatever_a_secret_holds_is_found_wherever_it_stands() -> None:
    """Seen to fail with ``secrets_in_use`` giving none."""
    held = Secret('größe "mit" Zeichen/')
    for text in (
        f"x {held.reveal()} y",
        "x gr%C3%B6%C3%9Fe%20%22mit%22%20Zeichen%2F y",
        'x größe \\"mit\\" Zeichen/ y',
    ):
        assert redacted(text) == "x *** y", text
    text = held.reveal()
    assert text in secrets_in_use()
    del held
    assert text not in secrets_in_use(), "it is not kept longer than it is needed"


def test_the_log_holds_neither_secrets_nor_what_is_in_tables() -> None:
    start_logging(verbose=False, detailed=True)
    log = logging.getLogger("kronkers_studio.somewhere")
    kept = Secret("correct horse")
    log.info("opened with %s", kept.reveal(), extra={"details": f"and again {kept.reveal()}, password=tr0ub4dor"})
    log_failure("Sending rows", PredictionFailed("Row 1: “Ada Lovelace” is no number.", details="Ada Lovelace;36"))
    log_failure("Sending rows", InvalidValue("“Ada Lovelace” is no number.", column="age"))
    log_failure("Looking", SourceUnavailable("There is no folder Sales.", details="sshpass -p; password: tr0ub4dor"))
    try:
        float(_CELL)
    except ValueError as bug:
        log_bug(bug)
    text = log_file().read_text(encoding="utf-8")
    assert "There is no folder Sales." in text and "ValueError: could not convert" in text
    for secret in ("correct horse", "tr0ub4dor", "Ada Lovelace"):
        assert secret not in text


def test_what_the_log_says_of_a_fault_is_where_it_happened() -> None:
    try:
        os.environ[_CELL]
    except KeyError as bug:
        import traceback

        text = redacted_fault("".join(traceback.format_exception(bug)))
    assert text.splitlines()[-1] == "KeyError: “…”"
    assert "test_redaction.py" in text


def test_lines_are_read_again_as_they_were_written() -> None:
    start_logging(verbose=False, detailed=True)
    logging.getLogger("kronkers_studio").warning("it %s", "fails", extra={"details": "one\ntwo"})
    (line,) = map(parse_line, read_log())
    assert (line.level, line.text, line.more) == ("warning", "it fails", "one\ntwo")
    assert line.at is not None
    assert parse_line("Traceback (most recent") == LogLine(None, "info", "Traceback (most recent")
    assert (
        parse_line('{"time": "2026-11-20T12:00:00.000Z", "level": "error", "message": "no", "rows": 3}').text
        == "no · rows 3"
    )


def test_only_so_much_of_the_log_is_read_and_of_the_file_before_too() -> None:
    start_logging(verbose=False)
    before = log_file().with_name("kronkers.log.1")
    before.write_text("a\nb\n", encoding="utf-8")
    log_file().write_text("c\nd\n", encoding="utf-8")
    assert read_log() == ["a", "b", "c", "d"]
    assert read_log(5) == ["c", "d"]


# Names

_HOME, _USER, _COMPUTER = str(Path.home()), getpass.getuser(), socket.gethostname().split(".")[0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("There is no folder /home/ada/My Sales/2026.", ["ada", "My Sales", "2026"]),
        ("cannot open /srv/Lovelace and Hopper, secret plans/x.csv", ["Lovelace", "Hopper", "secret", "plans"]),
        ("could not read My Budget 2026.xlsx", ["Budget", "2026.xlsx"]),
        ("“Kündigungen & Löhne.csv” is no table", ["Kündigungen", "Löhne"]),
        (r"C:\Users\Ada Lovelace\Documents\pay.csv is open", ["Lovelace", "Documents", "pay"]),
        (r"\\\\files\team\pay roll.csv is open", ["files", "team", "pay", "roll"]),
        ("data/2026/pay.csv: 3 rows", ["2026", "pay"]),
        ("ssh://ada@factory.example.org:22 refused", ["ada", "factory"]),
        ("ada@factory refused", ["ada", "factory"]),
        ("10.20.30.40 refused", ["10.20.30.40"]),
        ("https://harbor.corp.example/v2/ said 401", ["harbor", "corp"]),
        ("Factory-7 does not answer", ["Factory-7"]),
        ("factory-7 does not answer", ["factory-7"]),
        ("churn score r3 ended", ["churn"]),
        (f"{_HOME}/x", [_HOME]),
        (
            f"user {getpass.getuser()} at {socket.gethostname()}",
            [getpass.getuser() + " ", socket.gethostname().split(".")[0]],
        ),
    ],
    ids=lambda text: str(text)[:28],
)
def test_no_name_is_left_where_names_are_masked(text: str, names: list[str]) -> None:
    """Seen to fail for each with its pattern left out."""
    known = {"server": ["Factory-7"], "model": ["churn score"], "path": ["/home/ada/My Sales/2026", "My Sales"]}
    masked = Mask(known).text(text)
    assert [name for name in names if name in masked] == [], masked


def test_the_same_name_has_the_same_stand_in_and_says_what_it_was() -> None:
    mask = Mask({"server": ["north", "south"]})
    assert mask.text("north fails") == mask.text("north fails")
    assert mask.text("north fails") != mask.text("south fails")
    assert mask.text("“a.csv” and b/c.csv") == "“<name 1>” and <path 1>.csv"


def test_where_in_the_program_it_happened_is_left() -> None:
    text = """Traceback (most recent call last):
  File "/home/ada/.venv/lib/python3.11/site-packages/kronkers_studio/workflows/x.py", line 3, in work
    open("data.csv")
  File "/home/ada/own/thing.py", line 1, in f
OSError: No such file: /home/ada/pay.csv"""
    masked = Mask().text(text)
    assert 'File "kronkers_studio/workflows/x.py", line 3, in work' in masked
    assert 'File "thing.py", line 1' in masked
    assert "ada" not in masked and "pay" not in masked
    assert "OSError: No such file: <path" in masked
