"""OpenSSH's client configuration: read as OpenSSH itself reads it, bounded, and without running any command."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.deployment.host_patterns import matches, matches_any
from kronkers_studio.deployment.known_hosts import known_by_ssh
from kronkers_studio.deployment.ssh_config import HostSettings, SshConfig
from kronkers_studio.domain.errors import InvalidInput, SshConfigUnusable


@pytest.fixture
def folder(own_home: Path) -> Path:
    """The account's .ssh folder."""
    made = own_home / ".ssh"
    made.mkdir()
    return made


def _config(folder: Path, text: str) -> SshConfig:
    (folder / "config").write_text(text, encoding="utf-8")
    return SshConfig(system=folder / "none")


def _ssh_says(file: Path, name: str) -> dict[str, list[str]]:
    """What OpenSSH makes of it: its ``ssh -G``."""
    said = subprocess.run(["ssh", "-F", str(file), "-G", name], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    values: dict[str, list[str]] = {}
    for line in said.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        values.setdefault(keyword, []).append(value)
    return values


def _same(file: Path, name: str, found: HostSettings) -> None:
    ssh = _ssh_says(file, name)
    files = ssh.get("identityfile", [])
    ours = {
        "hostname": found.host,
        "port": str(found.port),
        "user": found.user,
        "proxyjump": ",".join(found.jumps),
        "identitiesonly": "yes" if found.only_identity_files else "no",
        "identityagent": found.agent,
        "hostkeyalias": found.host_key_alias,
        "identityfile": [*(found.identity_files or ())],
    }
    theirs = {
        **{key: ssh.get(key, [""])[0] for key in ours if key != "identityfile"},
        "identityfile": [] if files and files[0].startswith("~/.ssh/id_") else [f for f in files if f != "none"],
    }
    assert ours == theirs


_NAMES = st.sampled_from(["a", "ab", "b.example", "db1", "web"])
_PATTERN = st.sampled_from(["*", "a", "a*", "?b", "!a", "!*.example", "*.example", "db?", "b.example", "10.0.0.1", "A"])
_SETTING = st.one_of(
    st.builds("HostName {}".format, st.sampled_from(["10.0.0.1", "%h.corp", '"quoted.host"', "x%%y"])),
    st.builds("Port {}".format, st.sampled_from(["22", "2222", "=33"])),
    st.builds("User {}".format, st.sampled_from(["root", "ada", '"DOM\\ada"', "'a b'", "a\\\\b"])),
    st.builds(
        "{} {}".format, st.sampled_from(["IdentityFile", "identityfile="]), st.sampled_from(["/k1", "/k2", "none"])
    ),
    st.builds("IdentitiesOnly {}".format, st.sampled_from(["yes", "no"])),
    st.builds("ProxyJump {}".format, st.sampled_from(["none", "j1", "u@j1:33", "j1,j2", "u@[fd77::1]:22"])),
    st.builds("HostKeyAlias {}".format, _NAMES),
    st.builds("IdentityAgent {}".format, st.sampled_from(["/agent", "none"])),
    st.sampled_from(["# a comment", "", "  \t", "Compression yes # why not"]),
)
_MATCH = st.one_of(
    st.just("all"),
    st.lists(
        st.builds(
            "{}{} {}".format,
            st.sampled_from(["", "!"]),
            st.sampled_from(["host", "originalhost", "user", "localuser"]),
            st.lists(st.one_of(_PATTERN, st.sampled_from(["root", "ada", "!root"])), min_size=1, max_size=2).map(
                ",".join
            ),
        ),
        min_size=1,
        max_size=2,
    ).map(" ".join),
)
_HEAD = st.one_of(
    st.lists(_PATTERN, min_size=1, max_size=3).map(lambda patterns: "Host " + " ".join(patterns)),
    _MATCH.map(lambda text: "Match " + text),
)
_BLOCK = st.tuples(st.one_of(st.just(""), _HEAD), st.lists(_SETTING, max_size=4)).map(lambda b: [b[0], *b[1]])
_FILE = st.lists(_BLOCK, max_size=5).map(lambda blocks: [line for block in blocks for line in block])


@settings(max_examples=300)
@given(main=_FILE, included=_FILE, nested=_FILE, at=st.integers(0, 30), name=_NAMES)
def test_it_is_read_as_openssh_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
    main: list[str],
    included: list[str],
    nested: list[str],
    at: int,
    name: str,
) -> None:
    folder = tmp_path_factory.mktemp("ssh")
    at = min(at, len(main))
    (folder / "nested").write_text("\n".join(nested) + "\n", encoding="utf-8")
    (folder / "one.conf").write_text("\n".join([*included, f"Include {folder}/nested", "Port 4"]), encoding="utf-8")
    lines = [*main[:at], f"Include {folder}/*.conf {folder}/missing", *main[at:], "HostName last"]
    file = folder / "config"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _same(file, name, SshConfig(own=file, system=folder / "none").look_up(name))


