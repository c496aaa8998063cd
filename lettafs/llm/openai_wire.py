"""The JSON of OpenAI's chat completions: a request out, the chunks of a stream in.

Nothing here knows a connection. Reading is forgiving, because a dozen servers speak this protocol
from hearsay: a field of another type than expected is taken as absent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lettafs.llm.base import FinishReason, ModelRequest
from lettafs.llm.call_stream import CallFragment, arguments_object
from lettafs.llm.providers import Provider
from lettafs.llm.reply import ReplyBuilder
from lettafs.values.event import Delta
from lettafs.values.message import Message, ReasoningPart
from lettafs.values.run import Usage
from lettafs.values.tool import ToolSpec

__all__ = ["ChunkReader", "error_in", "request_body"]

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "refusal": "content_filter",
}
_BROKEN = ("error", "abort", "network_error", "insufficient_system_resource")
"""Reasons by which servers say, inside a proper stream, that the reply is not whole."""


def request_body(request: ModelRequest, *, model: str, provider: Provider) -> dict[str, Any]:
    """Return the arguments of a streaming chat completion; same request, same bytes."""
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request, provider=provider),
        "stream": True,
    }
    if provider.accepts_usage_option:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        body[provider.max_tokens_name] = request.max_output_tokens
    if request.reasoning_effort is not None and provider.accepts_reasoning_effort:
        body["reasoning_effort"] = request.reasoning_effort
    return body | _tools(request, provider=provider)


def error_in(body: object) -> tuple[str, str, int] | None:
    """Return message, code and status of an error body, or None if it is not one."""
    if isinstance(body, list) and body:
        body = body[0]  # Gemini wraps its errors in a list
    if not isinstance(body, dict):
        return None
    error = body.get("error") or (body if body.get("object") == "error" else None)
    if isinstance(error, str):
        return error, _text(body.get("code")), 0
    if not isinstance(error, dict):
        # FastAPI servers: {"detail": "..."}; others: {"message": "..."}
        words = body.get("detail") or body.get("message")
        if not words or "choices" in body:
            return None
        return _text(words) or json.dumps(words), _text(body.get("code")), 0
    code = error.get("code")
    status = code if isinstance(code, int) and 100 <= code <= 599 else 0
    # OpenRouter and Gemini put what the upstream said beside their own message.
    extra = "".join(
        f" {json.dumps(value) if not isinstance(value, str) else value}"
        for value in (error.get("metadata"), error.get("details"))
        if value
    )
    names = " ".join(filter(None, (_text(code), _text(error.get("type")))))
    return f"{_text(error.get('message'))}{extra}", names, status


class ChunkReader:
    """Reads the chunks of one reply into a builder."""

    def __init__(self, builder: ReplyBuilder, *, provider: Provider) -> None:
        self._builder = builder
        self._provider = provider
        self.finish_reason: FinishReason | None = None
        """Set once the server said why it stopped; then the reply is whole."""
        self.broken: str | None = None
        """Set when the server said that the reply is not whole."""
        self.usage = Usage(step_count=1)

    def feed(self, chunk: object) -> list[Delta]:
        """Take one chunk as parsed, and return its deltas."""
        if not isinstance(chunk, dict):
            return []
        self._usage(chunk)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return []
        choice = choices[0]
        # `message` where a server streams a reply in a single piece.
        delta = choice.get("delta") or choice.get("message")
        deltas = self._delta(delta) if isinstance(delta, dict) else []
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            if reason in _BROKEN:
                self.broken = reason
            else:
                self.finish_reason = _FINISH.get(reason.lower(), "stop")
        return deltas

    def _delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        deltas: list[Delta] = []
        for field in self._provider.reasoning_fields:
            thinking = delta.get(field)
            if isinstance(thinking, str) and thinking:
                deltas += self._builder.reasoning(thinking)
                break
        for field in ("content", "refusal"):
            deltas += self._content(delta.get(field))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            deltas += self._call(call)
        if isinstance(delta.get("function_call"), dict):
            deltas += self._call({"index": 0, "function": delta["function_call"]})
        return deltas

    def _content(self, content: object) -> list[Delta]:
        """Read text; Mistral's thinking models send a list of typed pieces instead."""
        if isinstance(content, str):
            return self._builder.text(content) if content else []
        deltas: list[Delta] = []
        for piece in content if isinstance(content, list) else ():
            if not isinstance(piece, dict):
                continue
            if isinstance(piece.get("text"), str):
                deltas += self._builder.text(piece["text"])
            thinking = piece.get("thinking")
            for thought in thinking if isinstance(thinking, list) else [{"text": thinking}]:
                if isinstance(thought, dict) and isinstance(thought.get("text"), str):
                    deltas += self._builder.reasoning(thought["text"])
        return deltas

    def _call(self, call: object) -> list[Delta]:
        if not isinstance(call, dict):
            return []
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        index, arguments = call.get("index"), function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        return self._builder.call(
            CallFragment(
                index=index if isinstance(index, int) else None,
                id=_text(call.get("id")),
                name=_text(function.get("name")).strip(),
                arguments=arguments if isinstance(arguments, str) else "",
            )
        )

    def _usage(self, chunk: Mapping[str, Any]) -> None:
        usage = chunk.get("usage")
        if not isinstance(usage, dict):
            groq = chunk.get("x_groq")
            usage = groq.get("usage") if isinstance(groq, dict) else None
        if not isinstance(usage, dict):
            return
        cached = _count(usage, "prompt_tokens_details", "cached_tokens")
        self.usage = Usage(
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
            cached_input_tokens=cached or _count(usage, "prompt_cache_hit_tokens"),
            reasoning_tokens=_count(usage, "completion_tokens_details", "reasoning_tokens"),
            step_count=1,
        )


