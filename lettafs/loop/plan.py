"""The plan of a step: what the model is sent next, and what the step works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lettafs.context.request import Prompt, compile_prompt, zone
from lettafs.format.recall_line import WindowRecord
from lettafs.home.turn import Turn
from lettafs.llm.base import LanguageModel, ModelRequest
from lettafs.loop.answers import Bench
from lettafs.loop.caller import Caller
from lettafs.loop.state import RunState
from lettafs.loop.step import StepPlan
from lettafs.loop.styles import style_of
from lettafs.tools import rules as tool_rules
from lettafs.tools.base import Tool, ToolContext
from lettafs.tools.rules import Called
from lettafs.values.rule import RequiresApprovalRule

__all__ = ["next_prompt", "plan_step"]


def next_prompt(
    turn: Turn,
    *,
    model: LanguageModel,
    tools: Mapping[str, Tool],
    calls: Sequence[Called] = (),
    shrink: int = 0,
) -> Prompt:
    """Return what the model is sent next, as the files are now.

    Args:
        turn: whose home is read.
        model: who is asked.
        tools: those of the agent.
        calls: made in this run until now: tool rules depend on them.
        shrink: how often what would fit is halved.
    """
    agent = turn.agent
    may = tool_rules.allowed(agent.tool_rules, calls, tools)
    shown = [tools[name] for name in may.names]
    return compile_prompt(
        turn.home,
        agent,
        tools=style_of(agent.type).specs(shown, agent.tool_rules),
        now=turn.now(),
        context_window=agent.context_window or model.context_window,
        model=model.handle,
        shrink=shrink,
    )


def plan_step(
    turn: Turn, state: RunState, prompt: Prompt, *, tools: dict[str, Tool], caller: Caller
) -> StepPlan:
    """Return the plan of the next step; record it when messages have to leave the window.

    Raises:
        DiskProblem: the disk refused.
    """
    agent = state.agent
    if prompt.left_out:
        turn.append(
            WindowRecord(
                0,
                reason="trim",
                start=prompt.start_id,
                earlier=prompt.earlier,
                drop=prompt.dropped,
                summary=prompt.summary_id,
                views=prompt.views,
            )
        )
    may = tool_rules.allowed(agent.tool_rules, state.calls, tools)
    settings = agent.model_settings
    forced = may.forced or (state.style.requires_call and bool(may.names))
    ruled = any(not isinstance(rule, RequiresApprovalRule) for rule in agent.tool_rules)
    one_call = state.style.one_call or not settings.parallel_tool_calls
    request = ModelRequest(
        message_id=turn.new_id("message"),
        system=prompt.system,
        messages=prompt.messages,
        tools=prompt.tools,
        tool_choice="required" if forced else "auto",
        forced_tool=may.names[0] if may.forced and len(may.names) == 1 else None,
        parallel_tool_calls=not one_call and not ruled,
        temperature=settings.temperature,
        max_output_tokens=settings.max_output_tokens,
        reasoning_effort=settings.reasoning_effort,
        think=settings.think,
        context_window=prompt.context_window,
        timeout_s=settings.timeout_s,
    )
    context = ToolContext(
        turn, prompt.seen, turn.now(), zone(agent.timezone), prompt.context_window
    )
    bench = Bench(tools, agent.tool_rules, tuple(state.calls), context, state.style.own_parameters)
    return StepPlan(
        turn.new_id("step"),
        request,
        bench,
        state.style,
        one_call,
        sleep=caller.sleep,
        jitter=caller.jitter,
        estimate=prompt.estimate,
    )