def test_tokens_and_the_home_folder_are_put_in(folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    monkeypatch.setenv("AGENT", "/run/agent")
    config = _config(
        folder,
        "Host plant-*\n HostName %h.example.org\n User ml\n Port 2200\n IdentityFile ~/.ssh/%r@%h:%p\n"
        " IdentityFile ${KEYS}/%n%%\n IdentityFile %d/id\n IdentityAgent $AGENT\n ProxyJump %r@gate:%p\n",
    )
    found = config.look_up("plant-1")
    assert (found.host, found.user, found.port) == ("plant-1.example.org", "ml", 2200)
    assert found.identity_files == (
        f"{own_home}/.ssh/ml@plant-1.example.org:2200",
        "/keys/plant-1%",
        f"{own_home}/id",
    )
    assert (found.agent, found.jumps, found.named) == ("/run/agent", ("ml@gate:2200",), True)
    assert config.look_up("plant-1", user="ada", port=7).jumps == ("ada@gate:7",)
    assert not config.look_up("elsewhere").named


def test_includes_are_looked_for_in_the_ssh_folder_by_globs_and_from_home(folder: Path, own_home: Path) -> None:
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "10-a").write_text("Host a\n User one\n", encoding="utf-8")
    (folder / "conf.d" / "20-a").write_text("Host a\n User two\n Port 2\n", encoding="utf-8")
    (own_home / "mine").write_text("Host b\n Port 3\n", encoding="utf-8")
    config = _config(folder, "Include conf.d/* ~/mine\nHost a\n Port 9\n")
    assert (config.look_up("a").user, config.look_up("a").port) == ("one", 2)
    assert config.look_up("b").port == 3
    assert config.aliases() == ["a", "b"]


def test_aliases_are_the_names_that_are_written_in_full(folder: Path) -> None:
    config = _config(folder, "Host b a *.example !c d?\n HostName x\nHost a\nMatch host z\nHost *\n")
    assert config.aliases() == ["b", "a"]


