"""Answers: what the calls of one step return, in their order.

Calls run one after the other, and each is held against the tool rules as they stand after the one
before it. Only searches run beside each other, since they change nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from lettafs.tools import rules as tool_rules
from lettafs.tools.base import Tool, ToolContext
from lettafs.tools.dispatch import call_tool
from lettafs.tools.rules import Called
from lettafs.values.message import ToolCall, ToolReturn
from lettafs.values.rule import ToolRule

__all__ = ["MAX_CALLS", "Bench", "answers"]

MAX_CALLS = 20
"""More calls than this in one reply are a model gone wrong: none of them is made."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What the calls of a step work with."""

    tools: dict[str, Tool]
    """All the agent has, whatever the rules say."""
    rules: Sequence[ToolRule]
    before: Sequence[Called]
    """The calls of this run that succeeded before this step."""
    context: ToolContext
    ignore: frozenset[str]
    """Parameters that are the loop's."""


async def answers(calls: Sequence[ToolCall], bench: Bench) -> AsyncGenerator[ToolReturn, None]:
    """Yield the return of each call, in order; a call that fails has a return too.

    Raises:
        DiskProblem: the disk refused.
    """
    if len(calls) > MAX_CALLS:
        for call in calls:
            yield _refused(
                call,
                f"{len(calls)} calls in one reply are too many; none was made. Make at most "
                f"{MAX_CALLS} at a time.",
            )
        return
    if _side_by_side(calls, bench):
        for answer in await _together(calls, bench):
            yield answer
        return
    done = list(bench.before)
    for call in calls:
        answer = _answer(call, bench, done)
        if answer.status == "success":
            done.append(Called(call.name, answer.text))
        yield answer


def _side_by_side(calls: Sequence[ToolCall], bench: Bench) -> bool:
    reading = all(call.name in bench.tools and bench.tools[call.name].parallel for call in calls)
    return len(calls) > 1 and reading and not bench.rules


async def _together(calls: Sequence[ToolCall], bench: Bench) -> list[ToolReturn]:
    import anyio  # late: only several searches at once need it
    import anyio.to_thread

    found: dict[int, ToolReturn] = {}
    failed: dict[int, Exception] = {}

    async def one(index: int, call: ToolCall) -> None:
        try:
            found[index] = await anyio.to_thread.run_sync(_answer, call, bench, bench.before)
        except Exception as error:  # the group would wrap it, and nobody expects a group
            failed[index] = error

    async with anyio.create_task_group() as group:
        for index, call in enumerate(calls):
            group.start_soon(one, index, call)
    if failed:
        raise failed[min(failed)]
    return [found[index] for index in range(len(calls))]


def _answer(call: ToolCall, bench: Bench, done: Sequence[Called]) -> ToolReturn:
    may = tool_rules.allowed(bench.rules, done, bench.tools)
    if call.name in bench.tools and call.name not in may.names:
        return _refused(call, tool_rules.refusal(call.name, may))
    if tool_rules.needs_approval(bench.rules, call.name):
        return _refused(call, tool_rules.unapproved(call.name))
    return call_tool(
        call,
        bench.tools,
        bench.context,
        ignore=bench.ignore,
        preset=tool_rules.preset(bench.rules, done, call.name),
    )


def _refused(call: ToolCall, text: str) -> ToolReturn:
    return ToolReturn(call.id, call.name, "error", text)
