"""What `lettafs models` learns of a provider; and that nothing heavy loads before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from lettafs.llm import ollama, openai_chat
from lettafs.llm.catalog import Endpoint
from lettafs.llm.probe import Probe, probe
from lettafs.llm.providers import PROVIDERS
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_openai import FakeOpenAI


def ask(provider: str, base_url: str = "") -> Probe:
    async def call() -> Probe:
        return await probe(Endpoint(PROVIDERS[provider], base_url), timeout_s=2)

    return anyio.run(call)


def test_models_of_a_running_server_are_named() -> None:
    with FakeOpenAI(models=["b", "a"]) as openai, FakeOllama(models=["x:latest"]) as local:
        assert ask("vllm", openai.base_url) == Probe(models=("a", "b"))
        assert ask("ollama", local.base_url) == Probe(models=("x:latest",))
    assert ask("lettafs") == Probe(models=("offline",))
    assert ask("scripted") == Probe()


@pytest.mark.parametrize("provider", ["lmstudio", "ollama"])
def test_server_that_is_not_there_is_a_reason_not_an_error(provider: str) -> None:
    with FakeOpenAI() as gone:
        url = gone.base_url
    found = ask(provider, url)
    assert found.models == ()
    assert found.reason is not None
    assert "Nothing answers" in found.reason


def test_client_libraries_load_when_first_used_only() -> None:
    code = (
        "import sys\n"
        "import lettafs.llm.openai_chat, lettafs.llm.ollama, lettafs.llm.probe\n"
        "import lettafs.llm.scripted, lettafs.llm.retry, lettafs.llm.catalog\n"
        "print([name for name in ('openai', 'ollama', 'httpx', 'httpx2', 'pydantic')"
        " if name in sys.modules])\n"
        "lettafs.llm.openai_chat.preload(); lettafs.llm.ollama.preload()\n"
        "print('openai' in sys.modules and 'ollama' in sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_preload_can_run_twice() -> None:
    for _ in range(2):
        openai_chat.preload()
        ollama.preload()
