"""From a handle to an endpoint: which provider, where, with which key, how large a window.

Everything here is pure: the environment comes in as a mapping, nothing is contacted. The one rule
that matters for safety lives in `resolve`: **an endpoint that only an agent's own file names never
receives a key, and is not used at all unless it is on this machine.** An agent directory may come
from anybody; a key, and what a person says to their agent, may not go to anybody.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from lettafs.errors import ModelAuthProblem, ModelUnreachable, UsageProblem
from lettafs.llm.providers import ALIASES, PROVIDERS, Provider

__all__ = [
    "KNOWN_WINDOWS",
    "LOCAL_WINDOW",
    "NO_REMOTE",
    "REMOTE_WINDOW",
    "BaseUrlSource",
    "Endpoint",
    "Handle",
    "default_window",
    "is_loopback",
    "parse_handle",
    "resolve",
]

BaseUrlSource = Literal["user", "agent", "default"]
"""Who named the endpoint: the person (command line, their own configuration), the agent's file, or
nobody."""

NO_REMOTE = "LETTAFS_NO_REMOTE"
"""With this variable set (to anything but `0`) only models on this machine are used."""

LOCAL_WINDOW = 8_192
"""Tokens for a local model nobody gave a window: what fits beside a 7B model in 8 GB. Ollama is
told to serve exactly this; other local servers are started with a window we cannot see."""

REMOTE_WINDOW = 32_768
"""Tokens for a remote model the table below does not know; hosted models have had more for long."""

KNOWN_WINDOWS: Mapping[str, int] = MappingProxyType(
    {
        "chatgpt-4o": 128_000,
        "claude-": 200_000,
        "codestral": 32_000,
        "command-a": 256_000,
        "command-r": 128_000,
        "deepseek-": 64_000,
        "gemini-": 1_000_000,
        "gemini-1.0": 30_000,
        "gemma-3": 128_000,
        "gpt-3.5": 16_000,
        "gpt-4": 8_192,
        "gpt-4-turbo": 128_000,
        "gpt-4.1": 1_000_000,
        "gpt-4.5": 128_000,
        "gpt-4o": 128_000,
        "gpt-5": 272_000,
        "gpt-oss": 128_000,
        "grok-": 131_072,
        "kimi-k2": 128_000,
        "llama-3.1": 128_000,
        "llama-3.2": 128_000,
        "llama-3.3": 128_000,
        "llama-4": 128_000,
        "llama3-": 8_192,
        "meta-llama-3.1": 128_000,
        "ministral": 128_000,
        "mistral-large": 128_000,
        "mistral-medium": 128_000,
        "mistral-small": 32_000,
        "o1": 200_000,
        "o1-mini": 128_000,
        "o1-preview": 128_000,
        "o3": 200_000,
        "o4": 200_000,
        "qwen2.5": 32_000,
        "qwen3": 32_000,
        "qwq": 32_000,
    }
)
"""Tokens by the beginning of a model's name, the longest match wins; the smaller figure where
versions differ. Only for hosted models: a local one is served with what its owner chose."""

_BARE = (
    (re.compile(r"gpt-(?!oss)|chatgpt-|o[134](-|$)"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"gemini-"), "gemini"),
    (re.compile(r"grok-"), "xai"),
    (re.compile(r"deepseek-(chat|reasoner)$"), "deepseek"),
)
# Deliberately narrower than any URL grammar: no user part, no query, no backslash, ASCII only, so
# that no two parsers can disagree about the host.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~%!$&'()*+,;=:-]*)*)"
)
_KEY = re.compile(r"[\x21-\x7e]+")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Handle:
    """A model's name as people write it, taken apart."""

    provider: Provider
    model: str
    """The provider's own name for it; for `scripted` the path of the script."""

    def __str__(self) -> str:
        """Return `provider/model`; `scripted:FILE` for a script."""
        mark = ":" if self.provider.name == "scripted" else "/"
        return f"{self.provider.name}{mark}{self.model}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is, and what opens it."""

    provider: Provider
    base_url: str
    """Without a slash at its end; empty for a built-in model."""
    api_key: str | None = field(default=None, repr=False)
    """Kept out of `repr`, so that no log or traceback shows it."""
    key_env: str | None = None
    """The variable the key came from, or would come from."""

    @property
    def on_this_machine(self) -> bool:
        """True when the host is a loopback address, or there is no host."""
        return not self.base_url or is_loopback(self.base_url)


