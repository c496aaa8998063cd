"""Handles, windows, endpoints; and who gets a key."""

from __future__ import annotations

import pytest

from lettafs.errors import ModelAuthProblem, ModelUnreachable, UsageProblem
from lettafs.llm.catalog import (
    KNOWN_WINDOWS,
    LOCAL_WINDOW,
    REMOTE_WINDOW,
    Endpoint,
    default_window,
    is_loopback,
    parse_handle,
    resolve,
)
from lettafs.llm.providers import ALIASES, PROVIDERS

KEY = "sk-secret-0123456789"


def endpoint(handle: str, **options: object) -> Endpoint:
    env = options.pop("env", {"OPENAI_API_KEY": KEY})
    return resolve(parse_handle(handle), env=env, **options)  # type: ignore[arg-type]  # test data


@pytest.mark.parametrize(
    "text, expected",
    [
        ("openai/gpt-4.1", "openai/gpt-4.1"),
        ("ollama/llama3.1:8b", "ollama/llama3.1:8b"),
        ("openrouter/anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        ("OpenAI/gpt-4o", "openai/gpt-4o"),
        (" openai/gpt-4o ", "openai/gpt-4o"),
        ("google_ai/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("lm-studio/qwen", "lmstudio/qwen"),
        ("gpt-4o", "openai/gpt-4o"),
        ("o3", "openai/o3"),
        ("o4-mini", "openai/o4-mini"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("llama3.1:8b", "ollama/llama3.1:8b"),
        ("offline", "lettafs/offline"),
        ("scripted:a/b.jsonl", "scripted:a/b.jsonl"),
        ("scripted:/abs/b.jsonl", "scripted:/abs/b.jsonl"),
    ],
)
def test_handle_names_one_provider_and_one_model(text: str, expected: str) -> None:
    assert str(parse_handle(text)) == expected


def test_handle_reads_its_own_text_back() -> None:
    for name in PROVIDERS:
        handle = parse_handle(f"{name}/some-model:tag")
        assert parse_handle(str(handle)) == handle


@pytest.mark.parametrize("text", ["opena/gpt-4o", "mistral-large", "", "openai/", "gpt-oss-20b"])
def test_handle_that_says_too_little_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_handle(text)
    assert "openai" in str(caught.value)


def test_unknown_provider_is_told_all_known_ones() -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_handle("acme/model")
    assert all(name in str(caught.value) for name in PROVIDERS)


def test_every_alias_leads_to_a_provider() -> None:
    assert set(ALIASES.values()) <= set(PROVIDERS)
    assert not set(ALIASES) & set(PROVIDERS)


@pytest.mark.parametrize(
    "handle, tokens",
    [
        ("openai/gpt-4o-mini", 128_000),
        ("openai/gpt-4.1-nano", 1_000_000),
        ("openai/gpt-4", 8_192),
        ("openai/gpt-4-0613", 8_192),
        ("openrouter/anthropic/claude-sonnet-4", 200_000),
        ("together/meta-llama/Llama-3.3-70B-Instruct-Turbo", 128_000),
        ("openai/something-new", REMOTE_WINDOW),
        ("ollama/llama3.1:8b", LOCAL_WINDOW),
        ("vllm/gpt-4o", LOCAL_WINDOW),
    ],
)
def test_window_is_the_known_one_or_a_careful_guess(handle: str, tokens: int) -> None:
    assert default_window(parse_handle(handle)) == tokens


def test_windows_are_written_in_lower_case() -> None:
    assert all(name == name.lower() for name in KNOWN_WINDOWS)


def test_catalogue_holds_usable_endpoints_only() -> None:
    for provider in PROVIDERS.values():
        if provider.kind == "builtin":
            continue
        env = dict.fromkeys(provider.key_env[:1], KEY)
        found = resolve(parse_handle(f"{provider.name}/m"), env=env)
        assert found.base_url == provider.base_url
        assert found.api_key == KEY
        assert provider.local == found.on_this_machine
        assert provider.local or provider.base_url.startswith("https://")


def test_key_comes_from_the_agents_own_env_when_the_person_has_none() -> None:
    found = endpoint("openai/gpt-4o", env={}, agent_env={"OPENAI_API_KEY": KEY})
    assert found.api_key == KEY
    both = endpoint("openai/gpt-4o", agent_env={"OPENAI_API_KEY": "sk-other"})
    assert both.api_key == KEY


def test_agents_own_env_cannot_move_the_endpoint() -> None:
    hostile = {"OPENAI_BASE_URL": "https://evil.example/v1", "LETTAFS_NO_REMOTE": "1"}
    found = endpoint("openai/gpt-4o", agent_env=hostile)
    assert found.base_url == "https://api.openai.com/v1"


def test_missing_key_names_the_variable_and_a_way_without() -> None:
    with pytest.raises(ModelAuthProblem) as caught:
        endpoint("openai/gpt-4o", env={})
    assert "OPENAI_API_KEY" in str(caught.value)
    assert ".env" in str(caught.value)
    assert "--model lettafs/offline" in str(caught.value)


def test_key_never_shows_in_a_representation() -> None:
    assert KEY not in repr(endpoint("openai/gpt-4o"))


@pytest.mark.parametrize("key", ["sk-a b", "sk-a\nX-Evil: 1", "sk-ключ", "sk-a\x00"])
def test_key_that_cannot_be_a_header_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ModelAuthProblem) as caught:
        endpoint("openai/gpt-4o", env={"OPENAI_API_KEY": key})
    assert "OPENAI_API_KEY" in str(caught.value)
    assert key not in str(caught.value)


def test_blanks_around_a_key_are_taken_off() -> None:
    assert endpoint("openai/gpt-4o", env={"OPENAI_API_KEY": f" {KEY}\n"}).api_key == KEY


# Who named the endpoint decides who gets the key.


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "https://api.openai.com.evil.example/v1",
        "https://evil.example/api.openai.com/v1",
        "http://api.openai.com/v1",  # in clear text
        "http://api.openai.com:443/v1",
        "https://api.openai.com:8443/v1",
        "http://192.168.1.7:8000/v1",
        "http://169.254.169.254/v1",
        "http://2130706433/v1",  # 127.0.0.1 to some, not to us
        "http://127.0.0.1.evil.example/v1",
        "http://localhost.evil.example/v1",
        "http://[::ffff:10.0.0.1]/v1",
    ],
)
def test_endpoint_only_the_agent_names_is_refused(url: str) -> None:
    with pytest.raises(ModelAuthProblem) as caught:
        endpoint("openai/gpt-4o", base_url=url, base_url_source="agent")
    assert "--base-url" in str(caught.value)
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com@evil.example/v1",
        "https://evil.example\\@api.openai.com/v1",
        "https://api.openai.com/v1?x=@evil.example",
        "https://api.openai.com#@evil.example/v1",
        "https://api.openai.com/v1\nHost: evil.example",
        "https://аpi.openai.com/v1",  # a Cyrillic letter
        "file:///etc/passwd",
        "ftp://api.openai.com/v1",
        "api.openai.com/v1",
        "https://",
        "https://x:99999/v1",
        "",
    ],
)
@pytest.mark.parametrize("source", ["agent", "user"])
def test_url_that_two_readers_could_read_differently_is_refused(url: str, source: str) -> None:
    with pytest.raises(UsageProblem):
        endpoint("openai/gpt-4o", base_url=url, base_url_source=source)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4321/v1", "http://localhost:4321/v1", "http://[::1]:4321/v1"]
)
def test_agents_endpoint_on_this_machine_is_used_without_a_key(url: str) -> None:
    found = endpoint(
        "openai/gpt-4o",
        base_url=url,
        base_url_source="agent",
        agent_env={"OPENAI_API_KEY": "sk-in-the-agents-env"},
    )
    assert found.base_url == url
    assert found.api_key is None
    assert found.on_this_machine


