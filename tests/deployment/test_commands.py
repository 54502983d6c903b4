"""Commands are data: what they say exactly, without a server; and that every login shell passes them on unharmed."""

from __future__ import annotations

import inspect
import shlex
import shutil
import subprocess

import pytest

from kronkers_studio.deployment import commands
from kronkers_studio.deployment.commands import Command
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError, ServerUnreachable, ShellUnusable
from tests.deployment.conftest import Connect
from tests.lab.servers import LabServer

_AWKWARD = ("printf", "%s|", "two words", "it's", '"quoted"', "$HOME", "`id`", "a\nb", "", "-n", "ä", "!x", "%d", "\\n")
_SHELLS = ("bash", "dash", "fish", "ksh", "tcsh", "zsh")


def test_arguments_survive_the_shell_whatever_they_contain() -> None:
    said = subprocess.run(["sh", "-c", Command(_AWKWARD).line], capture_output=True, text=True, check=True).stdout
    assert said == "".join(f"{argument}|" for argument in _AWKWARD[2:])


def test_what_is_sent_is_one_line_without_anything_that_a_shell_could_take_for_its_own() -> None:
    line = commands.take_lock("token", '{"user": "o\'hara; !rm -rf /"}').line_between("mark")
    quoted = line.split("' '")[1].split("' ")[0]
    assert set(quoted) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@-\\")
    assert "\n" not in line
    assert "!" not in line


def test_reading_commands_are_plain_programs() -> None:
    assert commands.read_system().argv == ("cat", "/etc/os-release")
    assert commands.read_clock().argv == ("date", "+%s")
    assert commands.read_memory().argv == ("cat", "/proc/meminfo")
    assert commands.read_disk("/var/lib/docker").argv == ("df", "-Pk", "/var/lib/docker")
    assert commands.read_process_status(4242).argv == ("cat", "/proc/4242/status")


def test_scripts_take_values_as_arguments() -> None:
    owner = '{"user": "o\'hara; rm -rf /"}'
    taken = commands.take_lock("token", owner).argv
    assert taken[:2] == ("sh", "-c")
    assert taken[3:] == ("kronkers", "token", owner)
    assert owner not in taken[2]
    assert commands.append_audit_line().argv == (
        "sh",
        "-c",
        "umask 077\nmkdir -p .kronkers || exit 73\ncat >> .kronkers/audit.log",
        "kronkers",
    )
    assert commands.read_audit_log(20).argv[3:] == ("kronkers", "20")


def test_a_sign_of_life_is_written_over_in_place_so_that_a_full_disk_does_not_end_a_living_lock() -> None:
    written = commands.renew_lock("t").argv[2].splitlines()[-1]
    assert written == 'printf "%-80s\\n" "$now" 1<> ".kronkers/deploy.sign.$1"'