def parse_handle(text: str) -> Handle:
    """Return the handle, from `provider/name`, `scripted:FILE`, or a bare name only one has.

    Raises:
        UsageProblem: the provider is unknown, or there is no model name.
    """
    text = text.strip()
    if text.startswith("scripted:"):
        return _handle("scripted", text.removeprefix("scripted:"), text)
    name, slash, model = text.partition("/")
    if slash:
        return _handle(name, model, text)
    if text == "offline":
        return _handle("lettafs", text, text)
    for pattern, provider in _BARE:
        if pattern.match(text):
            return _handle(provider, text, text)
    # `llama3.1:8b`: nobody but Ollama writes tags.
    if re.fullmatch(r"[A-Za-z0-9._-]+:[A-Za-z0-9._-]+", text):
        return _handle("ollama", text, text)
    raise UsageProblem(
        f"Which provider has the model {text!r}? Write provider/name, for example"
        f" openai/gpt-4.1 or ollama/llama3.1:8b. Known providers: {_known()}."
    )


def default_window(handle: Handle) -> int:
    """Return the context window to assume, in tokens, when nobody gave one."""
    if handle.provider.local or handle.provider.kind == "builtin":
        return LOCAL_WINDOW if handle.provider.local else REMOTE_WINDOW
    # OpenRouter and Together put the maker in front: `anthropic/claude-sonnet-4`.
    name = handle.model.rpartition("/")[2].lower()
    matches = [prefix for prefix in KNOWN_WINDOWS if name.startswith(prefix)]
    return KNOWN_WINDOWS[max(matches, key=len)] if matches else REMOTE_WINDOW


def resolve(
    handle: Handle,
    *,
    env: Mapping[str, str],
    agent_env: Mapping[str, str] = _NOTHING,
    base_url: str | None = None,
    base_url_source: BaseUrlSource = "default",
    instead: str = "try without any key: --model lettafs/offline",
) -> Endpoint:
    """Return where this model is and the key to use there; nothing is contacted.

    With no `base_url` (or the source `default`, which ignores it) the provider's variable in `env`
    says where, else the catalogue. A person who names an endpoint, by argument or by variable,
    vouches for it. One that only the agent's file names gets the key when it is the provider's own
    or the one the variable names, is used without a key when it is on this machine, and is
    refused otherwise.

    `env` is the person's environment. `agent_env` is what the agent's own `.env` says: it is asked
    for keys, after `env`, and for nothing else, since a directory from elsewhere may bring one.
    `instead` is the advice to a person without the key, beside setting it.

    Raises:
        UsageProblem: the URL is not one.
        ModelAuthProblem: the key is missing, or the agent's endpoint is not vouched for.
        ModelUnreachable: the endpoint is elsewhere, and `LETTAFS_NO_REMOTE` is set.
    """
    provider = handle.provider
    if provider.kind == "builtin":
        return Endpoint(provider=provider, base_url="")
    own = _clean_url(provider.base_url, provider=provider, origin="the catalogue")
    variable = next((name for name in provider.base_url_env if env.get(name, "").strip()), None)
    named = own
    if variable is not None:
        named = _clean_url(env[variable], provider=provider, origin=variable)
    vouched = True
    place = named
    if base_url is not None and base_url_source != "default":
        origin = "base_url in agent.toml" if base_url_source == "agent" else "the base URL"
        place = _clean_url(base_url, provider=provider, origin=origin)
        vouched = base_url_source == "user" or _origin(place) in {_origin(own), _origin(named)}
    if not vouched and not is_loopback(place):
        raise ModelAuthProblem(_not_vouched(place, provider=provider))
    if _is_set(env, NO_REMOTE) and not is_loopback(place):
        raise ModelUnreachable(
            f"{NO_REMOTE} is set, so {place} is not used. Choose a model on this machine"
            " (ollama/..., lmstudio/..., lettafs/offline), or unset it."
        )
    key_env, key = _key(provider, env=env) if vouched else (None, None)
    if vouched and key is None:
        key_env, key = _key(provider, env=agent_env)
    if key is None and provider.needs_key and _origin(place) == _origin(own):
        raise ModelAuthProblem(_no_key(handle, instead=instead))
    wanted = key_env or next(iter(provider.key_env), None)
    return Endpoint(provider=provider, base_url=place, api_key=key, key_env=wanted)