def test_no_command_of_it_is_ever_run_and_that_is_said(folder: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    config = _config(
        folder,
        f"Match exec \"touch {ran}\"\n User root\nMatch originalhost b !exec 'touch {ran}'\n User toor\n"
        f"Host a b\n User ada\nHost c\n ProxyCommand touch {ran}\nHost d\n ProxyJump a\n ProxyCommand touch {ran}\n",
    )
    found = config.look_up("a")
    assert found.user == "ada"
    assert found.remarks == (
        f"“Match exec” of your SSH configuration was left out: its command is never run ({folder / 'config'}, line 1).",
    )
    assert config.look_up("b").user == "ada"
    with pytest.raises(SshConfigUnusable, match="never run") as refusal:
        config.look_up("c")
    assert "ProxyJump" in refusal.value.next_step
    assert config.look_up("d").jumps == ("a",)  # said first, so it counts
    assert not ran.exists()


def test_settings_that_are_not_followed_are_named_with_their_line(folder: Path) -> None:
    config = _config(
        folder,
        "Host a\n PKCS11Provider /lib/x.so\n PasswordAuthentication no\n ServerAliveInterval 5\n ForwardAgent yes\n",
    )
    file = folder / "config"
    assert config.look_up("a").remarks == (
        f"“pkcs11provider” of your SSH configuration is not followed ({file}, line 2).",
        f"“passwordauthentication” of your SSH configuration is not followed ({file}, line 3).",
    )
    assert config.look_up("b").remarks == ()
    canonical = _config(folder, "Match canonical host a\n User x\n").look_up("a")
    assert "“Match canonical” of your SSH configuration was left out" in canonical.remarks[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Include config\n", "in a circle"),
        ("Host a\n Port ninety\n", "is no port"),
        ("Host a\n Port 0\n", "is no port"),
        ("Port 70000\n", "is no port"),
        ("Host a\n IdentityFile %Z\n", "“%Z” in IdentityFile"),
        ("Host a\n IdentityFile x%\n", "“%” in IdentityFile"),
        ("Host a\n HostName %u\n", "“%u” in HostName"),
        ("Host a\n IdentityFile ${NOT_SET_ANYWHERE}\n", "NOT_SET_ANYWHERE, which is not set"),
        ('Host a\n User "ada\n', "is not closed"),
        ("Host a\n User\n", "says nothing"),
        ("Match host\n", "does not say what to match"),
        ("Include /dev/zero\n", "is not a file"),
        ("Include ~nobody-of-that-name/x\n", "no home folder"),
        ("Host a\n User \0\n", "is no text"),
        ("# " + "x" * 10_000_000, "more than 1 MB"),
        ("Port 1\n" * 60_000, "more than 50,000 settings"),
    ],
    ids=range(16),
)
def test_what_cannot_be_meant_is_told_as_a_sentence(folder: Path, text: str, said: str) -> None:
    start = time.process_time()
    with pytest.raises(Exception, match=said) as refusal:
        _config(folder, text).look_up("a")
    assert type(refusal.value).__module__ == "kronkers_studio.domain.errors"
    assert time.process_time() - start < 20


_KEYWORDS = ["Host", "Match", "Include", "HostName", "Port", "User", "IdentityFile", "ProxyJump", "ProxyCommand"]
_SIGNS = ["exec", "host", "all", "=", '"', "'", "\\", "#", "%", "%h", "${X}", "~", "~x", "*", "!", "/"]
_WORDS = st.sampled_from(_KEYWORDS + _SIGNS)
_NOISE = st.lists(st.one_of(_WORDS, st.text(max_size=6)), max_size=6).map(" ".join)


@settings(max_examples=300)
@given(lines=st.lists(_NOISE, max_size=8), name=st.text(min_size=1, max_size=8))
def test_whatever_it_holds_it_is_read_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], name: str
) -> None:
    folder = tmp_path_factory.mktemp("ssh")
    file = folder / "config"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InvalidInput):
        found = SshConfig(own=file, system=folder / "none").look_up(name)
        assert all(isinstance(remark, str) for remark in found.remarks)
    known_by_ssh([name], 22, "ssh-ed25519 AAAA", [file])


def test_files_that_include_one_another_many_times_over_are_not_read_for_ever(folder: Path) -> None:
    for number in range(10):
        (folder / f"f{number}").write_text(f"Include f{number + 1} f{number + 1} f{number + 1}\n", encoding="utf-8")
    with pytest.raises(SshConfigUnusable, match="more than 200 files"):
        _config(folder, "Include f0\n")


def test_without_a_configuration_a_name_stands_for_itself(own_home: Path) -> None:
    found = SshConfig(system=own_home / "none").look_up("somewhere")
    assert (found.host, found.port, found.named, found.remarks) == ("somewhere", 22, False, ())


@given(st.text("ab.", max_size=8), st.text("ab.*?", max_size=8))
def test_a_pattern_matches_as_a_regular_expression_of_the_same_meaning(name: str, pattern: str) -> None:
    import re

    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert matches(name, pattern) == bool(re.fullmatch(expression, name))


def test_patterns_know_no_brackets_and_take_no_time() -> None:
    assert not matches("a", "[a-z]")
    assert matches("[a-z]", "[a-z]")
    assert not matches_any("a", ["*", "!a"])
    start = time.process_time()
    assert not matches("a" * 5000, "*a" * 500 + "b")
    assert time.process_time() - start < 20
