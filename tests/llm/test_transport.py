"""What the wire protocols share: an environment that lets no client be made."""

from __future__ import annotations

import os
import sys

import anyio
import pytest

from lettafs.errors import ConnectionImpossible, ModelUnreachable
from lettafs.llm import ollama, openai_chat
from lettafs.llm.catalog import Endpoint, parse_handle
from lettafs.llm.ollama import OllamaModel
from lettafs.llm.openai_chat import OpenAIChatModel
from lettafs.llm.probe import probe
from lettafs.llm.providers import PROVIDERS
from tests.support.models import hear

URL = "https://models.example/v1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://me:hush-hush@127.0.0.1:1080"),  # needs a package of its own
        ("HTTPS_PROXY", "http://me:hush-hush@127.0.0.1:port"),
        ("HTTPS_PROXY", "gopher://me:hush-hush@127.0.0.1"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
    ],
)
@pytest.mark.parametrize(
    ("name", "imported"), [("openai", True), ("ollama", True), ("ollama", False)]
)
def test_environment_that_lets_no_client_be_made_is_told_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, name: str, imported: bool, variable: str, value: str
) -> None:
    for unwanted in ("ALL_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(unwanted, raising=False)
        monkeypatch.delenv(unwanted.lower(), raising=False)
    ollama.preload()
    if not imported:  # its library makes a client of its own then
        monkeypatch.delitem(sys.modules, "ollama")
    os.environ[variable] = value
    endpoint = Endpoint(PROVIDERS[name], URL, api_key="sk-secret")
    handle = parse_handle(f"{name}/m")
    is_openai = name == "openai"
    model = OpenAIChatModel(handle, endpoint) if is_openai else OllamaModel(handle, endpoint)
    list_models = openai_chat.list_models if is_openai else ollama.list_models

    async def ask() -> tuple[str, ...]:
        return await list_models(endpoint, timeout_s=2)

    problem = hear(model).problem
    assert type(problem) is ConnectionImpossible
    assert not problem.transient, "trying again does not mend a variable"
    assert f"{URL} can be prepared" in str(problem)
    assert "proxy and certificate" in str(problem)
    assert "hush-hush" not in str(problem)
    with pytest.raises(ModelUnreachable, match="can be prepared"):
        anyio.run(ask)
    assert anyio.run(probe, endpoint).reason == str(problem)
