"""Commands are data: what they say exactly, without a server."""

from __future__ import annotations

import shlex
import subprocess

from kronkers_studio.deployment import commands
from kronkers_studio.deployment.commands import Command


def test_arguments_survive_the_shell_whatever_they_contain() -> None:
    awkward = ("printf", "%s|", "two words", "it's", '"quoted"', "$HOME", "`id`", "a\nb", "", "-n", "ä")
    said = subprocess.run(["sh", "-c", Command(awkward).line], capture_output=True, text=True, check=True).stdout
    assert said == "".join(f"{argument}|" for argument in awkward[2:])


def test_reading_commands_are_plain_programs() -> None:
    assert commands.read_system().argv == ("cat", "/etc/os-release")
    assert commands.read_clock().argv == ("date", "+%s")
    assert commands.read_memory().argv == ("cat", "/proc/meminfo")
    assert commands.read_disk("/var/lib/docker").argv == ("df", "-Pk", "/var/lib/docker")
    assert commands.read_process_status(4242).argv == ("cat", "/proc/4242/status")


def test_scripts_run_in_sh_whatever_shell_the_account_has_and_take_values_as_arguments() -> None:
    owner = '{"user": "o\'hara; rm -rf /"}'
    taken = commands.take_lock(owner).argv
    assert taken[:2] == ("sh", "-c")
    assert taken[3:] == ("kronkers", owner)
    assert owner not in taken[2]
    assert taken[2].splitlines() == [
        "umask 077",
        "mkdir -p .kronkers || exit 73",
        "mkdir .kronkers/deploy.lock 2>/dev/null || exit 75",
        'printf "%s\\n" "$1" > .kronkers/deploy.lock/owner',
    ]
    assert commands.append_audit_line().argv == (
        "sh",
        "-c",
        "umask 077\nmkdir -p .kronkers || exit 73\ncat >> .kronkers/audit.log",
        "kronkers",
    )
    assert commands.read_audit_log(20).argv[3:] == ("kronkers", "20")


def test_every_script_is_valid_sh() -> None:
    for command in (
        commands.find_engine(),
        commands.read_listening_ports(),
        commands.take_lock("{}"),
        commands.read_lock(),
        commands.release_lock("{}"),
        commands.break_lock(),
        commands.append_audit_line(),
        commands.read_audit_log(1),
    ):
        subprocess.run(["sh", "-n", "-c", command.argv[2]], check=True)
        assert shlex.split(command.line) == list(command.argv)
