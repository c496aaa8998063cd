from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lettafs.cli import main as main_module
from lettafs.cli.main import COMMANDS, EXIT_CODES, cli
from lettafs.errors import Busy, FormatTooNew, LettafsError, ModelTimeout, NotAnAgent, UsageProblem
from lettafs.version import __version__

ROOT = Path(__file__).parents[2]
HEAVY = (
    *("openai", "ollama", "git", "ruamel", "tomlkit", "watchdog", "prompt_toolkit", "rich"),
    *("asyncio", "anyio", "httpx", "platformdirs", "markdown_it", "lettafs.sdk"),
)


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lettafs", *arguments],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    code = (
        "import sys\n"
        "from lettafs.cli.main import cli\n"
        f"try:\n    cli([{argument!r}])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)

    assert done.stderr.decode().strip() == "[]"


def test_help_lists_every_command_with_the_first_sentence_of_its_own_help() -> None:
    listing = CliRunner().invoke(cli, ["--help"]).output
    for name, (module, words) in COMMANDS.items():
        command = getattr(importlib.import_module(f"lettafs.cli.{module}"), f"{name}_command")
        assert isinstance(command, click.Command)
        assert (command.help or "").splitlines()[0] == words
        assert f"  {name} " in listing


def test_version_is_the_packages() -> None:
    done = run("--version")

    assert (done.returncode, done.stdout.decode()) == (0, f"lettafs {__version__}\n")


def test_wrong_usage_is_one_sentence_and_code_2() -> None:
    for arguments, words in [
        (["lgo"], "There is no command 'lgo'; did you mean 'log'? See lettafs --help."),
        (["--nope"], "No such option '--nope'. See lettafs --help."),
        (["log"], "Missing argument 'DIR'. See lettafs log --help."),
    ]:
        done = CliRunner().invoke(cli, arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == f"lettafs: {words}\n"


def test_no_command_at_all_shows_the_help_as_wrong_usage() -> None:
    done = CliRunner().invoke(cli, [])

    assert done.exit_code == 2
    assert "Usage: lettafs" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LettafsError("it failed"), 1),
        (UsageProblem("it failed"), 2),
        (NotAnAgent("it failed"), 3),
        (FormatTooNew("it failed"), 3),
        (Busy("it failed"), 5),
        (ModelTimeout("it failed"), 1),
    ],
)
def test_error_is_its_sentence_and_its_code(
    error: LettafsError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CliRunner().invoke(failing_with(error, monkeypatch), ["log", "ada"])

    assert (done.exit_code, done.stdout, done.stderr) == (code, "", "lettafs: it failed.\n")


def test_error_is_cleaned_and_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error = LettafsError("bad \x1b]52;c;AA\x07name\nin two lines\u202e")
    done = CliRunner().invoke(failing_with(error, monkeypatch), ["log", "ada"])

    assert done.stderr == "lettafs: bad name in two lines.\n"


def test_mistake_inside_is_a_sentence_and_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = failing_with(ZeroDivisionError("division by zero"), monkeypatch)

    plain = CliRunner().invoke(root, ["log", "ada"])
    debug = CliRunner().invoke(root, ["--debug", "log", "ada"])

    assert plain.exit_code == debug.exit_code == 1
    assert "ZeroDivisionError: division by zero" in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr


def test_ctrl_c_is_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(failing_with(KeyboardInterrupt(), monkeypatch), ["log", "ada"])

    assert done.exit_code == 130


def test_disk_error_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    error = PermissionError(13, "Permission denied", "/some/file")
    done = CliRunner().invoke(failing_with(error, monkeypatch), ["log", "ada"])

    assert done.stderr == "lettafs: Permission denied: /some/file.\n"


def test_exit_codes_are_those_of_the_errors() -> None:
    for error in (LettafsError, UsageProblem, NotAnAgent, Busy):
        assert error.exit_code in EXIT_CODES


def test_reader_that_goes_away_is_met_with_silence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "lettafs", "--help"],
            stdout=closed,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_output_is_utf8_in_every_locale(locale: str) -> None:
    done = run("Zürich", LC_ALL=locale, LANG=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert done.returncode == 2
    assert b"There is no command" in done.stderr
    done.stderr.decode("utf-8")


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> click.Group:
    """The root group with one command in place of `log` that only raises."""

    @click.command("log")
    @click.argument("agent_dir")
    def log_command(agent_dir: str) -> None:
        raise error

    root = main_module._Root("lettafs", params=list(cli.params), callback=cli.callback)
    root.invoke_without_command = True
    monkeypatch.setattr(root, "get_command", lambda ctx, name: log_command)
    return root
