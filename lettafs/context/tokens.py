"""Token counts: what a text, a message and a tool cost a model.

A count is exact where the model's encoding is known and shipped (OpenAI's models), an estimate on
the high side elsewhere, and that estimate calibrated where the provider has told what earlier
requests cost. The estimate needs no tables and is asked first: an encoding takes a third of a
second and a hundred megabytes to load, so it is loaded only where the answer hangs on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from lettafs.context.encodings.by_model import encoding_name
from lettafs.context.encodings.shipped import load
from lettafs.context.estimate import Prices, estimate
from lettafs.values.message import Message, ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.tool import ToolSpec

__all__ = ["ESTIMATED", "TokenCounter", "counter_for", "estimated_for", "exact_for"]

_PER_MESSAGE = 4
"""The role and the marks around a message: three in OpenAI's chat format, and one for the role."""
_PRIMING = 3
"""What opens the reply, in OpenAI's chat format."""


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens in one way; equal counters count alike."""

    encoding: str | None = None
    """Name of the encoding that counts; None: estimated."""
    factor: float | None = None
    """What the estimate is multiplied with, as usage has shown; None: nothing is known."""
    prices: Prices = "usual"
    """What the estimate is made with."""

    @property
    def origin(self) -> str:
        """How the figures come about, in words."""
        if self.encoding is not None:
            return f"exact ({self.encoding})"
        if self.factor is not None:
            return f"calibrated (x {self.factor:.2f} from usage)"
        return "estimated"

    def text(self, text: str) -> int:
        """Return how many tokens a text is."""
        raw = _remembered(text, self)
        return raw if self.factor is None else ceil(raw * self.factor)

    def system(self, text: str) -> int:
        """Return what the system text costs, with what opens the request and the reply."""
        return self.text(text) + self._fixed(_PER_MESSAGE + _PRIMING)

    def message(self, message: Message) -> int:
        """Return what a message costs; reasoning is not sent back, and free."""
        total = 0
        marks = _PER_MESSAGE
        for part in message.parts:
            match part:
                case TextPart(text=text):
                    total += self.text(text)
                case ToolCall(name=name, arguments=arguments):
                    marks += _PER_MESSAGE
                    total += self.text(name) + self.text(arguments)
                case ToolReturn(text=text):
                    marks += _PER_MESSAGE
                    total += self.text(text)
                case ReasoningPart():
                    continue
                case _:
                    continue
        return total + self._fixed(marks)

    def messages(self, messages: Iterable[Message]) -> int:
        """Return what the messages cost together."""
        return sum(map(self.message, messages))

    def tools(self, tools: Iterable[ToolSpec]) -> int:
        """Return about what the tool schemas cost: how they are shown, providers do not tell."""
        return sum(
            self.text(tool.name)
            + self.text(tool.description)
            + self.text(json.dumps(dict(tool.parameters), ensure_ascii=False))
            + self._fixed(_PER_MESSAGE)
            for tool in tools
        )

    def _fixed(self, marks: int) -> int:
        return marks if self.factor is None else ceil(marks * self.factor)


ESTIMATED = TokenCounter()
"""Counts by the estimate alone."""


def counter_for(handle: str, *, factor: float | None) -> TokenCounter:
    """Return the best counter for a model.

    Args:
        handle: `provider/name`.
        factor: what earlier requests to this model have shown; an exact count needs none.
    """
    return exact_for(handle) or estimated_for(handle, factor=factor)


def estimated_for(handle: str, *, factor: float | None) -> TokenCounter:
    """Return the counter for a model that loads nothing.

    Args:
        handle: `provider/name`.
        factor: what earlier requests to this model have shown.
    """
    older = encoding_name(handle) == "cl100k_base"
    return TokenCounter(factor=factor, prices="cl100k" if older else "usual")


def exact_for(handle: str) -> TokenCounter | None:
    """Return the exact counter for a model, with its encoding loaded.

    None: its encoding is not known, or cannot be loaded here.
    """
    name = encoding_name(handle)
    return None if name is None or load(name) is None else TokenCounter(name)


_REMEMBERED = 32_768
_Key = tuple[str | None, Prices, int, int]
_lately: dict[_Key, int] = {}
_before: dict[_Key, int] = {}
"""What was counted: a turn counts the same window in every step. A text stands there by its length
and its hash, which Python keeps with it; so that looking it up costs the same however long it is.
When the first is full it takes the place of the second, and what is asked for moves back."""


def _remembered(text: str, counter: TokenCounter) -> int:
    key = counter.encoding, counter.prices, len(text), hash(text)
    known = _lately.get(key)
    return _count(text, counter, key) if known is None else known


def _count(text: str, counter: TokenCounter, key: _Key) -> int:
    global _lately, _before
    count = _before.get(key)
    if count is None:
        name = counter.encoding
        count = estimate(text, prices=counter.prices) if name is None else _encoded(text, name)
    if len(_lately) >= _REMEMBERED:
        _lately, _before = {}, _lately
    _lately[key] = count
    return count


_PIECE_CHARS = 200_000
"""Longer texts are counted in pieces: tiktoken's regular expressions crash the thread, and write to
the terminal, at a million spaces in a row."""


def _encoded(text: str, name: str) -> int:
    encoding = load(name)
    assert encoding is not None, "a counter with an encoding is made once it is loaded"
    total = begin = 0
    while begin < len(text):
        end = _end_of_piece(text, begin)
        # "Ordinary": what looks like a mark of the chat format is a text like any other.
        total += len(encoding.encode_ordinary(text[begin:end]))
        begin = end
    return total


def _end_of_piece(text: str, begin: int) -> int:
    """Return where to cut: where a line begins with a letter no token goes across, if one does."""
    limit = begin + _PIECE_CHARS
    if limit >= len(text):
        return len(text)
    end = limit
    while (end := text.rfind("\n", begin, end)) > 0:
        if text[end + 1].isalnum():
            return end + 1
    return limit