def _messages(request: ModelRequest, *, provider: Provider) -> list[dict[str, Any]]:
    """Return the conversation; a message with nothing to send is left out."""
    rows: list[dict[str, Any]] = []
    if request.system:
        rows.append({"role": "system", "content": request.system})
    last_user = max(
        (at for at, message in enumerate(request.messages) if message.role == "user"), default=-1
    )
    for at, message in enumerate(request.messages):
        if message.partial:
            continue
        match message.role:
            case "assistant":
                rows += _assistant(message, provider=provider, this_turn=at > last_user)
            case "tool":
                rows += _returns(message, provider=provider)
            case "user" | "system":
                # Only the first message may be a system one; most chat templates refuse others.
                if message.text:
                    rows.append({"role": "user", "content": message.text})
    return _joined(rows) if provider.alternating_roles else rows


def _assistant(
    message: Message, *, provider: Provider, this_turn: bool
) -> Iterable[dict[str, Any]]:
    calls = [
        {
            "id": _call_id(call.id, provider=provider),
            "type": "function",
            "function": {"name": call.name, "arguments": _arguments(call.arguments)},
        }
        for call in message.tool_calls
    ]
    if not calls and not message.text:
        return []
    row: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if calls:
        row["tool_calls"] = calls
    if calls and this_turn and provider.returns_reasoning_as is not None:
        thinking = "".join(part.text for part in message.parts if isinstance(part, ReasoningPart))
        if thinking:
            row[provider.returns_reasoning_as] = thinking
    return [row]


def _returns(message: Message, *, provider: Provider) -> Iterable[dict[str, Any]]:
    return [
        {
            "role": "tool",
            "tool_call_id": _call_id(part.call_id, provider=provider),
            "content": part.text,
        }
        for part in message.tool_returns
    ]


def _joined(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with neighbouring user messages made one."""
    joined: list[dict[str, Any]] = []
    for row in rows:
        if joined and row["role"] == "user" == joined[-1]["role"]:
            joined[-1] = {**row, "content": f"{joined[-1]['content']}\n\n{row['content']}"}
        else:
            joined.append(row)
    return joined


def _arguments(text: str) -> str:
    """Return arguments as they were, or wrapped when they are not an object."""
    value = arguments_object(text)
    return json.dumps(value, ensure_ascii=False) if "_unparsed" in value else text


def _call_id(call_id: str, *, provider: Provider) -> str:
    """Return the id in the form this provider takes; the same id always gives the same."""
    if not provider.short_call_ids or (
        len(call_id) == 9 and call_id.isascii() and call_id.isalnum()
    ):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _tools(request: ModelRequest, *, provider: Provider) -> dict[str, Any]:
    """Return the fields about tools; none at all when there are no tools."""
    tools, choice = request.tools, request.tool_choice
    forced = request.forced_tool if choice == "required" else None
    if forced is not None and not provider.accepts_named_tool:
        tools = tuple(tool for tool in tools if tool.name == forced)
    if not tools:
        return {}
    body: dict[str, Any] = {"tools": [_tool(tool) for tool in tools]}
    if forced is not None and provider.accepts_named_tool:
        body["tool_choice"] = {"type": "function", "function": {"name": forced}}
    elif choice == "none" or (choice == "required" and provider.accepts_required):
        body["tool_choice"] = choice
    if not request.parallel_tool_calls and provider.accepts_parallel_option:
        body["parallel_tool_calls"] = False
    return body


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }


def _text(value: object) -> str:
    """Return a string or number as text, and everything else as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _count(usage: Mapping[str, Any], *path: str) -> int:
    value: object = usage
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, int) and value > 0 else 0
