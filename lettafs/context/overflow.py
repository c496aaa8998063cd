"""A prompt that cannot fit: the part of it that is not conversation is longer than the window."""

from __future__ import annotations

from lettafs.context.request import Prompt
from lettafs.context.tokens import exact_for

__all__ = ["largest_parts", "system_overflow"]

_NAMED = 3
_YARDSTICK = "openai/gpt-4o"
"""A model whose encoding is known, and finds fewer tokens in a text than most."""
_SURE_SHARE = 0.9
"""Of that count, what any model finds."""


def system_overflow(prompt: Prompt) -> str | None:
    """Return what to do about a system text that leaves nothing of the window; None: it fits.

    A request that certainly cannot work is not sent: some servers cut it silently, and the agent
    would answer without its memory.
    """
    if prompt.fixed_tokens < prompt.context_window or _may_fit(prompt):
        return None
    return (
        f"The system prompt alone is about {prompt.fixed_tokens:,} tokens, and the window of the "
        f"model is {prompt.context_window:,}. Your message is kept. Shorten the memory blocks, or "
        f"use a model with a larger window. {largest_parts(prompt)}"
    )


def _may_fit(prompt: Prompt) -> bool:
    """Tell whether the system prompt may fit all the same: an estimate can be far too high."""
    if prompt.counter.encoding is not None:
        return False
    exact = exact_for(_YARDSTICK)
    if exact is None:
        return True
    tokens = exact.system(prompt.system) + exact.tools(prompt.tools)
    return tokens * _SURE_SHARE < prompt.context_window


def largest_parts(prompt: Prompt) -> str:
    """Return a sentence that names what is largest of the system prompt, with sizes."""
    sizes = {f"the block {label}": len(block.value) for label, block in prompt.seen.items()}
    texts = {section.name: len(section.text) for section in prompt.sections}
    sizes["the instructions in system.md"] = texts.get("instructions", 0)
    sizes["the descriptions of the tools"] = texts.get("tools", 0)
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_NAMED]
    named = ", ".join(f"{name} ({size:,} characters)" for name, size in largest)
    return f"Largest: {named}."
