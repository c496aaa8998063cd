"""The pages hold together: links lead somewhere, commands exist, the two set-up lines are right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lettafs
from lettafs.cli.main import COMMANDS, cli
from lettafs.llm.providers import PROVIDERS
from tests.support.doc_pages import ROOT, fences, pages

PAGES = pages()
README = ROOT / "README.md"


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads)
    return set(plain)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in _anchors(place)):
            wrong.append(target)
    assert not wrong, wrong


def test_every_page_is_linked_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    here = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:-1]]
    missing = [page for page in here if page != "index.md" and f"({page})" not in index]
    assert not missing, missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_that_pages_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|\$ |&& \.venv/bin/)lettafs ([a-z]+)", text)
    assert set(named) <= set(COMMANDS), set(named) - set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_options_that_pages_name_exist(page: Path) -> None:
    known = {"--help", "--version", "--debug"}
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # it needs no context
        assert command is not None
        known |= {option for one in command.params for option in one.opts}
    text = page.read_text(encoding="utf-8")
    spans = list(re.findall(r"`(--[^`]+|lettafs [^`]+)`", text))
    lines = list(re.findall(r"^\$ lettafs (.*)$", text, flags=re.MULTILINE))
    used = {
        option
        for words in (*spans, *lines)
        for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", words.partition("|")[0])
    }
    theirs = {"--enable-auto-tool-choice", "--tool-call-parser", "--jinja", "--check"}
    assert used - theirs <= known, used - theirs - known


def test_readme_sets_up_in_two_lines() -> None:
    lines = [fence.text.strip() for fence in fences(README) if fence.kind == "sh"]
    assert len(lines) == 2
    chat, tests = lines
    for line in lines:
        assert "\n" not in line, "one line to copy"
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert chat.endswith(
        " && .venv/bin/lettafs fork samples/companion my-companion"
        " && .venv/bin/lettafs chat my-companion"
    )
    assert "-e '.[test]' && .venv/bin/pytest" in tests


def test_ci_runs_the_tests_as_the_readme_does() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (line,) = [fence.text for fence in fences(README) if "pytest" in fence.text]
    _, install, test = line.strip().split(" && ")
    assert install.removeprefix(".venv/bin/pip install ") in script
    assert f"check {test.removeprefix('.venv/bin/')}\n" in script
    for tool in ("ruff check", "ruff format --check", "mypy"):
        assert f"check {tool}" in script


def test_readme_says_which_commands_there_are() -> None:
    """What is not there is said in one section, and nowhere promised."""
    text = README.read_text(encoding="utf-8")
    promised, _, missing = text.partition("## Not there yet")
    for word in ("REST", ".af", "MCP", "sleep-time"):
        assert word in missing
        assert word not in promised


def test_models_page_lists_every_provider() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for provider in PROVIDERS.values():
        if provider.kind == "builtin":
            continue
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{provider.name}` |")]
        for fact in (provider.base_url, *provider.key_env, *provider.base_url_env):
            assert f"`{fact}`" in row
        assert ("optional" in row) != provider.needs_key


def test_python_page_shows_every_public_name() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    public = {name for name in vars(lettafs.Agent) if not name.startswith("_")}
    unsaid = {"choice", "model", "model_handle", "model_why", "path"}  # for surfaces
    missing = [
        name
        for name in sorted(public | set(lettafs.__all__) - {"__version__"})
        if name not in unsaid and re.search(rf"\b{name}\b", text) is None
    ]
    assert not missing, missing


def test_changelog_begins_with_this_version() -> None:
    text = (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, flags=re.MULTILINE)[0] == lettafs.__version__


def test_pages_of_commands_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lettafs.cli.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
