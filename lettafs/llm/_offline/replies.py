"""The reply of a turn, put together: what was done, what was found, what could not be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from lettafs.llm._offline.answers import (
    MODEL_HINT,
    about_talk,
    answer_from_blocks,
    describe_edit,
    edit_of,
    found_text,
    kept_text,
    label_is_human,
    nothing_found,
    quoted,
)
from lettafs.llm._offline.calls import EDIT_TOOLS, tool_call
from lettafs.llm._offline.file_answers import answers_about_files
from lettafs.llm._offline.file_calls import ALL_FILE_TOOLS, FILE_TOOLS
from lettafs.llm._offline.file_hits import is_file_hit
from lettafs.llm._offline.match import known_name
from lettafs.llm._offline.plans import Add, Known, Refused, Swap, plan_forgetting
from lettafs.llm._offline.prompt import Done, SeenBlock
from lettafs.llm._offline.scene import (
    MOST_QUESTIONS,
    Scene,
    files_first,
    found_hits,
    plans,
    too_many,
    touched,
    was_done,
)
from lettafs.llm._offline.search import SEARCH_TOOLS
from lettafs.llm._offline.text import shorten

__all__ = ["final_text"]


def final_text(scene: Scene) -> str:
    """Return the words that end the turn."""
    parts = [
        *_opening(scene),
        *_about_edits(scene),
        *_about_plans(scene),
        *_about_forgetting(scene),
        *_about_files(scene),
        *_about_questions(scene),
    ]
    if not parts and scene.heard.talk:
        parts = [about_talk(kind, scene.blocks) for kind in dict.fromkeys(scene.heard.talk)][:2]
    if not parts and not scene.turn.text.strip():
        parts = [about_talk("greeting", scene.blocks)]
    if not parts and not re.search(r"\w", scene.turn.text):
        parts = ["There are no words in that for me to keep or to look up."]
    return _joined(parts) if parts else kept_text(scene.said_before)


def _joined(parts: Sequence[str]) -> str:
    """Return the parts as one text; what has lines of its own stands apart."""
    text = parts[0]
    for before, part in pairwise(parts):
        text += ("\n\n" if "\n" in before or "\n" in part else " ") + part
    return text


def _about_files(scene: Scene) -> list[str]:
    hint = not any(MODEL_HINT in text for text in scene.said_before)
    return answers_about_files(scene.asks, scene.shelf, scene.turn, tools=scene.tools, hint=hint)


def _opening(scene: Scene) -> list[str]:
    heard = scene.heard
    name = next((f.value for f in heard.facts if f.topic == "name" and f.about == "human"), None)
    if name is not None and not any(each.failed for each in scene.turn.done):
        return [f"Nice to meet you, {name}." if heard.met or heard.talk else f"All right, {name}."]
    busy = heard.facts or heard.remember or heard.questions or heard.forget
    small = [kind for kind in ("greeting", "thanks") if kind in heard.talk]
    if busy and small:
        return [about_talk(small[0], scene.blocks)]
    if busy and [kind for kind in heard.talk if kind in ("who", "help", "model")]:
        return [about_talk("who", scene.blocks)]
    return []


def _about_edits(scene: Scene) -> list[str]:
    said: list[str] = []
    additions: dict[str, list[str]] = {}
    for each in scene.turn.done:
        if each.name not in EDIT_TOOLS and each.name != "archival_memory_insert":
            if each.failed and each.name not in SEARCH_TOOLS and each.name not in ALL_FILE_TOOLS:
                said.append(_failure(each))
            continue
        if each.failed:
            said.append(_failure(each))
            continue
        text = describe_edit(each, name_was=_name_taken_out(each))
        if text.startswith("I added ") and " to the " in text:
            what, _, place = text.removeprefix("I added ").rpartition(" to ")
            additions.setdefault(place, []).append(what)
        else:
            said.append(text)
    for place, whats in additions.items():
        listed = whats[0] if len(whats) == 1 else f"{', '.join(whats[:-1])} and {whats[-1]}"
        said.append(f"I added {listed} to {place}")
    return said


def _name_taken_out(done: Done) -> str | None:
    label, old, new = edit_of(done)
    if not old or not new or not label_is_human(label):
        return None
    was = known_name("human", (SeenBlock("human", old),))
    now = known_name("human", (SeenBlock("human", new),))
    return was if was and now and was != now else None


def _failure(done: Done) -> str:
    return f"The {done.name} tool refused: {shorten(done.text, 200)} So that is not in my memory."


def _about_plans(scene: Scene) -> list[str]:
    said: dict[str, None] = {}
    for plan in plans(scene):
        if touched(scene, plan.fact):
            continue
        match plan:
            case Known(label=label, quote=quote):
                said[f"That is already in the {label} block: {quoted(quote)}"] = None
            case Refused():
                said[_refusal(plan)] = None
            case Add() | Swap():
                call = tool_call(plan, scene.tools)
                if call is None:
                    said[
                        "I was offered no tool to edit the "
                        f"{plan.block.label} block, so this stays in our conversation only."
                    ] = None
                elif not was_done(scene.turn, call):
                    said[f"I did not get to {quoted(_wanted(plan))}."] = None
    if left := too_many(scene):
        rest = quoted(" ".join(fact.sentence for fact in left))
        said[f"That was more than I write down in one turn; tell me again: {rest}"] = None
    return list(said)


def _wanted(plan: Add | Swap) -> str:
    match plan:
        case Add(text=text):
            return text
        case Swap(new=new):
            return new


def _refusal(plan: Refused) -> str:
    match plan.why:
        case "read_only":
            return (
                f"The {plan.label} block is read-only, so I left it as it is; what "
                f"you said stays in "
                "our conversation history."
            )
        case "no_block":
            return (
                f"I have no {plan.label} block to write that into; it stays in our conversation "
                "history."
            )
        case "nothing_to_correct":
            return (
                f"I am not sure which of my notes {quoted(plan.fact.value)} corrects; say "
                f"it in full."
            )


def _about_forgetting(scene: Scene) -> list[str]:
    if not scene.heard.forget or any(each.name in EDIT_TOOLS for each in scene.turn.done):
        return []
    plan = plan_forgetting(scene.heard.forget[0], scene.blocks)
    match plan:
        case Refused():
            return [_refusal(plan)]
        case Swap():
            return ["I was offered no tool to edit my blocks, so I removed nothing."]
        case None:
            return [
                f"I found no single line about {quoted(scene.heard.forget[0])} in my "
                f"notes about you, "
                "so I removed nothing."
            ]


def _about_questions(scene: Scene) -> list[str]:
    said: list[str] = []
    for question in scene.heard.questions[:MOST_QUESTIONS]:
        answer = None
        if not files_first(scene, question) or not any(
            map(is_file_hit, found_hits(scene, question))
        ):
            answer = answer_from_blocks(question, scene.blocks)
        if answer is None:
            answer = _searched_answer(scene, question)
        if answer not in said:
            said.append(answer)
    return said


def _searched_answer(scene: Scene, question: str) -> str:
    hits = found_hits(scene, question)
    if hits:
        return found_text(hits)
    failures = [each for each in scene.turn.done if each.failed and each.name in SEARCH_TOOLS]
    places = ["the memory blocks"] if scene.blocks else []
    searched = {each.name for each in scene.turn.done if not each.failed}
    if "archival_memory_search" in searched:
        places.append("archival memory")
    places.append("our conversation")
    if searched & set(FILE_TOOLS):
        places.append("your files")
    hint = not any(MODEL_HINT in text for text in scene.said_before)
    text = nothing_found(question, places, hint=hint)
    for each in failures[:1]:
        text += f" The {each.name} tool failed: {shorten(each.text, 200)}"
    return text
