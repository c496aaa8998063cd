"""Fitting messages into a budget."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.context.tokens import ESTIMATED
from lettafs.context.window import as_sent, clip_calls, clip_returns, clip_words, fit
from lettafs.values.message import Message, TextPart, ToolCall, ToolReturn


def row(number: int, role: str, words: str, *, kind: str = "message") -> Message:
    return Message(f"message-{number}", role, (TextPart(words),), "2026-03-01", kind=kind)  # type: ignore[arg-type]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Return turns: what a user says, then steps with calls and beats, then a reply."""
    found: list[Message] = []
    size = st.integers(0, 200)
    for _ in range(draw(st.integers(0, 5))):
        found.append(row(len(found), "user", "u" * draw(size)))
        for _ in range(draw(st.integers(0, 4))):
            number = len(found)
            made = tuple(
                ToolCall(f"call-{number}-{n}", "find", "x" * draw(size))
                for n in range(draw(st.integers(1, 3)))
            )
            back = tuple(ToolReturn(one.id, "find", "success", "y" * draw(size)) for one in made)
            found.append(Message(f"message-{number}", "assistant", made, "2026-03-01"))
            found.append(Message(f"message-{number + 1}", "tool", back, "2026-03-01"))
            if draw(st.booleans()):
                found.append(row(len(found), "user", "beat", kind="heartbeat"))
        if draw(st.booleans()):
            found.append(row(len(found), "assistant", "a" * draw(size)))
    return found


@settings(max_examples=300, deadline=None)
@given(conversations(), st.integers(0, 1000))
def test_what_fits_is_the_newest_and_whole(messages: list[Message], budget: int) -> None:
    fitted = fit(messages, budget_tokens=budget)

    kept = list(fitted.messages)
    assert fitted.left_out == len(messages) - len(kept)
    if ESTIMATED.messages(messages) <= budget:
        assert kept == messages
        return
    # In order, and only ever without a beginning and, behind the first, without a middle.
    ids = [message.id for message in messages]
    places = [ids.index(message.id) for message in kept]
    assert places[-1] == len(messages) - 1
    assert places[1:] == list(range(len(messages) - len(kept) + 1, len(messages)))
    assert list(fitted.dropped) == ids[places[0] + 1 : (places + [len(ids)])[1]]
    # What was said last is kept, and it or something said later begins the window.
    asked = [m for m in messages if m.role == "user" and m.kind == "message"]
    assert asked[-1] in kept
    assert kept[0] in asked
    # Calls and returns stay together.
    made = [one.id for message in kept for one in message.tool_calls]
    assert made == [back.call_id for message in kept for back in message.tool_returns]
    # More than one exchange is kept only where it fits well below the budget.
    if kept[0] is not asked[-1]:
        assert ESTIMATED.messages(kept) <= budget * 0.6


@given(conversations(), st.integers(0, 1000))
def test_what_was_fitted_once_fits(messages: list[Message], budget: int) -> None:
    once = fit(messages, budget_tokens=budget)
    again = fit(once.messages, budget_tokens=budget)

    assert again.messages == once.messages


def test_nothing_fits_into_nothing() -> None:
    assert fit([], budget_tokens=0).messages == ()


def test_short_returns_are_the_same_messages() -> None:
    messages = [row(0, "user", "x" * 100_000), row(1, "assistant", "y")]

    assert clip_returns(messages, context_window=8_000) == tuple(messages)


def test_calls_of_one_message_share_what_they_may_cost() -> None:
    short, long = '{"a": 1}', '{"a": "' + "word " * 4_000 + '"}'
    made = tuple(ToolCall(f"call-{n}", "find", long if n else short) for n in range(4))
    message = Message("message-1", "assistant", (TextPart("See."), *made), "2026-03-01")

    (cut,) = clip_calls([message], limit_tokens=800)

    assert [one.id for one in cut.tool_calls] == [one.id for one in made]
    assert (cut.text, cut.tool_calls[0].arguments) == ("See.", short)
    assert 300 < ESTIMATED.message(cut) < 900
    assert clip_calls([message], limit_tokens=50_000) == (message,)


@given(conversations(), st.integers(1, 200), st.none() | st.integers(1, 300))
def test_what_is_sent_is_cut_in_every_way(
    messages: list[Message], limit: int, return_chars: int | None
) -> None:
    found = as_sent(messages, context_window=8_000, limit_tokens=limit, return_chars=return_chars)

    one_by_one = clip_returns(messages, context_window=8_000, limit_chars=return_chars)
    one_by_one = clip_words(one_by_one, limit_tokens=limit)
    assert found == clip_calls(one_by_one, limit_tokens=limit)
