"""The composition root: the one place that reads the environment and picks what is concrete.

Everything below takes its clock, ids, model and endpoint as arguments; they are chosen here.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lettafs.context.prompts import base_instructions
from lettafs.disk import atomic
from lettafs.disk.git import Git, Person
from lettafs.disk.seal import load_key
from lettafs.disk.trust import Trust
from lettafs.errors import LettafsError, UsageProblem
from lettafs.format import layout
from lettafs.home.create import create_home, refuse_unless_free
from lettafs.home.home import Home, open_home
from lettafs.ids import new_uuid_id
from lettafs.index.place import IndexPlace
from lettafs.llm.base import LanguageModel
from lettafs.llm.catalog import BaseUrlSource, Handle, default_window, parse_handle, resolve
from lettafs.llm.providers import PROVIDERS
from lettafs.loop.run import Caller
from lettafs.sdk.agent import Agent
from lettafs.sdk.embedders import choose_embedder
from lettafs.sdk.env_file import read_env_file
from lettafs.sdk.user_config import UserConfig
from lettafs.values.agent import AgentSettings, AgentType
from lettafs.values.block import Block

__all__ = [
    "ModelChoice",
    "ProviderState",
    "QuickstartResult",
    "create_agent",
    "model_choices",
    "open_agent",
    "quickstart",
]

OFFLINE = "lettafs/offline"
NAMED_BY_AGENT = "named in agent.toml"
_INDEX_DIR = "LETTAFS_INDEX_DIR"
_MAX_SCRIPT_BYTES = 16 * 2**20
DEFAULT_OPENAI = "openai/gpt-4.1-mini"
"""The model of a person who has a key and named none: cheap, and reliable with tools."""
_AGENT_TYPES = ("letta_v1_agent", "memgpt_v2_agent", "memgpt_agent")
_PERSONA_ABOUT = "Who I am and how I behave."
_HUMAN_ABOUT = "What I know about the person I talk with: name, preferences, what matters to them."


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and why this one."""

    handle: str
    why: str
    """A clause: `OPENAI_API_KEY is set`."""
    base_url: str | None = None
    base_url_source: BaseUrlSource = "default"


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider can be used now."""

    provider: str
    usable: bool
    reason: str
    base_url: str
    models: tuple[str, ...]
    """Handles."""


@dataclass(frozen=True, slots=True)
class QuickstartResult:
    """What quickstart chose."""

    handle: str
    found: str
    """A sentence about what was found."""
    path: Path
    """Where the choice is kept."""


def open_agent(path: Path | str, *, model: str | None = None, base_url: str | None = None) -> Agent:
    """Return the agent in a directory; nothing is run, fetched or written.

    Args:
        path: the agent's directory.
        model: a handle that answers instead of the agent's own, for this object only.
        base_url: an endpoint the person names, for this object only.

    Raises:
        NotAnAgent: there is no agent directory there.
        FormatTooNew: it was written by a newer lettafs.
        UsageProblem: the model's handle makes no sense.
    """
    env = dict(os.environ)
    root = Path(path)
    home = open_home(
        root, indexes=_index_place(root, keys=root, env=env), allowed=_allowed(root, env)
    )
    return _agent(home, model=model, base_url=base_url, keys=root, env=env)


def _agent(
    home: Home, *, model: str | None, base_url: str | None, keys: Path, env: Mapping[str, str]
) -> Agent:
    """Return the agent of a home.

    Args:
        home: the agent's directory.
        model: a handle that answers instead of the agent's own.
        base_url: an endpoint the person names.
        keys: the directory whose `.env` may hold keys.
        env: the person's environment.
    """
    if model is not None:
        parse_handle(model)
    return Agent(
        home,
        caller=_caller(home.git, env),
        choose=lambda handle, url: _choose(handle, url, agent=home.settings().agent, env=env),
        load=lambda choice: _load(choice, agent=home.settings().agent, root=keys, env=env),
        model=model,
        base_url=base_url,
        reopen=open_agent,
        trust=Trust(_config_directory(env)),
        at=lambda checkpoint, wanted: _past(
            home, checkpoint, model=wanted[0], base_url=wanted[1], keys=keys, env=env
        ),
    )


@contextmanager
def _past(
    home: Home,
    checkpoint: str,
    *,
    model: str | None,
    base_url: str | None,
    keys: Path,
    env: Mapping[str, str],
) -> Iterator[Agent]:
    """Yield a copy of the agent as it was at a checkpoint, with its keys as they are now."""
    from lettafs.home.past import past_home  # late: a rare question

    # Its indexes lie in it and go with it, wherever those of other agents are kept.
    here = {name: value for name, value in env.items() if name != _INDEX_DIR}
    with past_home(home, checkpoint) as root:
        then = open_home(
            root,
            indexes=_index_place(root, keys=keys, env=here),
            allowed=_allowed(home.root, env),
        )
        agent = _agent(then, model=model, base_url=base_url, keys=keys, env=env)
        agent.in_background = False  # nothing may write there when it is taken away
        yield agent


def _allowed(root: Path, env: Mapping[str, str]) -> Callable[[str], bool]:
    """Return what says which folders outside an agent this user allowed it to read."""

    def allows(path: str) -> bool:
        return Trust(_config_directory(env)).allows(root, "folder", path)

    return allows


def _index_place(root: Path, *, keys: Path, env: Mapping[str, str]) -> IndexPlace:
    """Return where the indexes of a home lie: in it, or where LETTAFS_INDEX_DIR says."""
    directory = root / layout.INDEX
    elsewhere = env.get(_INDEX_DIR, "").strip()
    if elsewhere and not Path(elsewhere).is_absolute():
        raise UsageProblem(
            f"LETTAFS_INDEX_DIR is {elsewhere!r}, which is another directory wherever you stand: "
            "give it a path from the root on."
        )
    if elsewhere:
        try:
            status = root.stat()
        except OSError:  # there is no such agent, as opening it will say
            status = None
        if status is not None:
            # By the directory's own number, so that a copy of an agent gets indexes of its own.
            directory = Path(elsewhere, f"{status.st_dev:x}-{status.st_ino:x}")
    return IndexPlace(
        directory=directory,
        texts=directory / "text" if elsewhere else root / layout.TEXTS,
        key=functools.cache(lambda: load_key(_config_directory(env))),
        embedder=lambda handle: choose_embedder(handle, root=keys, env=env),
    )


def create_agent(
    path: Path | str,
    *,
    name: str | None = None,
    model: str | None = None,
    embedding: str | None = None,
    persona: str | None = None,
    human: str | None = None,
    system: str | None = None,
    agent_type: str = "letta_v1_agent",
    timezone: str | None = None,
) -> Agent:
    """Make an agent directory with its first commit, and return the agent.

    Args:
        path: a directory that does not exist yet, or is empty.
        name: what the agent is called; None: the directory's name.
        model: its handle; None: whatever is the user's default whenever it is talked to.
        embedding: handle of its embedder.
        persona: the value of its persona block.
        human: the value of its human block.
        system: its base instructions; None: those of its type.
        agent_type: `letta_v1_agent`, `memgpt_v2_agent` or `memgpt_agent`.
        timezone: IANA name; None: this machine's.

    Raises:
        UsageProblem: the place is taken, or an argument makes no sense.
        DiskProblem: the disk refused.
    """
    root = Path(path)
    refuse_unless_free(root)
    if agent_type not in _AGENT_TYPES:
        raise UsageProblem(
            f"{agent_type!r} is no agent type. There are: {', '.join(_AGENT_TYPES)}."
        )
    kind: AgentType = agent_type  # type: ignore[assignment]  # checked above
    if model is not None:
        parse_handle(model)
    if timezone is not None:
        _refuse_unless_known(timezone)
    called = name or root.resolve().name
    env = dict(os.environ)
    caller = _caller(Git(root), env)
    settings = AgentSettings(
        name=called,
        id=caller.new_id("agent"),
        type=kind,
        model=model,
        embedding=embedding,
        timezone=timezone or _local_timezone(env),
        created_at=caller.now().isoformat(timespec="seconds"),
    )
    if persona is None:
        persona = f"My name is {called}. I am a helpful assistant who remembers."
    create_home(
        root,
        settings,
        system=system if system is not None else base_instructions(kind),
        blocks=(
            Block("persona", persona, _PERSONA_ABOUT),
            Block("human", human or "", _HUMAN_ABOUT),
        ),
        now=caller.now,
        new_id=caller.new_id,
        person=caller.person,
        about=caller.about,
    )
    return open_agent(root)


def model_choices() -> list[ProviderState]:
    """Return, for each provider, whether it can be used now; local servers are asked."""
    import anyio  # late: only this listing waits for servers

    env = dict(os.environ)

    async def ask() -> list[ProviderState]:
        states: dict[str, ProviderState] = {}

        async def one(name: str) -> None:
            states[name] = await _state(name, env)

        names = [name for name in PROVIDERS if name != "scripted"]
        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(one, name)
        return [states[name] for name in names]

    return anyio.run(ask)


async def _state(name: str, env: Mapping[str, str]) -> ProviderState:
    from lettafs.llm.probe import probe  # late: loads the providers' packages

    provider = PROVIDERS[name]
    try:
        endpoint = resolve(Handle(provider, "any"), env=env)
    except LettafsError as error:
        variables = " or ".join(provider.key_env)
        reason = f"{variables} is not set" if provider.needs_key else str(error)
        return ProviderState(name, False, reason, provider.base_url, ())
    if provider.kind == "builtin":
        return ProviderState(name, True, "built in, needs nothing", "", (OFFLINE,))
    if endpoint.on_this_machine and not _listens(endpoint.base_url):
        return ProviderState(name, False, "nothing listens there", endpoint.base_url, ())
    found = await probe(endpoint, timeout_s=5.0)
    if found.reason is not None:
        return ProviderState(name, False, found.reason, endpoint.base_url, ())
    handles = tuple(f"{name}/{model}" for model in found.models)
    words = f"{endpoint.key_env} is set" if endpoint.api_key else "it answers"
    return ProviderState(name, True, words, endpoint.base_url, handles)


def quickstart(backend: str) -> QuickstartResult:
    """Choose the user's default model and keep it.

    Raises:
        UsageProblem: the backend is unknown, or its server is not there or has no model.
        DiskProblem: the choice cannot be written.
    """
    env = dict(os.environ)
    match backend:
        case "offline":
            handle, found = OFFLINE, "The offline stand-in is built in; it needs nothing."
        case "openai":
            handle = DEFAULT_OPENAI
            found = (
                "OPENAI_API_KEY is set."
                if env.get("OPENAI_API_KEY")
                else "OPENAI_API_KEY is not set yet: set it before you chat."
            )
        case "ollama" | "lmstudio":
            handle, found = _local_quickstart(backend, env)
        case _:
            raise UsageProblem(
                f"{backend!r} is no backend. There are: openai, ollama, lmstudio, offline."
            )
    config = UserConfig(_config_directory(env))
    config.set_default_model(handle)
    return QuickstartResult(handle, found, config.path)


def _local_quickstart(backend: str, env: Mapping[str, str]) -> tuple[str, str]:
    provider = PROVIDERS[backend]
    endpoint = resolve(Handle(provider, "any"), env=env)
    model, reason = _first_model(backend, env)
    if model is None:
        raise UsageProblem(
            f"No model of {provider.title} at {endpoint.base_url}: {reason}. {provider.start_hint}"
        )
    return f"{backend}/{model}", f"{provider.title} answers at {endpoint.base_url}."


def _first_model(backend: str, env: Mapping[str, str]) -> tuple[str | None, str]:
    """Return a model a local server has, or why there is none; waits two seconds at most."""
    from concurrent.futures import ThreadPoolExecutor

    import anyio

    from lettafs.llm.probe import probe

    endpoint = resolve(Handle(PROVIDERS[backend], "any"), env=env)
    if not _listens(endpoint.base_url):
        return None, "nothing listens there"
    # A thread of its own: the caller may be inside an event loop already.
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: anyio.run(lambda: probe(endpoint, timeout_s=2.0))).result()
    chat = [name for name in found.models if "embed" not in name and "minilm" not in name]
    if not chat:
        return None, (found.reason or "it has no chat model").rstrip(".")
    return chat[0], ""


def _listens(base_url: str) -> bool:
    """Tell whether something accepts connections at an address of this machine."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(base_url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=0.3):
            return True
    except OSError:
        return False