def test_agents_endpoint_that_is_the_providers_own_gets_the_key() -> None:
    found = endpoint(
        "openai/gpt-4o", base_url="https://API.openai.com:443/v1/", base_url_source="agent"
    )
    assert found.api_key == KEY


def test_agents_endpoint_that_the_persons_variable_names_too_gets_the_key() -> None:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://gateway.example/v1"}
    url = "https://gateway.example/v2"
    found = endpoint("openai/gpt-4o", env=env, base_url=url, base_url_source="agent")
    assert (found.base_url, found.api_key) == (url, KEY)


def test_persons_endpoint_gets_the_key() -> None:
    url = "https://gateway.example/v1"
    found = endpoint("openai/gpt-4o", base_url=url, base_url_source="user")
    assert (found.base_url, found.api_key) == (url, KEY)
    found = endpoint("openai/gpt-4o", env={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url})
    assert (found.base_url, found.api_key) == (url, KEY)


def test_key_of_one_provider_is_not_used_for_another() -> None:
    with pytest.raises(ModelAuthProblem):
        endpoint("openrouter/openai/gpt-4o")
    assert endpoint("vllm/qwen").api_key is None


def test_custom_endpoint_needs_no_key() -> None:
    found = endpoint(
        "openai/qwen", env={}, base_url="http://gpu.lan:8000/v1", base_url_source="user"
    )
    assert found.api_key is None


def test_url_nobody_named_is_not_used() -> None:
    found = endpoint("openai/gpt-4o", base_url="https://evil.example/v1", base_url_source="default")
    assert found.base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "value, url",
    [
        ("127.0.0.1:11500", "http://127.0.0.1:11500"),
        ("box", "http://box:11434"),
        (":11500", "http://127.0.0.1:11500"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://box:1/", "http://box:1"),
        ("http://box:1/v1", "http://box:1"),
        ("https://box/ollama/", "https://box/ollama"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(value: str, url: str) -> None:
    assert endpoint("ollama/x", env={"OLLAMA_HOST": value}).base_url == url


def test_bare_origin_gets_the_path_its_provider_has() -> None:
    for handle, path in [("lmstudio/x", "/v1"), ("openrouter/x", "/api/v1")]:
        found = endpoint(handle, env={}, base_url="http://127.0.0.1:9/", base_url_source="user")
        assert found.base_url == f"http://127.0.0.1:9{path}"


def test_no_remote_refuses_every_model_that_is_not_here() -> None:
    env = {"OPENAI_API_KEY": KEY, "LETTAFS_NO_REMOTE": "1"}
    with pytest.raises(ModelUnreachable) as caught:
        endpoint("openai/gpt-4o", env=env)
    assert "LETTAFS_NO_REMOTE" in str(caught.value)
    with pytest.raises(ModelUnreachable):
        endpoint("ollama/x", env=env | {"OLLAMA_HOST": "box"})
    assert endpoint("ollama/x", env=env).on_this_machine
    assert endpoint("lettafs/offline", env=env).on_this_machine
    assert endpoint("openai/gpt-4o", env=env | {"LETTAFS_NO_REMOTE": "0"}).api_key == KEY


def test_loopback_is_told_by_spelling_alone() -> None:
    assert is_loopback("http://127.8.9.1/v1")
    assert is_loopback("http://LOCALHOST:1")
    assert not is_loopback("http://10.0.0.1")
    assert not is_loopback("no url")
