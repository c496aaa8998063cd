"""The loop of letta_v1_agent: plain text is the answer and ends the turn."""

from __future__ import annotations

from collections.abc import Sequence

from lettafs.loop.style import Situation, Style, Taken
from lettafs.tools import rules as tool_rules
from lettafs.tools.base import Tool
from lettafs.values.rule import ToolRule
from lettafs.values.run import Continue, Outcome, Stop
from lettafs.values.tool import ToolSpec

__all__ = ["PLAIN"]


def _specs(tools: Sequence[Tool], rules: Sequence[ToolRule]) -> tuple[ToolSpec, ...]:
    return tuple(tool.spec for tool in tools)


def _outcome(taken: Taken, situation: Situation) -> Outcome:
    missing = tool_rules.missing_before_exit(situation.rules, situation.calls, situation.tools)
    if not taken.calls:
        if missing:
            return Continue(f"You may not end your turn yet: first call {', '.join(missing)}.")
        return Stop("max_tokens_exceeded" if taken.finish_reason == "length" else "end_turn")
    for call, answer in zip(taken.calls, taken.returns, strict=True):
        tool = situation.tools.get(call.name)
        final = tool_rules.ends(situation.rules, call.name) or (
            tool is not None
            and tool.ends_turn
            and not tool_rules.continues(situation.rules, call.name)
        )
        if final and answer.status == "success" and not missing:
            return Stop("tool_rule")
    return Continue("")


PLAIN = Style(specs=_specs, outcome=_outcome, requires_call=False, one_call=False)