def _choose(
    handle: str | None, base_url: str | None, *, agent: AgentSettings, env: Mapping[str, str]
) -> ModelChoice:
    """Decide which model answers.

    Named by the person for this time, named by the agent, chosen by quickstart, a key, a server,
    and at last the offline stand-in.
    """
    source: BaseUrlSource = "user" if base_url is not None else "default"
    place = base_url
    if place is None and agent.base_url is not None and handle is None:
        place, source = agent.base_url, "agent"
    if handle is not None:
        return ModelChoice(handle, "named for this time", place, source)
    if agent.model is not None:
        return ModelChoice(agent.model, NAMED_BY_AGENT, place, source)
    chosen = UserConfig(_config_directory(env)).default_model()
    if chosen is not None:
        return ModelChoice(chosen, "your default, from quickstart", place, source)
    if env.get("OPENAI_API_KEY", "").strip():
        return ModelChoice(DEFAULT_OPENAI, "OPENAI_API_KEY is set", place, source)
    try:
        model, _ = _first_model("ollama", env)
    except LettafsError:
        model = None
    if model is not None:
        return ModelChoice(f"ollama/{model}", "Ollama runs on this machine", place, source)
    return ModelChoice(OFFLINE, "no model is chosen, no key is set and no Ollama runs here")


