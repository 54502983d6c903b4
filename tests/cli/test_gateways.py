"""The commands for gateways and consumers, as a script uses them; no gateway is needed for who may ask."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.init()
    return shell


def test_a_key_is_shown_once_and_only_its_hash_is_kept(shell: Shell, tmp_path: Path) -> None:
    made = json.loads(
        shell.run("consumer", "add", "web-shop", "--model", "production/wine", "--days", "90", "--json").out
    )
    key = made["key"]
    listed = shell.run("consumer", "list", "--json").out
    assert key not in listed
    (consumer,) = json.loads(listed)
    (kept,) = consumer["keys"]
    assert kept["digest"] == hashlib.sha256(key.encode()).hexdigest()
    assert key.startswith(kept["shown"])
    assert len(kept["shown"]) < len(key) / 3
    assert (consumer["models"], consumer["rate"], consumer["quota"]) == (["production/wine"], 500, 0)
    assert kept["expires"] > kept["created"]
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(key.encode() in content for content in files)


def test_keys_are_replaced_without_a_gap(shell: Shell) -> None:
    first = json.loads(shell.run("consumer", "add", "shop", "--json").out)
    second = json.loads(shell.run("consumer", "key", "shop", "--json").out)
    assert first["key"] != second["key"]
    third = shell.run("consumer", "key", "shop", expect=2)
    assert "2 valid keys already" in third.err
    assert "kronkers consumer revoke shop kst_" in third.err
    shown = first["consumer"]["keys"][0]["shown"]
    assert "is refused from now on" in shell.run("consumer", "revoke", "shop", shown).out
    assert "no key that begins" in shell.run("consumer", "revoke", "shop", shown, expect=1).err
    assert shown not in shell.run("consumer", "list").out
    shell.run("consumer", "remove", "shop")
    assert json.loads(shell.run("consumer", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("consumer", "add", "Web Shop"), 2, "cannot be a consumer's name"),
        (("consumer", "add", "shop", "--model", "wine"), 2, "is not a model in an environment"),
        (("consumer", "add", "shop", "--days", "999999999"), 2, "36500"),
        (("consumer", "key", "nobody"), 1, "There is no consumer"),
        (("consumer", "remove", "nobody"), 1, "There is no consumer"),
        (("gateway", "start", "nowhere"), 1, "There is no server"),
        (("gateway", "status", "nowhere"), 1, "There is no server"),
        (("gateway", "stop", "nowhere"), 1, "There is no server"),
    ],
)
def test_what_cannot_be_is_said(shell: Shell, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in shell.run(*words, expect=code).err


def test_one_name_is_one_consumer(shell: Shell) -> None:
    shell.run("consumer", "add", "shop")
    refused = shell.run("consumer", "add", "shop", expect=1)
    assert "There is a consumer “shop” already" in refused.err
    assert "kronkers consumer key shop" in refused.err


def test_the_authority_is_one_for_good_and_can_be_given_to_programs(shell: Shell) -> None:
    certificate = shell.run("gateway", "authority").out
    assert shell.json("gateway", "authority")["certificate"] == certificate
    (known,) = ssl.create_default_context(cadata=certificate).get_ca_certs()
    assert known["subject"] == ((("commonName", "Kronkers Studio consumers"),),)
