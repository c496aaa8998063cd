r"""A model that plays replies from a script: for tests, tutorials and replay.

A script is JSON lines. A blank line, and one that begins with `#`, is skipped; every other line is
the answer to one call, an object with any of these fields:

- `reasoning`, `text`: what is said, in this order.
- `tool_calls`: `[{"name", "arguments", "id"?}]`; arguments are an object, or text taken verbatim.
- `finish_reason`: instead of the one that follows from the above.
- `usage`: any of `prompt_tokens`, `completion_tokens`, `cached_input_tokens`, `reasoning_tokens`.
- `delay_s`: seconds of silence before anything is said. `chunk_chars`: the length of a delta (8).
- `cut`: `true` breaks the stream off after text and reasoning.
- `error`: fails before anything is said. One of `auth`, `context_overflow`, `overloaded`,
  `rate_limit`, `refused`, `timeout`, `unreachable`; `message` is what it says, `retry_after_s` what
  the provider asks for.
- `times`: the line answers so many calls (1). With `error`: a provider that recovers.
- `repeat`: `true` on the last line, which then answers every call from there on.
- `expect`: text that must be in the last user message or tool return; else the call is refused.
- `for`: `"summary"` on a line that answers a request to sum up older messages. Where the next line
  is not so marked, such a request is answered by rules and uses no line up.
- `match`: makes the line a rule. It answers every call whose last user message or tool return
  contains this text, wherever it stands in the script, and is not used up; rules go before lines.

    {"tool_calls": [{"name": "memory_replace", "arguments": {"label": "human"}}]}
    {"text": "I will remember that."}

**The one exception to the seam's rules:** which line is next is state between calls. It is this
object's identity, so one object plays one conversation.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import anyio

from lettafs.errors import (
    ContextOverflow,
    ModelAuthProblem,
    ModelOverloaded,
    ModelProblem,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelTimeout,
    ModelUnreachable,
    StreamCut,
    UsageProblem,
)
from lettafs.llm.base import FinishReason, ModelEvent, ModelRequest, Purpose
from lettafs.llm.call_stream import CallFragment
from lettafs.llm.reply import ReplyBuilder
from lettafs.values.run import Usage

__all__ = ["ScriptedModel"]

_ERRORS: Mapping[str, type[ModelProblem]] = {
    "auth": ModelAuthProblem,
    "context_overflow": ContextOverflow,
    "overloaded": ModelOverloaded,
    "rate_limit": ModelRateLimited,
    "refused": ModelRefusedRequest,
    "timeout": ModelTimeout,
    "unreachable": ModelUnreachable,
}
_FINISH: tuple[FinishReason, ...] = ("stop", "tool_calls", "length", "content_filter")
_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "reasoning": str,
    "text": str,
    "tool_calls": list,
    "finish_reason": str,
    "usage": dict,
    "delay_s": (int, float),
    "chunk_chars": int,
    "cut": bool,
    "error": str,
    "message": str,
    "retry_after_s": (int, float),
    "times": int,
    "repeat": bool,
    "expect": str,
    "match": str,
    "for": str,
}
_CHUNK_CHARS = 8

Line = Mapping[str, Any]


class ScriptedModel:
    """Plays a script; `requests` holds every request it was sent, for assertions."""

    def __init__(
        self,
        replies: Sequence[Line],
        *,
        name: str = "script",
        context_window: int = 32_768,
    ) -> None:
        """Check the script.

        Raises:
            UsageProblem: a line has a field, or a value, that the format does not know.
        """
        for number, line in enumerate(replies, 1):
            _check(line, place=f"{name}: reply {number}")
        self._name = name
        self._context_window = context_window
        self._rules = [line for line in replies if "match" in line]
        self._lines = [line for line in replies if "match" not in line]
        self._at = 0
        self._used = 0
        """How often the present line has answered."""
        self.requests: list[ModelRequest] = []

    @classmethod
    def from_file(cls, path: Path, *, context_window: int = 32_768) -> ScriptedModel:
        """Return a model that plays the JSON lines of a file.

        Raises:
            UsageProblem: the file cannot be read, or a line is not what the format says.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"The script {path} cannot be read: {error}.") from error
        replies = [*_parse(text, path=path)]
        return cls(replies, name=str(path), context_window=context_window)

    @property
    def handle(self) -> str:
        """`scripted:` and the path of the script."""
        return f"scripted:{self._name}"

    @property
    def context_window(self) -> int:
        """Tokens, as given."""
        return self._context_window

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the deltas of the next line, then its reply.

        Raises:
            ModelRefusedRequest: the script is at its end, or the line expected another request.
            ModelProblem: what the line says.
        """
        self.requests.append(request)
        line = self._next(_last_words(request), request.purpose)
        if line is None:
            from lettafs.llm._offline.summary import summary_reply  # late: most scripts need none

            line = {"text": summary_reply(request), "chunk_chars": 1_000}
        await anyio.sleep(line.get("delay_s", 0))
        if "error" in line:
            problem = _ERRORS[line["error"]]
            text = line.get("message", f"The script says: {line['error']}.")
            raise problem(text, retry_after_s=line.get("retry_after_s"))
        builder = ReplyBuilder(request.message_id)
        size = line.get("chunk_chars", _CHUNK_CHARS)
        for piece in _pieces(line.get("reasoning", ""), size):
            for delta in builder.reasoning(piece):
                yield delta
        for piece in _pieces(line.get("text", ""), size):
            for delta in builder.text(piece):
                yield delta
        for delta in builder.flush():
            yield delta
        if line.get("cut"):
            raise StreamCut(
                "The script cuts the reply off here. What had arrived is kept; ask again.",
                parts=builder.parts_so_far(),
            )
        for index, call in enumerate(line.get("tool_calls", ())):
            for fragment in _fragments(call, index=index, size=size):
                for delta in builder.call(fragment):
                    yield delta
        usage = Usage(**line.get("usage", {}), step_count=1)
        yield builder.reply(line.get("finish_reason", "stop"), usage=usage)

    def _next(self, words: str, purpose: Purpose) -> Line | None:
        """Return the line that answers, and move on; None: rules sum up."""
        for rule in self._rules:
            if rule.get("for", "reply") == purpose and rule["match"] in words:
                return rule
        ahead = self._lines[self._at].get("for", "reply") if self._at < len(self._lines) else ""
        if purpose == "summary" and ahead != "summary":
            return None
        if self._at >= len(self._lines):
            total = len(self._lines)
            raise ModelRefusedRequest(f"{self._name}: the script is at its end ({total} replies).")
        line = self._lines[self._at]
        if ahead != purpose:
            raise ModelRefusedRequest(
                f"{self._name}: reply {self._at + 1} is for a summary, and none was asked for."
            )
        expected = line.get("expect", "")
        if expected not in words:
            raise ModelRefusedRequest(
                f"{self._name}: reply {self._at + 1} expects {expected!r} in what the model is"
                f" told last, but that is {words[:200]!r}."
            )
        self._used += 1
        lasting = bool(line.get("repeat")) and self._at == len(self._lines) - 1
        if self._used >= line.get("times", 1) and not lasting:
            self._at, self._used = self._at + 1, 0
        return line


def _parse(text: str, *, path: Path) -> Iterator[Line]:
    for number, row in enumerate(text.split("\n"), 1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        try:
            line = json.loads(row)
        except (ValueError, RecursionError) as error:
            raise UsageProblem(f"{path}:{number}: not JSON: {error}.") from error
        _check(line, place=f"{path}:{number}")
        yield line


def _check(line: object, *, place: str) -> None:
    """Refuse what the format does not know: a misspelt field would silently change a test."""
    if not isinstance(line, Mapping):
        raise UsageProblem(f"{place}: a reply is an object like {{'text': '...'}}.")
    for key, value in line.items():
        wanted = _FIELDS.get(key)
        if wanted is None:
            raise UsageProblem(f"{place}: unknown field {key!r}; known: {', '.join(_FIELDS)}.")
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise UsageProblem(f"{place}: {key!r} has a value of the wrong type: {value!r}.")
    if line.get("error", "auth") not in _ERRORS:
        known = ", ".join(_ERRORS)
        raise UsageProblem(f"{place}: unknown error {line['error']!r}; known: {known}.")
    if line.get("finish_reason", "stop") not in _FINISH:
        raise UsageProblem(f"{place}: unknown finish_reason; known: {', '.join(_FINISH)}.")
    if line.get("for", "reply") not in get_args(Purpose):
        raise UsageProblem(f"{place}: a line is for a reply or a summary, not {line['for']!r}.")
    if line.get("chunk_chars", 1) < 1 or line.get("times", 1) < 1 or line.get("delay_s", 0) < 0:
        raise UsageProblem(f"{place}: chunk_chars and times are at least 1, delay_s at least 0.")
    counts = {"prompt_tokens", "completion_tokens", "cached_input_tokens", "reasoning_tokens"}
    if not set(line.get("usage", {})) <= counts:
        raise UsageProblem(f"{place}: usage has only {', '.join(sorted(counts))}.")
    for call in line.get("tool_calls", ()):
        if (
            not isinstance(call, Mapping)
            or not isinstance(call.get("name"), str)
            or not isinstance(call.get("arguments", {}), Mapping | str)
            or not isinstance(call.get("id", ""), str)
            or not set(call) <= {"name", "arguments", "id"}
        ):
            raise UsageProblem(f"{place}: a tool call has name, arguments and perhaps id.")


def _last_words(request: ModelRequest) -> str:
    """Return the text of the last user message or of the last tool message's returns."""
    for message in reversed(request.messages):
        if message.role == "tool":
            return "\n".join(part.text for part in message.tool_returns)
        if message.role == "user":
            return message.text
    return ""


def _fragments(call: Mapping[str, Any], *, index: int, size: int) -> Iterator[CallFragment]:
    """Yield a call as a provider streams it: id and name first, then its arguments in pieces."""
    arguments = call.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    yield CallFragment(index=index, id=call.get("id", ""), name=call["name"])
    for piece in _pieces(arguments, size):
        yield CallFragment(index=index, arguments=piece)


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))
