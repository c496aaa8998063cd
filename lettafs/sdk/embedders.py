"""From an embedding handle to an embedder; nothing is contacted or loaded until it is used."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.errors import UsageProblem
from lettafs.index.place import NO_EMBEDDER
from lettafs.llm.catalog import Handle, parse_handle, resolve
from lettafs.sdk.env_file import read_env_file

if TYPE_CHECKING:
    from lettafs.embed.base import Embedder

__all__ = ["BUILT_IN", "choose_embedder"]

BUILT_IN = "lettafs/minilm"
"""The default: it ships with the package and needs no network."""


def choose_embedder(handle: str | None, *, root: Path, env: Mapping[str, str]) -> Embedder | None:
    """Return the embedder of a handle; None: the agent wants words only.

    Args:
        handle: as `embedding` in agent.toml has it; None: the built-in one.
        root: the agent's directory, whose `.env` may hold a key.
        env: the person's environment.

    Raises:
        UsageProblem: the handle makes no sense, or its provider has no embedders.
        ModelProblem: its key is missing.
    """
    wanted = (handle or BUILT_IN).strip()
    if wanted == NO_EMBEDDER:
        return None
    if wanted == BUILT_IN:
        from lettafs.embed.minilm import MiniLM  # late: search alone needs it, and numpy with it

        return MiniLM()
    parsed = _parsed(wanted)
    endpoint = resolve(
        parsed,
        env=env,
        agent_env=read_env_file(root),
        instead=f'use the built-in one: embedding = "{BUILT_IN}"',
    )
    if parsed.provider.kind == "ollama":
        from lettafs.embed.ollama import OllamaEmbedder

        return OllamaEmbedder(str(parsed), endpoint.base_url, api_key=endpoint.api_key)
    from lettafs.embed.openai import OpenAIEmbedder

    return OpenAIEmbedder(str(parsed), endpoint.base_url, api_key=endpoint.api_key)


def _parsed(wanted: str) -> Handle:
    # What a model's handle may be, and the advice that goes with it, is beside the point here.
    with suppress(UsageProblem):
        parsed = parse_handle(wanted)
        if parsed.provider.kind != "builtin":
            return parsed
    raise UsageProblem(
        f"{wanted!r} is no embedder. There are {BUILT_IN}, {NO_EMBEDDER} (words only), and "
        "provider/model handles such as openai/text-embedding-3-small or ollama/nomic-embed-text."
    )
