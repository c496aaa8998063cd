"""The verdict on a step: whether the run goes on, and what a person and the model are told."""

from __future__ import annotations

from lettafs.context.overflow import largest_parts
from lettafs.context.request import Prompt
from lettafs.errors import ContextOverflow, ModelOutOfCredit, ModelProblem, StreamCut
from lettafs.format.recall_line import MessageRecord
from lettafs.home.turn import Turn
from lettafs.loop.heartbeat import heartbeat_text
from lettafs.loop.state import RunState
from lettafs.loop.style import Situation, Taken
from lettafs.tools.base import Tool
from lettafs.tools.rules import Called
from lettafs.values.event import Event, Failure, MessageAdded, Notice
from lettafs.values.message import Message, TextPart
from lettafs.values.run import Continue, Stop, StopReason

__all__ = ["after_failure", "after_step"]

_MAX_REPAIRS = 3
"""Steps in a row that led nowhere, after which one more stops the run."""
_MAX_SAME = 3
"""The same call with the same arguments, so many times in a row, stops the run."""
_MAX_OVERFLOWS = 3


def after_failure(state: RunState, problem: ModelProblem, prompt: Prompt) -> Failure | Notice:
    """Decide about a step without a reply: once more, or the end of the run.

    A request that was too long is made again, first with older messages summed up, then with less
    and less of the conversation.
    """
    if isinstance(problem, StreamCut) and state.cuts == 0:
        state.cuts += 1
        return Notice("The reply broke off; asking once more.", "warning", "retry")
    if isinstance(problem, ContextOverflow):
        if state.overflows < _MAX_OVERFLOWS:
            state.overflows += 1
            state.compact = state.overflows == 1
            state.shrunk += 1
            state.shrink = state.shrunk
            return Notice(
                "The conversation is too long for the model; older messages leave its view.",
                "warning",
                "overflow",
            )
        state.stop = "context_window_overflow_in_system_prompt"
        words = (
            f"{problem} Nothing more can be left out: shorten the memory blocks or the message, or "
            f"use a model with a larger window. {largest_parts(prompt)}"
        )
        return Failure(problem.error_type, words)
    empty = isinstance(problem, ModelOutOfCredit)
    state.stop = "insufficient_credits" if empty else "llm_api_error"
    return Failure(problem.error_type, str(problem))


def after_step(
    turn: Turn, state: RunState, taken: Taken, *, tools: dict[str, Tool], max_steps: int
) -> list[Event]:
    """Decide how the run goes on after a step; set `state.stop` when it does not."""
    state.usage = state.usage + taken.usage
    state.cuts = state.overflows = state.shrunk = 0
    if taken.assistant is None and taken.finish_reason in ("stop", "tool_calls"):
        return _after_silence(state)
    state.steps += 1
    state.calls += [
        Called(answer.name, answer.text) for answer in taken.returns if answer.status == "success"
    ]
    if taken.finish_reason == "content_filter" and not taken.calls:
        state.stop = "end_turn" if taken.assistant is not None else "invalid_llm_response"
        return _filtered(state)
    events = _judge(turn, state, taken, tools)
    if state.stop is None and state.steps >= max_steps:
        state.stop = "max_steps"
        events.append(Notice(f"Stopped after {state.steps} steps.", "warning", "max-steps"))
    return events


def _judge(turn: Turn, state: RunState, taken: Taken, tools: dict[str, Tool]) -> list[Event]:
    state.spoke = state.spoke or (taken.assistant is not None and bool(taken.assistant.text))
    silent = state.style.requires_call and not taken.calls and taken.finish_reason != "length"
    state.empty = state.empty + 1 if silent else 0
    if silent and state.empty == 1:
        reason = "Your reply held no tool call. To speak, call send_message."
        return [_go_on(turn, state, reason)]
    stuck = _stuck(state, taken)
    if stuck is not None:
        state.stop = "invalid_tool_call"
        return [Notice(stuck, "warning", "stuck")]
    match state.style.outcome(taken, Situation(tools, state.agent.tool_rules, state.calls)):
        case Stop(reason=reason):
            state.stop = reason
            return _farewell(reason)
        case Continue(reason=""):
            return []
        case Continue(reason=reason):
            return _sent_back(turn, state, taken, reason)


def _sent_back(turn: Turn, state: RunState, taken: Taken, reason: str) -> list[Event]:
    """Tell the model why it goes on, unless it was told so in vain too often."""
    if not taken.calls:
        state.failed_steps += 1
        if state.failed_steps > _MAX_REPAIRS:
            state.stop = "no_tool_call"
            words = f"Stopped: the model did not make a call that a tool rule wants. {reason}"
            return [Notice(words, "warning", "stuck")]
    return [_go_on(turn, state, reason)]


def _after_silence(state: RunState) -> list[Event]:
    state.empty += 1
    if state.empty == 1:
        return [Notice("The model sent an empty reply; asking once more.", "warning", "retry")]
    if state.spoke or state.calls:
        state.stop = "end_turn"
        return [Notice("The model had nothing to add.", "info", "empty")]
    state.stop = "invalid_llm_response"
    words = "The model sent an empty reply twice. Your message is kept; try again or another model."
    return [Failure("llm_empty_response", words)]


def _filtered(state: RunState) -> list[Event]:
    words = "The provider's content filter ended the reply."
    if state.stop == "end_turn":
        return [Notice(words, "warning", "filtered")]
    return [Failure("llm_error", f"{words} Your message is kept; say it in other words.")]


def _go_on(turn: Turn, state: RunState, reason: str) -> Event:
    """Append the row that tells the model why the loop goes on."""
    row = Message(
        turn.new_id("message"),
        "user",
        (TextPart(heartbeat_text(reason, time=turn.time())),),
        turn.time(),
        kind="heartbeat",
        run_id=state.run_id,
    )
    turn.append(MessageRecord(0, row))
    return MessageAdded(row)


def _stuck(state: RunState, taken: Taken) -> str | None:
    """Return why the run leads nowhere; None: it may go on."""
    if not taken.calls:
        return None
    failed = all(answer.status == "error" for answer in taken.returns)
    state.failed_steps = state.failed_steps + 1 if failed else 0
    if state.failed_steps > _MAX_REPAIRS:
        return f"Stopped: the model's tool calls failed {state.failed_steps} times in a row."
    for call in taken.calls:
        key = (call.name, call.arguments)
        state.same = state.same + 1 if key == state.last_call else 1
        state.last_call = key
    if state.same >= _MAX_SAME:
        return (
            f"Stopped: the model made the same call of {taken.calls[-1].name} {state.same} times."
        )
    return None


def _farewell(reason: StopReason) -> list[Event]:
    match reason:
        case "max_tokens_exceeded":
            return [Notice("The reply was cut at the model's output limit.", "warning", "length")]
        case "no_tool_call":
            return [Notice("The model did not use send_message.", "warning", "no-tool-call")]
        case _:
            return []