def _every_command() -> dict[str, Command]:
    """One of each kind."""
    given = {"str": "t", "int": 1, "Command": Command(("id", "it's"))}
    return {
        name: make(*[given[each.annotation] for each in inspect.signature(make).parameters.values()])
        for name, make in inspect.getmembers(commands, inspect.isfunction)
        if make.__module__ == commands.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize("name", _every_command())
def test_every_script_is_valid_sh(name: str) -> None:
    """Seen to fail with a quotation mark too many in what reads the ports."""
    command = _every_command()[name]
    assert shlex.split(command.line) == list(command.argv)
    if command.argv[:2] == ("sh", "-c"):
        subprocess.run(["sh", "-n", "-c", command.argv[2]], check=True)


@pytest.fixture
def with_shell(other_server: LabServer, connect_to: Connect) -> ConnectWithShell:
    return ConnectWithShell(other_server, connect_to)


class ConnectWithShell:
    """A connection as somebody with that login shell, whose start files print."""

    def __init__(self, server: LabServer, connect_to: Connect) -> None:
        self._server = server
        self._connect_to = connect_to
        self.home = server.folder / "home" / "analyst"

    def __call__(self, shell: str) -> Connection:
        path = shutil.which(shell) or shell
        passwd = self._server.folder / "etc" / "passwd"  # in place, for the server has it mounted
        passwd.write_text(passwd.read_text(encoding="utf-8").replace(":/bin/sh", f":{path}"), encoding="utf-8")
        return self._connect_to(self._server.as_server())

    def print_from_start_files(self) -> None:
        fish = self.home / ".config" / "fish"
        fish.mkdir(parents=True)
        (fish / "config.fish").write_text("echo 12345; echo 12345 >&2\n", encoding="utf-8")
        for name in (".bashrc", ".zshenv", ".kshrc", ".tcshrc", ".cshrc"):
            (self.home / name).write_text(f"echo 12345\necho Welcome\nsh -c 'echo {name} >&2'\n", encoding="utf-8")
        self._server.root("chown -R 4201:4201 /home/analyst")


@pytest.mark.lab
@pytest.mark.parametrize("shell", _SHELLS)
def test_any_login_shell_passes_commands_on_and_what_its_start_files_print_is_left_out(
    with_shell: ConnectWithShell, shell: str
) -> None:
    assert shutil.which(shell), f"{shell} is not installed (tests/lab/install.sh)"
    with_shell.print_from_start_files()
    connection = with_shell(shell)
    said = connection.run(Command(_AWKWARD))
    assert (said.status, said.error) == (0, "")
    assert said.output == "".join(f"{argument}|" for argument in _AWKWARD[2:])
    failed = connection.run(Command(("sh", "-c", "cat; echo bad >&2; exit 7")), input="grün".encode())
    assert (failed.output, failed.error, failed.status) == ("grün", "bad\n", 7)
    assert connection.run(commands.take_lock("token", "{}")).ok
    assert connection.run(commands.take_lock("other", "{}")).status == commands.LOCK_EXISTS
    assert connection.run(commands.read_lock()).output.startswith("token\n")
    assert {path.name for path in (with_shell.home / ".kronkers").iterdir()} == {
        "deploy.lock",
        "deploy.sign.token",
        "deploy.guard",
    }


@pytest.mark.lab
@pytest.mark.parametrize(
    ("shell", "quoted"),
    [("/usr/sbin/nologin", "This account is currently not available"), ("/bin/false", "not run commands there.")],
)
def test_an_account_that_cannot_run_commands_is_told_so(with_shell: ConnectWithShell, shell: str, quoted: str) -> None:
    with pytest.raises(ShellUnusable) as failure:
        with_shell(shell).run(commands.read_clock())
    assert "“analyst” can log in to" in failure.value.message
    assert quoted in failure.value.message
    assert "usermod --shell" in failure.value.next_step


@pytest.mark.lab
def test_a_windows_computer_is_named_as_one(with_shell: ConnectWithShell) -> None:
    with_shell.home.parent.joinpath("cmd").write_text("#!/bin/sh\necho not recognized; exit 1\n", encoding="utf-8")
    with_shell.home.parent.joinpath("cmd").chmod(0o755)
    connection = with_shell("/home/cmd")
    connection._transport.remote_version = "SSH-2.0-OpenSSH_for_Windows_9.5"  # the one part that the lab cannot have
    with pytest.raises(ShellUnusable, match="is a Windows computer"):
        connection.run(commands.read_clock())


@pytest.mark.lab
@pytest.mark.parametrize("stream", ["", ">&2"])
def test_output_without_end_is_given_up_and_not_kept(lab_server: LabServer, connect_to: Connect, stream: str) -> None:
    connection = connect_to(lab_server.as_server())
    with pytest.raises(ServerError, match="said more than 8 MB"):
        connection.run(Command(("sh", "-c", f"yes {stream}")))
    assert connection.run(commands.read_clock()).ok


@pytest.mark.lab
def test_a_command_that_trickles_is_given_up_at_its_deadline(connection: Connection) -> None:
    with pytest.raises(ServerUnreachable, match=r"answers, but a command there did not end within 1 seconds"):
        connection.run(Command(("sh", "-c", "while :; do echo; sleep 0.05; done")), timeout=1, longest=1)


@pytest.mark.lab
def test_a_command_that_is_killed_is_no_answer(connection: Connection) -> None:
    with pytest.raises(ServerError, match="ended a command before it was done"):
        connection.run(Command(("sh", "-c", "kill -9 0")))
