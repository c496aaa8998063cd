"""The scene: a request as far as it matters, and what it still wants done.

Every turn ends: no call is wanted twice with the same arguments, and after `MOST_STEPS` model calls
none is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lettafs.llm._offline.answers import answer_from_blocks, edit_of, wants_conversation
from lettafs.llm._offline.calls import EDIT_TOOLS, tool_call
from lettafs.llm._offline.fact import Fact
from lettafs.llm._offline.file_ask import FileAsk
from lettafs.llm._offline.file_asks import file_asks
from lettafs.llm._offline.file_calls import (
    ALL_FILE_TOOLS,
    FILE_TOOLS,
    Call,
    file_calls,
    file_in_hand,
)
from lettafs.llm._offline.file_hits import file_hits, file_query, prefers_files, sifted
from lettafs.llm._offline.hearing import Heard, hear
from lettafs.llm._offline.match import block_for
from lettafs.llm._offline.plans import Add, Known, Plan, Swap, plan_facts, plan_forgetting
from lettafs.llm._offline.prompt import (
    SeenBlock,
    Turn,
    properties,
    read_blocks,
    read_turn,
    spoken,
)
from lettafs.llm._offline.search import SEARCH_TOOLS, Hit, hits_of, search_calls, window_hits
from lettafs.llm._offline.shelf import Shelf, read_shelf
from lettafs.llm._offline.text import keywords
from lettafs.llm.base import ModelRequest
from lettafs.values.tool import ToolSpec

__all__ = [
    "MOST_QUESTIONS",
    "MOST_STEPS",
    "Call",
    "Scene",
    "files_first",
    "found_hits",
    "pending",
    "plans",
    "read_scene",
    "too_many",
    "touched",
    "was_done",
]

MOST_STEPS = 5
_MOST_FACTS = 8
MOST_QUESTIONS = 2


@dataclass(frozen=True, slots=True)
class Scene:
    """The request as far as it matters for the next move."""

    turn: Turn
    heard: Heard
    blocks: tuple[SeenBlock, ...]
    tools: Mapping[str, ToolSpec]
    said_before: tuple[str, ...]
    """This agent's own earlier words in the window."""
    one_at_a_time: bool
    shelf: Shelf = Shelf()
    """The attached files; empty when no tool for files is offered."""
    asks: tuple[FileAsk, ...] = ()
    """What was asked of the files."""


def read_scene(request: ModelRequest) -> Scene:
    """Return the scene of a request."""
    turn = read_turn(request)
    own = tuple(spoken(each) for each in turn.earlier if each.role == "assistant")
    theirs = tuple(
        spoken(each) for each in turn.earlier if each.role == "user" and each.kind == "message"
    )
    tools = {tool.name: tool for tool in request.tools}
    shelf = Shelf()
    asks: tuple[FileAsk, ...] = ()
    words = turn.text
    if ALL_FILE_TOOLS & set(tools):
        shelf = replace(read_shelf(request.system), in_hand=file_in_hand(turn))
        asks, words = file_asks(turn.text, shelf)
    return Scene(
        turn=turn,
        heard=hear(words, earlier=theirs),
        blocks=read_blocks(request.system),
        tools=tools,
        said_before=tuple(text for text in own if text),
        one_at_a_time=not request.parallel_tool_calls
        or "send_message" in tools
        or any("request_heartbeat" in properties(each.parameters) for each in request.tools),
        shelf=shelf,
        asks=asks,
    )


def was_done(turn: Turn, call: Call) -> bool:
    """Tell whether this call was made in this turn already."""
    return any(each.name == call[0] and _same(each.arguments, call[1]) for each in turn.done)


