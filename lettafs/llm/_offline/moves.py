"""What the offline model does next: call tools, or say something. A pure function of the request.

Where the turn stands it finds out from the messages alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lettafs.llm._offline.match import block_for
from lettafs.llm._offline.prompt import properties
from lettafs.llm._offline.replies import final_text
from lettafs.llm._offline.samples import filled, sample_arguments
from lettafs.llm._offline.scene import MOST_STEPS, Call, Scene, pending, read_scene, was_done
from lettafs.llm._offline.search import SEARCH_TOOLS, query_of
from lettafs.llm.base import ModelRequest

__all__ = ["Calls", "Move", "Say", "next_move"]

_NOTHING_TO_ADD = "I have nothing to add."


@dataclass(frozen=True, slots=True)
class Say:
    """Plain text; empty ends a turn that has been answered already."""

    text: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Tool calls, with arguments that fit the tools' schemas."""

    calls: tuple[Call, ...]


Move = Say | Calls


def next_move(request: ModelRequest) -> Move:
    """Return the next move for a request, the same for the same request."""
    scene = read_scene(request)
    if request.tool_choice == "none":
        return Say(final_text(scene))
    forced = request.forced_tool
    if request.tool_choice == "required" and forced is not None and forced in scene.tools:
        return _insisted(scene, (forced,))
    if scene.turn.spoken:
        return _afterwards(scene)
    calls = pending(scene) if scene.turn.steps < MOST_STEPS else ()
    if calls:
        return _calls(scene, calls[:1] if scene.one_at_a_time else calls)
    if "send_message" in scene.tools:
        return _send(scene, final_text(scene))
    if request.tool_choice == "required" and scene.tools:
        return _insisted(scene, tuple(scene.tools))
    return Say(final_text(scene))


def _calls(scene: Scene, calls: Sequence[Call]) -> Calls:
    return Calls(
        tuple(
            (name, filled(scene.tools[name], arguments, scene.turn.text))
            for name, arguments in calls
        )
    )


def _send(scene: Scene, text: str) -> Move:
    call: Call = ("send_message", {"message": text})
    return Say(text) if was_done(scene.turn, call) else _calls(scene, (call,))


def _insisted(scene: Scene, names: Sequence[str]) -> Move:
    """Return a call of one of these tools, as the request insists."""
    fitting = [call for call in pending(scene) if call[0] in names]
    if fitting:
        return _calls(scene, fitting[:1])
    for name in sorted(names, key=lambda each: each not in SEARCH_TOOLS):
        call: Call = (name, _arguments_for(scene, name))
        if not was_done(scene.turn, call):
            return _calls(scene, (call,))
    return Say(final_text(scene))


def _arguments_for(scene: Scene, name: str) -> dict[str, Any]:
    if name == "send_message":
        return {"message": final_text(scene)}
    if name in SEARCH_TOOLS:
        return {"query": query_of(scene.turn.text)}
    human = block_for("human", scene.blocks)
    label = human.label if human else "human"
    return sample_arguments(scene.tools[name], scene.turn.text, label=label)


def _afterwards(scene: Scene) -> Move:
    """Return what to do when asked again after the answer was given."""
    for name in scene.tools:
        if name != "send_message" and name in scene.turn.nudge:
            call: Call = (name, _arguments_for(scene, name))
            if not was_done(scene.turn, call) and scene.turn.steps < MOST_STEPS:
                return _calls(scene, (call,))
    heartbeats = any(
        "request_heartbeat" in properties(tool.parameters) for tool in scene.tools.values()
    )
    sent = sum(each.name == "send_message" for each in scene.turn.done)
    if "send_message" in scene.tools and heartbeats and sent < 2:
        return _send(scene, _NOTHING_TO_ADD)
    if "send_message" in scene.tools or not scene.turn.nudge or scene.turn.steps > MOST_STEPS:
        return Say("")
    return Say(_NOTHING_TO_ADD)
