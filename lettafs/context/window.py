"""Fitting the window into the model's context.

When the messages no longer fit, the oldest leave, down to a mark well below the limit, so that the
window's beginning, and with it what a provider has cached, stays the same for many turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lettafs.context.arguments import clip_arguments
from lettafs.context.tokens import ESTIMATED, TokenCounter
from lettafs.values.message import Message, Part, TextPart, ToolCall, ToolReturn

__all__ = ["Fitted", "as_sent", "clip_calls", "clip_returns", "clip_words", "fit"]

_KEEP_SHARE = 0.6
"""Of the budget, what is kept after messages had to leave."""
_RETURN_CHARS = 5_000
"""To fewer no return is cut, however small the window."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The messages that are sent."""

    messages: tuple[Message, ...]
    tokens: int
    """What they cost together."""
    left_out: int
    """How many had to leave; 0: all fit."""
    dropped: tuple[str, ...] = ()
    """Ids of those that left from behind the first message: the middle of a long run."""


def fit(
    messages: Sequence[Message], *, budget_tokens: int, counter: TokenCounter = ESTIMATED
) -> Fitted:
    """Return the newest messages that fit, beginning with a user's message.

    A summary at the front stays there. What the user said last is always kept, and so is the last
    message with what belongs to it, however long they are: whether the model takes them is for the
    model to say. When the run that answers has itself grown too long, its oldest steps leave from
    between the two.
    """
    if messages and messages[0].kind == "summary":
        tokens = counter.message(messages[0])
        rest = fit(messages[1:], budget_tokens=max(budget_tokens - tokens, 0), counter=counter)
        return replace(rest, messages=(messages[0], *rest.messages), tokens=tokens + rest.tokens)
    costs = [counter.message(message) for message in messages]
    total = sum(costs)
    if total <= budget_tokens:
        return Fitted(tuple(messages), total, 0)
    keep = int(budget_tokens * _KEEP_SHARE)
    asked = [at for at, message in enumerate(messages) if _is_said(message)]
    present = asked[-1] if asked else None
    first = _tail(messages, costs, keep)
    if present is None:
        return Fitted(tuple(messages[first:]), sum(costs[first:]), first)
    if first <= present:
        start = next(at for at in asked if at >= first)
        return Fitted(tuple(messages[start:]), sum(costs[start:]), start)
    first = _tail(messages, costs, keep - costs[present], after=present)
    dropped = tuple(message.id for message in messages[present + 1 : first])
    kept = (messages[present], *messages[first:])
    tokens = costs[present] + sum(costs[first:])
    return Fitted(kept, tokens, present + len(dropped), dropped)


def _is_said(message: Message) -> bool:
    return message.role == "user" and message.kind == "message"


def _tail(messages: Sequence[Message], costs: Sequence[int], keep: int, *, after: int = -1) -> int:
    """Return where the newest messages begin that cost no more than `keep` together.

    At least the last message is among them, and never a return without its call.
    """
    first = len(messages) - 1
    total = costs[first]
    while first > after + 1 and total + costs[first - 1] <= keep:
        first -= 1
        total += costs[first]
    while first > after + 1 and messages[first].role == "tool":
        first -= 1
    return first


