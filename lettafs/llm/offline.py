"""`lettafs/offline`: the built-in stand-in for a language model. No weights, no network.

It sees only the request, as any model does, and answers by rules: it keeps facts it is told with
the ordinary memory tools, archives what it is to remember, searches and quotes with source and
date, opens attached files and quotes their lines, and says plainly what it is. The same request
gives the same reply. It never reasons, computes or claims to know the world.

The rules live in `_offline`: `hearing` sorts a message, `facts` finds facts, `plans` turns them
into edits, `search` reads what searches return, `replies` words it, `moves` decides. Of attached
files, `shelf` reads which there are, `file_asks` what is wanted of them, `file_calls` makes the
calls, `file_quotes` picks what answers, and `file_answers` words it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Sequence

from lettafs.errors import ContextOverflow
from lettafs.llm._offline.moves import Calls, Say, next_move
from lettafs.llm._offline.summary import extractive_summary, summary_reply
from lettafs.llm.base import FinishReason, ModelEvent, ModelReply, ModelRequest
from lettafs.values.event import TextDelta, ToolCallDelta
from lettafs.values.message import (
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.run import Usage

__all__ = ["OFFLINE_HANDLE", "OfflineModel", "extractive_summary"]

OFFLINE_HANDLE = "lettafs/offline"

_BYTES_PER_TOKEN = 4


class OfflineModel:
    """A `LanguageModel` made of rules."""

    def __init__(self, *, context_window: int = 32_000, delay_s: float = 0.0) -> None:
        """Make one.

        Args:
            context_window: tokens it accepts; a longer request is a `ContextOverflow`.
            delay_s: pause before each delta, for demonstrations.
        """
        self._context_window = context_window
        self._delay_s = delay_s

    @property
    def handle(self) -> str:
        """`lettafs/offline`."""
        return OFFLINE_HANDLE

    @property
    def context_window(self) -> int:
        """Tokens a request may have, estimated at four bytes each."""
        return self._context_window

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the reply word by word, then whole.

        Raises:
            ContextOverflow: the request is longer than the window.
        """
        prompt_tokens = _prompt_tokens(request)
        if prompt_tokens > self._context_window:
            raise ContextOverflow(
                f"the request is about {prompt_tokens} tokens, and {OFFLINE_HANDLE} takes "
                f"{self._context_window}; shorten the memory blocks or compact the conversation"
            )
        parts, finish_reason = _reply_parts(request)
        for delta in _deltas(parts, request.message_id):
            if self._delay_s > 0:
                import anyio  # late: only a demonstration waits

                await anyio.sleep(self._delay_s)
            yield delta
        usage = Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=sum(_part_tokens(part) for part in parts),
            step_count=1,
        )
        yield ModelReply(parts, finish_reason, usage)


def _reply_parts(request: ModelRequest) -> tuple[tuple[Part, ...], FinishReason]:
    match Say(summary_reply(request)) if request.purpose == "summary" else next_move(request):
        case Say(text=text):
            kept = _within(text, request.max_output_tokens)
            parts: tuple[Part, ...] = (TextPart(kept),) if kept else ()
            return parts, "stop" if kept == text else "length"
        case Calls(calls=calls):
            return tuple(
                _tool_call(request, index, name, json.dumps(arguments, ensure_ascii=False))
                for index, (name, arguments) in enumerate(calls)
            ), "tool_calls"


def _within(text: str, max_tokens: int | None) -> str:
    if max_tokens is None or _tokens(text) <= max_tokens:
        return text
    return text.encode()[: max(max_tokens, 0) * _BYTES_PER_TOKEN].decode(errors="ignore")


def _tool_call(request: ModelRequest, index: int, name: str, arguments: str) -> ToolCall:
    # Derived, not random: the same request gives the same ids, and two steps never share one.
    seed = "\0".join((request.message_id, str(len(request.messages)), str(index), name, arguments))
    return ToolCall(f"call-{hashlib.sha256(seed.encode()).hexdigest()[:24]}", name, arguments)


def _deltas(parts: Sequence[Part], message_id: str) -> list[TextDelta | ToolCallDelta]:
    deltas: list[TextDelta | ToolCallDelta] = []
    index = 0
    for part in parts:
        if isinstance(part, TextPart):
            deltas += [TextDelta(message_id, word) for word in _words(part.text)]
        elif isinstance(part, ToolCall):
            deltas.append(ToolCallDelta(message_id, index, part.id, part.name, ""))
            deltas += [
                ToolCallDelta(message_id, index, part.id, "", word)
                for word in _words(part.arguments)
            ]
            index += 1
    return deltas


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text)


def _prompt_tokens(request: ModelRequest) -> int:
    size = _size(request.system)
    for message in request.messages:
        size += sum(_part_size(part) for part in message.parts)
    for tool in request.tools:
        size += _size(tool.name) + _size(tool.description)
        size += _size(json.dumps(tool.parameters, ensure_ascii=False, default=str))
    return -(-size // _BYTES_PER_TOKEN)


def _part_size(part: Part) -> int:
    match part:
        case TextPart(text=text) | ReasoningPart(text=text):
            return _size(text)
        case ToolCall(name=name, arguments=arguments):
            return _size(name) + _size(arguments)
        case ToolReturn(text=text):
            return _size(text)
        case OpaquePart():
            # Never sent to a model.
            return 0


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _tokens(text: str) -> int:
    return -(-_size(text) // _BYTES_PER_TOKEN)


def _part_tokens(part: Part) -> int:
    return -(-_part_size(part) // _BYTES_PER_TOKEN)