def _same(had: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # The schema may have had us leave out or add arguments: what counts is what both name.
    return all(had[key] == value for key, value in wanted.items() if key in had) and bool(
        set(had) & set(wanted) or not wanted
    )


def pending(scene: Scene) -> tuple[Call, ...]:
    """Return the tool calls this turn still wants: edits first, then files, then searches."""
    edits = [call for call in _edits(scene) if not was_done(scene.turn, call)]
    if edits:
        return tuple(edits)
    about_files = file_calls(scene.asks, scene.shelf, scene.turn, tools=scene.tools)
    if about_files:
        return about_files
    return tuple(call for call in _searches(scene) if not was_done(scene.turn, call))


def plans(scene: Scene) -> tuple[Plan, ...]:
    """Return what the facts of this turn mean for the blocks, as these are shown."""
    most = MOST_STEPS - 1 if scene.one_at_a_time else _MOST_FACTS
    facts = [*scene.heard.facts, *_asides(scene), *_notes(scene)][:most]
    return plan_facts(facts, scene.blocks)


def _asides(scene: Scene) -> tuple[Fact, ...]:
    """Return the facts in what was to be remembered that the blocks must not contradict."""
    return tuple(
        plan.fact
        for plan in plan_facts(scene.heard.asides, scene.blocks)
        if plan.fact is not None and (isinstance(plan, Swap) or plan.fact.topic == "name")
    )


def too_many(scene: Scene) -> tuple[Fact, ...]:
    """Return the facts there is no room for in one turn."""
    most = MOST_STEPS - 1 if scene.one_at_a_time else _MOST_FACTS
    return scene.heard.facts[most:]


def _notes(scene: Scene) -> tuple[Fact, ...]:
    """Return what was to be remembered as facts for a block, when there is no archival memory."""
    if "archival_memory_insert" in scene.tools:
        return ()
    told = {fact.sentence for fact in scene.heard.facts}
    return tuple(
        Fact("note", text, text, text.rstrip("."))
        for text in scene.heard.remember
        if text not in told
    )


def _edits(scene: Scene) -> list[Call]:
    calls: list[Call] = []
    if "archival_memory_insert" in scene.tools:
        calls += [("archival_memory_insert", {"content": text}) for text in scene.heard.remember]
    for plan in plans(scene):
        if isinstance(plan, Add | Swap) and not touched(scene, plan.fact):
            call = tool_call(plan, scene.tools)
            if call is not None:
                calls.append(call)
    if not any(each.name in EDIT_TOOLS for each in scene.turn.done):
        for what in scene.heard.forget[:1]:
            forgetting = plan_forgetting(what, scene.blocks)
            call = tool_call(forgetting, scene.tools) if isinstance(forgetting, Swap) else None
            if call is not None:
                calls.append(call)
    return calls


def touched(scene: Scene, fact: Fact | None) -> bool:
    """Tell whether an edit of this turn was about this fact already."""
    if fact is None:
        return False
    block = block_for(fact.about, scene.blocks)
    for each in scene.turn.done:
        label, _, new = edit_of(each)
        if each.name not in EDIT_TOOLS or block is None or label != block.label:
            continue
        if fact.topic.startswith("swap") and fact.value in new:
            return True
        if isinstance(plan_facts((fact,), (replace(block, value=new),))[0], Known):
            return True
    return False


def _open_questions(scene: Scene) -> tuple[str, ...]:
    """Return the questions the blocks do not answer."""
    return tuple(
        question
        for question in scene.heard.questions[:MOST_QUESTIONS]
        if files_first(scene, question) or answer_from_blocks(question, scene.blocks) is None
    )


def files_first(scene: Scene, question: str) -> bool:
    """Tell whether a question is to be answered from files before anything else."""
    if not set(FILE_TOOLS) & set(scene.tools) or wants_conversation(question):
        return False
    return prefers_files(question, scene.shelf)


def _searches(scene: Scene) -> list[Call]:
    calls: list[Call] = []
    for question in _open_questions(scene):
        talk_first = wants_conversation(question)
        wanted = search_calls(
            question,
            scene.tools,
            talk_first=talk_first,
            files_first=files_first(scene, question),
            file_query=file_query(question) if scene.shelf.files else "",
        )
        undone = [call for call in wanted if not was_done(scene.turn, call)]
        found = bool(found_hits(scene, question))
        if undone and not (found and scene.one_at_a_time):
            calls += [call for call in undone if call not in calls]
        elif not found and not undone:
            calls += [call for call in _second_try(scene, question) if call not in calls]
    return calls


def _second_try(scene: Scene, question: str) -> list[Call]:
    # A search that wants all words together may miss a text that has the telling one.
    words = keywords(question)
    if len(words) < 2 or "conversation_search" not in scene.tools:
        return []
    return [("conversation_search", {"query": max(words, key=_telling)})]


def _telling(word: str) -> tuple[bool, int]:
    return word[0].isupper(), len(word)


def found_hits(scene: Scene, question: str) -> tuple[Hit, ...]:
    """Return what the searches of this turn found for a question, best first."""
    asked = (scene.turn.text, *scene.heard.questions)
    found: list[Hit] = []
    for each in scene.turn.done:
        if each.name in FILE_TOOLS and scene.shelf.folders:
            found += () if each.failed else file_hits(each, question, scene.shelf)
        elif each.name in SEARCH_TOOLS and not each.failed:
            found += hits_of(each, question, asked=asked)
    if "conversation_search" not in scene.tools:
        found += window_hits(question, scene.turn.earlier, asked=asked)
    preferred = "our conversation" if wants_conversation(question) else ""
    ordered = sorted(found, key=lambda hit: (hit.source != preferred, -hit.score))
    return sifted(ordered, question, files_first=files_first(scene, question))
