"""The guards against real calls: they fire, and they let this machine through."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from lettafs.errors import ModelProblem, ModelUnreachable
from lettafs.llm.catalog import Endpoint, parse_handle, resolve
from lettafs.llm.ollama import OllamaModel
from lettafs.llm.openai_chat import OpenAIChatModel
from lettafs.llm.providers import PROVIDERS
from tests.support.fake_openai import FakeOpenAI, finish, stream, text_chunks
from tests.support.models import hear, openai_model
from tests.support.network_guard import RealNetworkCall, install, is_this_machine

install()

# An address of TEST-NET-1, which leads nowhere: if the guard fails, so does the connection.
NOWHERE = "192.0.2.1"


def test_connecting_elsewhere_is_stopped() -> None:
    with socket.socket() as one, pytest.raises(RealNetworkCall):
        one.settimeout(0.2)
        one.connect((NOWHERE, 80))


def test_sending_elsewhere_is_stopped() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, pytest.raises(RealNetworkCall):
        one.sendto(b"x", (NOWHERE, 9))


def test_looking_up_a_name_is_stopped() -> None:
    with pytest.raises(RealNetworkCall):
        socket.getaddrinfo("api.openai.invalid", 443)


def test_async_connection_is_stopped() -> None:
    async def connect() -> None:
        await anyio.connect_tcp("api.openai.invalid", 443)

    with pytest.raises((RealNetworkCall, BaseExceptionGroup)) as caught:
        anyio.run(connect)
    assert "RealNetworkCall" in repr(caught.value)


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_model_client_is_stopped_and_the_stop_is_not_taken_for_a_network_failure(
    kind: str,
) -> None:
    url = f"http://{NOWHERE}:8000/v1"
    model = (
        OpenAIChatModel(parse_handle("vllm/x"), Endpoint(PROVIDERS["vllm"], url))
        if kind == "openai"
        else OllamaModel(parse_handle("ollama/x"), Endpoint(PROVIDERS["ollama"], url))
    )
    with pytest.raises((RealNetworkCall, BaseExceptionGroup)) as caught:
        problem = hear(model).problem
        assert not isinstance(problem, ModelProblem), problem
    assert "RealNetworkCall" in repr(caught.value)


def test_this_machine_is_let_through() -> None:
    with FakeOpenAI([stream(*text_chunks("ok"), finish())]) as server:
        assert hear(openai_model(server)).text == "ok"


@pytest.mark.parametrize("host", [None, "", b"localhost", "LOCALHOST", "127.0.0.1", "::1", "::"])
def test_spellings_of_this_machine_are_known(host: object) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.invalid", b"example.invalid", 7, "fe80::1"])
def test_spellings_of_others_are_known(host: object) -> None:
    assert not is_this_machine(host)


def test_variable_stops_remote_models_before_any_connection() -> None:
    for name in ("openai", "openrouter", "anthropic", "gemini"):
        provider = PROVIDERS[name]
        env = {provider.key_env[0]: "sk-x", "LETTAFS_NO_REMOTE": "1"}
        with pytest.raises(ModelUnreachable) as caught:
            resolve(parse_handle(f"{name}/m"), env=env)
        assert "LETTAFS_NO_REMOTE" in str(caught.value)


def test_guard_holds_in_a_fresh_process() -> None:
    code = (
        "from tests.support.network_guard import RealNetworkCall, install, lifted\n"
        "import socket\n"
        "install(); install()\n"
        "def look():\n"
        "    try: socket.getaddrinfo('api.openai.invalid', 443)\n"
        "    except RealNetworkCall: return 'stopped'\n"
        "    except OSError: return 'let through'\n"
        "with socket.socket() as s: s.bind(('127.0.0.1', 0))\n"
        "print(look())\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "stopped"
