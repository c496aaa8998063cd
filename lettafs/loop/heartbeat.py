"""The loop of the memgpt types: the agent speaks with send_message and goes on by heartbeats.

Every tool that does not end the turn has one more parameter, `request_heartbeat`; when the agent
sets it, the loop goes on and the agent is told why by a message in the user's role.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from lettafs.loop.style import Situation, Style, Taken
from lettafs.tools import rules as tool_rules
from lettafs.tools.base import Tool
from lettafs.values.rule import ToolRule
from lettafs.values.run import Continue, Outcome, Stop
from lettafs.values.tool import ToolSpec

__all__ = ["HEARTBEAT", "heartbeat_text"]

_PARAMETER = "request_heartbeat"
_SCHEMA = {"type": "boolean"}  # explained once, in the base instructions
_MARK = "[This is an automated message hidden from the person]"


def heartbeat_text(reason: str, *, time: str) -> str:
    """Return the text of a heartbeat row."""
    event = {"type": "heartbeat", "reason": f"{_MARK} {reason}", "time": time}
    return json.dumps(event, ensure_ascii=False)


def _specs(tools: Sequence[Tool], rules: Sequence[ToolRule]) -> tuple[ToolSpec, ...]:
    return tuple(
        tool.spec if _is_final(tool, rules) else _with_heartbeat(tool.spec) for tool in tools
    )


def _with_heartbeat(spec: ToolSpec) -> ToolSpec:
    schema = dict(spec.parameters)
    schema["properties"] = {**schema.get("properties", {}), _PARAMETER: _SCHEMA}
    schema["required"] = [*schema.get("required", ()), _PARAMETER]
    return replace(spec, parameters=schema)


def _is_final(tool: Tool, rules: Sequence[ToolRule]) -> bool:
    name = tool.spec.name
    if tool_rules.continues(rules, name):
        return False
    return tool.ends_turn or tool_rules.ends(rules, name)


def _outcome(taken: Taken, situation: Situation) -> Outcome:
    if not taken.calls:
        return Stop("max_tokens_exceeded" if taken.finish_reason == "length" else "no_tool_call")
    call, answer = taken.calls[0], taken.returns[0]
    if answer.status == "error":
        return Continue(f"Your call of {call.name} failed; see what it returned.")
    asked = _asked_for_heartbeat(call.arguments)
    final = _is_final(situation.tools[call.name], situation.rules)
    if not final and tool_rules.continues(situation.rules, call.name):
        return Continue("A tool rule says that you go on.")
    if not final and asked:
        return Continue("You asked for a heartbeat.")
    missing = tool_rules.missing_before_exit(situation.rules, situation.calls, situation.tools)
    if missing:
        return Continue(f"You may not end your turn yet: first call {', '.join(missing)}.")
    return Stop("tool_rule" if final and asked else "end_turn")


def _asked_for_heartbeat(arguments: str) -> bool:
    try:
        return str(json.loads(arguments).get(_PARAMETER, False)).lower() == "true"
    except (ValueError, AttributeError, RecursionError):
        return False


HEARTBEAT = Style(
    specs=_specs,
    outcome=_outcome,
    requires_call=True,
    one_call=True,
    speaks_with="send_message",
    own_parameters=frozenset({_PARAMETER}),
)
