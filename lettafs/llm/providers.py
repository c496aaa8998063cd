"""The providers lettafs knows, and how each differs from the plain protocol: data, no behaviour.

A provider is whoever answers to the first half of a handle. Most speak OpenAI's chat completions
with small deviations; those are fields here, so that `openai_chat` asks "does this one accept it?"
and never "is this Mistral?".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["ALIASES", "PROVIDERS", "Provider", "ProviderKind"]

ProviderKind = Literal["openai", "ollama", "builtin"]
"""Which protocol: OpenAI's chat completions, Ollama's own, or none at all."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: where it is, what opens it, and its deviations."""

    name: str
    title: str
    """Its name as people write it."""
    kind: ProviderKind = "openai"
    base_url: str = ""
    """Where it is when nobody says otherwise; empty for built-in ones."""
    base_url_env: tuple[str, ...] = ()
    """Environment variables that name another place; the first one set wins."""
    key_env: tuple[str, ...] = ()
    """Environment variables that hold its key; the first one set wins."""
    needs_key: bool = False
    local: bool = False
    """It runs on the person's own machine, with the window they could afford."""
    start_hint: str = ""
    """What to do when nothing answers: a sentence."""

    # Deviations of the request.
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    accepts_usage_option: bool = True
    """`stream_options.include_usage` is understood."""
    accepts_parallel_option: bool = True
    """`parallel_tool_calls` is understood."""
    accepts_required: bool = True
    """`tool_choice: "required"` is understood."""
    accepts_named_tool: bool = True
    """`tool_choice` may name one tool; otherwise only that tool is offered."""
    accepts_reasoning_effort: bool = False
    alternating_roles: bool = False
    """Its chat templates refuse two user messages in a row; neighbours are joined."""
    short_call_ids: bool = False
    """Tool call ids must be nine letters or digits."""
    returns_reasoning_as: str | None = None
    """Field in which it wants the reasoning of this turn's tool calls back."""

    # Deviations of the reply.
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Fields of a delta that hold thinking; the first one present is read."""


_ALL = (
    Provider(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        base_url_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_env=("OPENAI_API_KEY",),
        needs_key=True,
        max_tokens_name="max_completion_tokens",
        accepts_reasoning_effort=True,
    ),
    Provider(
        name="ollama",
        title="Ollama",
        kind="ollama",
        base_url="http://127.0.0.1:11434",
        base_url_env=("OLLAMA_BASE_URL", "OLLAMA_HOST"),
        key_env=("OLLAMA_API_KEY",),
        local=True,
        start_hint="Start it with `ollama serve`, or open the Ollama app.",
        # Ollama's own protocol has no tool_choice at all.
        accepts_required=False,
        accepts_named_tool=False,
        accepts_parallel_option=False,
    ),
    Provider(
        name="lmstudio",
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        base_url_env=("LMSTUDIO_BASE_URL",),
        key_env=("LMSTUDIO_API_KEY",),
        local=True,
        start_hint="Start its server: `lms server start`, or the Developer tab.",
        accepts_parallel_option=False,
        accepts_named_tool=False,
        alternating_roles=True,
    ),
    Provider(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        base_url_env=("VLLM_BASE_URL", "VLLM_API_BASE"),
        key_env=("VLLM_API_KEY",),
        local=True,
        start_hint="Start it with `vllm serve MODEL --enable-auto-tool-choice`.",
        # Mistral's templates, which vLLM serves, refuse other ids; nine characters suit everyone.
        short_call_ids=True,
        alternating_roles=True,
    ),
    Provider(
        name="llamacpp",
        title="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        base_url_env=("LLAMACPP_BASE_URL", "LLAMA_CPP_BASE_URL"),
        key_env=("LLAMACPP_API_KEY",),
        local=True,
        start_hint="Start it with `llama-server -m MODEL.gguf --jinja`.",
        accepts_named_tool=False,
        alternating_roles=True,
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        base_url_env=("OPENROUTER_BASE_URL",),
        key_env=("OPENROUTER_API_KEY",),
        needs_key=True,
        accepts_reasoning_effort=True,
        reasoning_fields=("reasoning", "reasoning_content"),
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        base_url="https://api.anthropic.com/v1",
        base_url_env=("ANTHROPIC_BASE_URL",),
        key_env=("ANTHROPIC_API_KEY",),
        needs_key=True,
    ),
    Provider(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        base_url_env=("GROQ_BASE_URL",),
        key_env=("GROQ_API_KEY",),
        needs_key=True,
        max_tokens_name="max_completion_tokens",
        accepts_reasoning_effort=True,
        reasoning_fields=("reasoning", "reasoning_content"),
    ),
    Provider(
        name="together",
        title="Together",
        base_url="https://api.together.xyz/v1",
        base_url_env=("TOGETHER_BASE_URL",),
        key_env=("TOGETHER_API_KEY",),
        needs_key=True,
        accepts_parallel_option=False,
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        base_url_env=("DEEPSEEK_BASE_URL",),
        key_env=("DEEPSEEK_API_KEY",),
        needs_key=True,
        accepts_parallel_option=False,
        returns_reasoning_as="reasoning_content",
    ),
    Provider(
        name="xai",
        title="xAI",
        base_url="https://api.x.ai/v1",
        base_url_env=("XAI_BASE_URL",),
        key_env=("XAI_API_KEY",),
        needs_key=True,
        accepts_reasoning_effort=True,
    ),
    Provider(
        name="mistral",
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        base_url_env=("MISTRAL_BASE_URL",),
        key_env=("MISTRAL_API_KEY",),
        needs_key=True,
        # It sends usage unasked, and refuses fields it does not know.
        accepts_usage_option=False,
        alternating_roles=True,
        short_call_ids=True,
    ),
    Provider(
        name="gemini",
        title="Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        base_url_env=("GEMINI_BASE_URL",),
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        needs_key=True,
        accepts_parallel_option=False,
        accepts_reasoning_effort=True,
    ),
    Provider(name="lettafs", title="the built-in offline model", kind="builtin"),
    Provider(name="scripted", title="a scripted model", kind="builtin"),
)

PROVIDERS: Mapping[str, Provider] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every provider by its name, in the order `lettafs models` shows them."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        # The names agent files of other programs use.
        "google": "gemini",
        "google_ai": "gemini",
        "lm-studio": "lmstudio",
        "lm_studio": "lmstudio",
        "lmstudio_openai": "lmstudio",
        "llama-cpp": "llamacpp",
        "llama.cpp": "llamacpp",
        "mistralai": "mistral",
        "x-ai": "xai",
    }
)
"""Other spellings of a provider's name."""
