"""What can be used now: whether a provider answers, and which models it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from lettafs.errors import ModelProblem
from lettafs.llm import ollama, openai_chat
from lettafs.llm.catalog import Endpoint

__all__ = ["Probe", "probe"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What one provider said."""

    models: tuple[str, ...] = ()
    """Names as they stand behind the provider's in a handle; sorted."""
    reason: str | None = None
    """Why there is no list, in plain words; None when there is one."""


async def probe(endpoint: Endpoint, *, timeout_s: float = 3.0) -> Probe:
    """Ask an endpoint for its models; never raises a `ModelProblem`, it is the `reason`."""
    kind = endpoint.provider.kind
    try:
        match kind:
            case "builtin":
                return Probe(models=("offline",) if endpoint.provider.name == "lettafs" else ())
            case "ollama":
                return Probe(models=await ollama.list_models(endpoint, timeout_s=timeout_s))
            case "openai":
                return Probe(models=await openai_chat.list_models(endpoint, timeout_s=timeout_s))
            case _:
                assert_never(kind)
    except ModelProblem as problem:
        return Probe(reason=str(problem))