def is_loopback(base_url: str) -> bool:
    """Tell whether a URL's host is this machine by its spelling alone (no name is looked up)."""
    match = _URL.fullmatch(base_url)
    if match is None:
        return False
    host = match["host"].strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _handle(name: str, model: str, text: str) -> Handle:
    provider = PROVIDERS.get(ALIASES.get(name.lower(), name.lower()))
    if provider is None:
        raise UsageProblem(
            f"Unknown provider {name!r} in the model {text!r}. Known providers: {_known()}. Any"
            " other OpenAI-compatible server: use openai/NAME with a base URL."
        )
    if not model.strip():
        raise UsageProblem(f"The model {text!r} names a provider but no model: {name}/NAME.")
    return Handle(provider=provider, model=model.strip())


def _known() -> str:
    return ", ".join(PROVIDERS)


def _clean_url(text: str, *, provider: Provider, origin: str) -> str:
    """Return the URL in one form: scheme, host, no final slash, the provider's path if it had none.

    Ollama's own variable holds `host`, `host:port` or `:port`, and `0.0.0.0` where the server
    listens everywhere: all of these are read.
    """
    url = text.strip()
    if provider.kind == "ollama" and "://" not in url:
        host, colon, port = url.rstrip("/").rpartition(":")
        if not colon or not port.isdigit():
            host, port = url.rstrip("/"), "11434"
        url = f"http://{host or '127.0.0.1'}:{port}"
    match = _URL.fullmatch(url)
    if match is None or int(match["port"] or 1) > 65535:
        raise UsageProblem(
            f"{origin} is not a usable URL: {text!r}. It must look like http://HOST:PORT/v1,"
            " without user name, password, query or spaces."
        )
    host = "127.0.0.1" if match["host"] == "0.0.0.0" else match["host"].lower()
    port = f":{match['port']}" if match["port"] else ""
    path = match["path"].rstrip("/")
    if provider.kind == "ollama":
        # The /v1 of its OpenAI-compatible door is often copied along; we use the native one.
        path = path.removesuffix("/v1").removesuffix("/api")
    elif not path:
        standard = _URL.fullmatch(provider.base_url)
        path = standard["path"] if standard is not None else ""
    return f"{match['scheme']}://{host}{port}{path}"


def _origin(url: str) -> tuple[str, str, int]:
    match = _URL.fullmatch(url)
    assert match is not None, url  # only cleaned URLs come here
    port = int(match["port"] or (443 if match["scheme"] == "https" else 80))
    return match["scheme"], match["host"].lower(), port


def _is_set(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").strip() not in {"", "0"}


def _key(provider: Provider, *, env: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the variable and the key in it, or two Nones."""
    for name in provider.key_env:
        key = env.get(name, "").strip()
        if not key:
            continue
        # An HTTP library that refuses such a header would print it, key and all.
        if _KEY.fullmatch(key) is None:
            raise ModelAuthProblem(
                f"{name} holds a space, a line break or a letter outside ASCII, so it cannot be"
                " a key. Set it again."
            )
        return name, key
    return None, None


def _no_key(handle: Handle, *, instead: str) -> str:
    provider = handle.provider
    return (
        f"No key for {provider.title}: {handle} needs {' or '.join(provider.key_env)}. Set it in"
        f" the environment or in the agent's .env file, or {instead}."
    )


def _not_vouched(place: str, *, provider: Provider) -> str:
    variable = next(iter(provider.base_url_env), None)
    or_variable = f" or set {variable}={place}" if variable else ""
    return (
        f"agent.toml sends this agent's conversation to {place}, which is neither"
        f" {provider.title}'s own address nor on this machine. If you trust it, pass"
        f" --base-url {place}{or_variable}; otherwise remove base_url from agent.toml."
    )
