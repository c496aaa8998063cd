"""Which tool makes an edit: the best of those a request offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lettafs.llm._offline.plans import Add, Swap, applied, in_style, swap_span
from lettafs.llm._offline.prompt import properties
from lettafs.llm._offline.text import sentences
from lettafs.values.tool import ToolSpec

__all__ = ["EDIT_TOOLS", "tool_call"]

EDIT_TOOLS = frozenset({
    "memory_replace", "memory_insert", "memory_rethink", "memory", "core_memory_append",
    "core_memory_replace",
})  # fmt: skip


def tool_call(plan: Add | Swap, tools: Mapping[str, ToolSpec]) -> tuple[str, dict[str, Any]] | None:
    """Return the call that makes the edit with the tools there are; None when none can."""
    match plan:
        case Add():
            return _add_call(plan, tools)
        case Swap():
            return _swap_call(plan, tools)


def _add_call(plan: Add, tools: Mapping[str, ToolSpec]) -> tuple[str, dict[str, Any]] | None:
    label, value = plan.block.label, plan.block.value
    if "memory_insert" in tools:
        return "memory_insert", {"label": label, "new_string": plan.text, "insert_line": -1}
    if "core_memory_append" in tools:
        return "core_memory_append", {"label": label, "content": plan.text}
    if "memory" in tools and "insert_text" in (
        properties(tools["memory"].parameters) or ["insert_text"]
    ):
        path = f"/memories/{label}"
        arguments = {"command": "insert", "path": path, "insert_line": -1, "insert_text": plan.text}
        return "memory", arguments
    last = sentences(value)[-1:]
    if last and last[0].end > 0:
        swap = swap_span(
            plan.block, last[0].start, last[0].end, f"{last[0].text}\n{plan.text}", plan.fact
        )
        return _swap_call(swap, tools)
    if "memory_rethink" in tools:
        return "memory_rethink", {"label": label, "new_memory": applied(plan)}
    return None


def _swap_call(plan: Swap, tools: Mapping[str, ToolSpec]) -> tuple[str, dict[str, Any]] | None:
    label = plan.block.label
    if "memory_replace" in tools:
        return "memory_replace", {"label": label, "old_string": plan.old, "new_string": plan.new}
    if "core_memory_replace" in tools:
        return (
            "core_memory_replace",
            {"label": label, "old_content": plan.old, "new_content": plan.new},
        )
    if "memory" in tools and "old_string" in (
        properties(tools["memory"].parameters) or ["old_string"]
    ):
        path = f"/memories/{label}"
        return "memory", {
            "command": "str_replace",
            "path": path,
            "old_string": plan.old,
            "new_string": plan.new,
        }
    if "memory_rethink" in tools:
        return "memory_rethink", {"label": label, "new_memory": applied(plan)}
    if plan.fact is not None and {"memory_insert", "core_memory_append"} & set(tools):
        # Nothing offered can replace: the newer line stands below the older one.
        return _add_call(Add(plan.block, in_style(plan.fact, plan.block.value), plan.fact), tools)
    return None
