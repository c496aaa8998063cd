"""What every test stands on: no remote calls, own configuration, the --long switch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import network_guard

network_guard.install()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", default=False, help="run slow loops in their long form"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="long form; run with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test its own user configuration, and no keys of the person who runs it."""
    here = tmp_path_factory.mktemp("user")
    keep = dict(os.environ)
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name.startswith(("GIT_", "OPENAI_", "OLLAMA_", "LETTAFS_")):
            del os.environ[name]
    os.environ.update(
        HOME=str(here),
        XDG_CONFIG_HOME=str(here / "config"),
        LETTAFS_CONFIG_DIR=str(here / "lettafs"),
        LETTAFS_STATE_DIR=str(here / "state"),
        LETTAFS_NO_REMOTE="1",
        OLLAMA_HOST="http://127.0.0.1:9",
        TZ="UTC",
    )
    yield
    os.environ.clear()
    os.environ.update(keep)


@pytest.fixture
def person(own_surroundings: None) -> None:
    """Give the person who runs the test a git identity."""
    config = Path(os.environ["HOME"]) / ".gitconfig"
    config.write_text("[user]\n\tname = Pat\n\temail = pat@example.com\n", encoding="utf-8")
