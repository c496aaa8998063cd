"""A compiled prompt in words: what goes to the model, readable and complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lettafs.cli.clean import clean
from lettafs.cli.line import Line
from lettafs.cli.options import columns
from lettafs.cli.words import when
from lettafs.context.request import counted_exactly
from lettafs.sdk.agent import Prompt
from lettafs.values.message import (
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)

__all__ = ["message_lines", "prompt_json", "prompt_lines", "token_lines"]


def token_lines(prompt: Prompt) -> Iterator[Line]:
    """Yield a table: tokens by section, their sum, and the model's window; then how it was counted.

    The figures are exact where the model's encoding is known.
    """
    prompt = counted_exactly(prompt)
    rows = [(clean(section.name), f"{section.tokens:,}") for section in prompt.sections]
    total = (f"of {prompt.context_window:,}", f"{prompt.total_tokens:,}")
    for line in columns([("section", "tokens"), *rows, total], right=(1,)):
        yield Line(line, "dim")
    tools = "; tools estimated" if prompt.tools and prompt.counted.startswith("exact") else ""
    yield Line(f"tokens: {prompt.counted}{tools}", "dim")


def prompt_lines(prompt: Prompt) -> Iterator[Line]:
    """Yield the system text, the messages and the tools, each under a heading."""
    yield Line("── system ──", "bold")
    yield Line(clean(prompt.system))
    for message in prompt.messages:
        yield Line("")
        yield from message_lines(message)
    if prompt.tools:
        yield Line("")
        yield Line("── tools ──", "bold")
    for tool in prompt.tools:
        yield Line(f"{clean(tool.name)}: {clean(tool.description)}")
        yield Line(f"  {clean(json.dumps(tool.parameters, ensure_ascii=False))}", "dim")


def message_lines(message: Message) -> Iterator[Line]:
    """Yield one message: who and when, then its parts."""
    kind = "" if message.kind == "message" else f" ({message.kind})"
    yield Line(f"── {message.role}{kind}, {when(message.created_at)} ──", "bold")
    for part in message.parts:
        match part:
            case TextPart(text):
                yield Line(clean(text))
            case ReasoningPart(text):
                yield Line(f"(reasoning) {clean(text)}", "dim")
            case ToolCall(_, name, arguments):
                yield Line(f"calls {clean(name)} {clean(arguments)}")
            case ToolReturn(_, name, status, text):
                failed = " failed" if status == "error" else " gave"
                yield Line(f"{clean(name)}{failed}: {clean(text)}")
            case OpaquePart():  # never sent
                pass


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    """Return the whole prompt for `--json`, with exact figures where there are any."""
    prompt = counted_exactly(prompt)
    return {
        "system": prompt.system,
        "messages": [_message_json(message) for message in prompt.messages],
        "tools": prompt.tools,
        "sections": prompt.sections,
        "total_tokens": prompt.total_tokens,
        "counted": prompt.counted,
        "context_window": prompt.context_window,
    }


def _message_json(message: Message) -> dict[str, Any]:
    """Return a message with its parts as `docs/format.md` spells them."""
    return {
        "id": message.id,
        "role": message.role,
        "kind": message.kind,
        "created_at": message.created_at,
        "parts": [_part_json(part) for part in message.parts],
    }


def _part_json(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ReasoningPart(text):
            return {"type": "reasoning", "text": text}
        case ToolCall(call_id, name, arguments):
            return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
        case ToolReturn(call_id, name, status, text):
            named = {"type": "tool_return", "call_id": call_id, "name": name}
            return {**named, "status": status, "text": text}
        case OpaquePart(data):
            return dict(data)
