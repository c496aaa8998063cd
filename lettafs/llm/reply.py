"""A reply being assembled: pieces in, deltas out, and at the end the parts in their order."""

from __future__ import annotations

from lettafs.llm.base import FinishReason, ModelReply
from lettafs.llm.call_stream import CallFragment, CallStream
from lettafs.llm.think_tags import Piece, ThinkTags
from lettafs.values.event import Delta, ReasoningDelta, TextDelta
from lettafs.values.message import Part, ReasoningPart, TextPart, ToolCall
from lettafs.values.run import Usage

__all__ = ["ReplyBuilder"]


class ReplyBuilder:
    """Collects one reply; every method returns the deltas its piece makes."""

    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tags = ThinkTags()
        self._calls = CallStream(message_id)
        self.started = False
        """True once anything was said: from here on a failure is a cut, not a refusal."""

    def text(self, piece: str) -> list[Delta]:
        """Take words; thinking between tags at their beginning becomes reasoning."""
        self.started = self.started or bool(piece)
        return self._sorted(self._tags.feed(piece))

    def reasoning(self, piece: str) -> list[Delta]:
        """Take thinking that the server marked as such."""
        self.started = self.started or bool(piece)
        return self._sorted([("reasoning", piece)] if piece else [])

    def call(self, fragment: CallFragment) -> list[Delta]:
        """Take a fragment of a tool call."""
        self.started = True
        return [*self._calls.feed(fragment)]

    def flush(self) -> list[Delta]:
        """Return what was held back to see whether it was a tag; call it before `reply`."""
        return self._sorted(self._tags.finish())

    def reply(self, finish_reason: FinishReason, *, usage: Usage) -> ModelReply:
        """Return the whole reply.

        A reply with calls that says it simply stopped has the reason `tool_calls`, and one without
        calls never has it. Where the reply was cut short, a call with unfinished arguments is left
        out: it must never be executed.
        """
        unfinished = finish_reason in ("length", "content_filter")
        calls = self._calls.calls(only_complete=unfinished)
        if finish_reason in ("stop", "tool_calls"):
            finish_reason = "tool_calls" if calls else "stop"
        return ModelReply(parts=self._parts(calls), finish_reason=finish_reason, usage=usage)

    def parts_so_far(self) -> tuple[Part, ...]:
        """Return reasoning and text without any tool call: what a broken stream leaves."""
        self.flush()
        return self._parts(())

    def _parts(self, calls: tuple[ToolCall, ...]) -> tuple[Part, ...]:
        reasoning, text = "".join(self._reasoning), "".join(self._text)
        parts: list[Part] = []
        if reasoning.strip():
            parts.append(ReasoningPart(reasoning.strip("\n")))
        # Blank text is a template's line break, not something said.
        if text.strip():
            parts.append(TextPart(text))
        return (*parts, *calls)

    def _sorted(self, pieces: list[Piece]) -> list[Delta]:
        deltas: list[Delta] = []
        for kind, piece in pieces:
            if kind == "text":
                self._text.append(piece)
                deltas.append(TextDelta(self._message_id, piece))
            else:
                self._reasoning.append(piece)
                deltas.append(ReasoningDelta(self._message_id, piece))
        return deltas