def as_sent(
    messages: Sequence[Message],
    *,
    context_window: int,
    limit_tokens: int,
    return_chars: int | None = None,
) -> tuple[Message, ...]:
    """Return the messages with all that is overlong cut, as they are sent and not as kept.

    Args:
        messages: as they are kept.
        context_window: tokens.
        limit_tokens: what one text may cost, and what the calls of one message may together.
        return_chars: what the returns of one row may have together; None: Letta's limit.
    """
    # No character is more than four bytes, and none of these more than a token.
    sure = min(limit_tokens // 4, _RETURN_CHARS if return_chars is None else return_chars)

    def cut(message: Message) -> Message:
        (short,) = clip_returns([message], context_window=context_window, limit_chars=return_chars)
        (short,) = clip_words([short], limit_tokens=limit_tokens)
        (short,) = clip_calls([short], limit_tokens=limit_tokens)
        return short

    return tuple(
        message if sum(map(_chars, message.parts)) <= sure else cut(message) for message in messages
    )


def _chars(part: Part) -> int:
    match part:
        case TextPart(text=text) | ToolReturn(text=text) | ToolCall(arguments=text):
            return len(text)
        case _:
            return 0


def clip_returns(
    messages: Sequence[Message], *, context_window: int, limit_chars: int | None = None
) -> tuple[Message, ...]:
    """Return the messages with overlong tool returns cut, as they are sent and not as kept.

    The limit is Letta's: 20 % of the window at four characters a token, 5,000 at least. Returns
    that stand in one row, because they were called for at once, share twice that.

    Args:
        messages: as they are kept.
        context_window: tokens.
        limit_chars: instead of that limit, for all returns of a row together.
    """
    usual = max(_RETURN_CHARS, context_window * 4 // 5)
    return tuple(_with_clipped_returns(message, usual, limit_chars) for message in messages)


def _with_clipped_returns(message: Message, usual: int, whole: int | None) -> Message:
    number = len(message.tool_returns) if message.role == "tool" else 0
    if not number:
        return message
    limit = min(usual, 2 * usual // number) if whole is None else whole // number
    if all(len(part.text) <= limit for part in message.tool_returns):
        return message
    return replace(message, parts=tuple(_clip_part(part, limit) for part in message.parts))


def _clip_part(part: Part, limit: int) -> Part:
    if not isinstance(part, ToolReturn) or len(part.text) <= limit:
        return part
    note = (
        f"\n[cut: {limit} of {len(part.text)} characters shown. For the rest ask {part.name} for a "
        'part of it, or find it in a later turn with conversation_search, roles ["tool"].]'
    )
    return replace(part, text=part.text[:limit] + note)


def clip_words(messages: Sequence[Message], *, limit_tokens: int) -> tuple[Message, ...]:
    """Return the messages with the middle of overlong texts cut, as they are sent.

    Tokens are estimated and never counted otherwise, so that a text is cut at the same place in
    every request.
    """
    return tuple(
        replace(message, parts=tuple(_clip_words(part, limit_tokens) for part in message.parts))
        if any(
            isinstance(part, TextPart) and _is_long(part, limit_tokens) for part in message.parts
        )
        else message
        for message in messages
    )


def _is_long(part: TextPart, limit_tokens: int) -> bool:
    # No character is more than four bytes, and none of these more than a token.
    return len(part.text) * 4 > limit_tokens < ESTIMATED.text(part.text)


def _clip_words(part: Part, limit_tokens: int) -> Part:
    if not isinstance(part, TextPart) or not _is_long(part, limit_tokens):
        return part
    text = part.text
    keep = max(len(text) * limit_tokens // ESTIMATED.text(text), 2)
    head = keep * 2 // 3
    note = (
        f"\n[... {len(text) - keep} of {len(text)} characters are left out here; the message is "
        "kept whole, and conversation_search finds it ...]\n"
    )
    return TextPart(text[:head] + note + text[len(text) - (keep - head) :])


def clip_calls(messages: Sequence[Message], *, limit_tokens: int) -> tuple[Message, ...]:
    """Return the messages with overlong arguments of calls cut, as they are sent.

    The calls of one message share the limit. Arguments that are a JSON object stay one. Tokens are
    estimated, as for words.
    """
    return tuple(_with_clipped_calls(message, limit_tokens) for message in messages)


def _with_clipped_calls(message: Message, limit_tokens: int) -> Message:
    calls = message.tool_calls
    if sum(len(call.arguments) for call in calls) * 4 <= limit_tokens:
        return message
    costs = {call: ESTIMATED.text(call.arguments) for call in calls}
    if sum(costs.values()) <= limit_tokens:
        return message
    share = limit_tokens // len(calls)

    def cut(part: Part) -> Part:
        if not isinstance(part, ToolCall) or costs[part] <= share:
            return part
        return replace(part, arguments=clip_arguments(part.arguments, limit_tokens=share))

    return replace(message, parts=tuple(map(cut, message.parts)))