def _load(
    choice: ModelChoice, *, agent: AgentSettings, root: Path, env: Mapping[str, str]
) -> LanguageModel:
    """Return the model of a choice; its package loads with it.

    Raises:
        UsageProblem: the handle makes no sense, or a script cannot be read.
        ModelProblem: the key is missing, or the endpoint is not vouched for.
    """
    handle = parse_handle(choice.handle)
    window = agent.context_window
    match handle.provider.name:
        case "lettafs":
            from lettafs.llm.offline import OfflineModel

            if handle.model != "offline":
                raise UsageProblem(f"There is no {choice.handle}; the built-in one is {OFFLINE}.")
            return OfflineModel()
        case "scripted":
            from lettafs.llm.scripted import ScriptedModel

            if choice.why == NAMED_BY_AGENT:
                # Not the person's own words: a pipe or a device must not hang or fill us.
                atomic.read_bytes(Path(handle.model), max_bytes=_MAX_SCRIPT_BYTES)
            return ScriptedModel.from_file(
                Path(handle.model), context_window=window or default_window(handle)
            )
    endpoint = resolve(
        handle,
        env=env,
        agent_env=read_env_file(root),
        base_url=choice.base_url,
        base_url_source=choice.base_url_source,
    )
    if handle.provider.kind == "ollama":
        from lettafs.llm.ollama import OllamaModel

        return OllamaModel(handle, endpoint, context_window=window)
    from lettafs.llm.openai_chat import OpenAIChatModel

    return OpenAIChatModel(handle, endpoint, context_window=window)


def _caller(git: Git, env: Mapping[str, str]) -> Caller:
    @functools.cache
    def person() -> Person:
        try:
            return git.identity(env)
        except LettafsError:
            return Person("Owner", "owner@localhost")

    program = Path(sys.argv[0]).name if sys.argv else "python"
    # Of our own command the verb and the directory; another program's arguments are its own.
    ours = program in ("lettafs", "__main__.py")
    command = " ".join(["lettafs", *sys.argv[1:3]]) if ours else program
    return Caller(
        now=lambda: datetime.now().astimezone(),
        new_id=new_uuid_id,
        person=person,
        about={"cmd": command[:200]},
    )


def _config_directory(env: Mapping[str, str]) -> Path:
    named = env.get("LETTAFS_CONFIG_DIR")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("lettafs")


def _refuse_unless_known(timezone: str) -> None:
    from zoneinfo import available_timezones

    if timezone not in available_timezones():
        raise UsageProblem(f"{timezone!r} is no time zone. Write it as Europe/Berlin or UTC.")


def _local_timezone(env: Mapping[str, str]) -> str:
    """Return this machine's IANA time zone; UTC where it cannot be told."""
    from zoneinfo import available_timezones

    candidates = [env.get("TZ", "").lstrip(":")]
    try:
        target = os.path.realpath("/etc/localtime")
        candidates.append(target.partition("zoneinfo/")[2])
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    except OSError:
        pass
    known = available_timezones()
    return next((name for name in candidates if name in known), "UTC")
