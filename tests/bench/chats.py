"""Long chats with questions about them, from a file that is not part of the project (LoCoMo)."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from lettafs.values.message import Message, TextPart

__all__ = ["VARIANTS", "Asked", "Chat", "Variant", "chats_file", "chats_in"]

Variant = Literal["name", "prefix", "neither"]
VARIANTS: dict[Variant, str] = {
    "name": "who speaks is the message's name",
    "prefix": "who speaks begins the text: `Ann: ...`",
    "neither": "who speaks is said nowhere",
}

_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
"""The fifth, questions that have no answer, is left out of what is measured."""
_TURN = re.compile(r"D\d+:0*(\d+)")
_SIBLING = Path(__file__).resolve().parents[3] / "shared/data/locomo-dev/locomo-dev.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the messages that hold its answer."""

    question: str
    category: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation of two people over months."""

    name: str
    messages: tuple[Message, ...]
    questions: tuple[Asked, ...]


def chats_file(given: Path | None) -> Path | None:
    """Return where the chats are: as given, as LETTAFS_BENCH_CHATS says, or beside the project."""
    named = os.environ.get("LETTAFS_BENCH_CHATS")
    path = given or (Path(named) if named else _SIBLING)
    return path if path.is_file() else None


def chats_in(path: Path, *, variant: Variant) -> list[Chat]:
    """Return the chats of a file, with one speaker as the user, the other as the assistant."""
    return [_chat(sample, variant) for sample in json.loads(path.read_text(encoding="utf-8"))]


def _chat(sample: dict[str, Any], variant: Variant) -> Chat:
    told, ids = sample["conversation"], dict[str, str]()
    messages: list[Message] = []
    session = 1
    while f"session_{session}" in told:
        begun = _moment(told[f"session_{session}_date_time"])
        for at, turn in enumerate(told[f"session_{session}"]):
            message_id = f"message-{len(messages):08d}-0000-4000-8000-000000000000"
            ids[_plain(turn["dia_id"])] = message_id
            messages.append(
                Message(
                    message_id,
                    "user" if turn["speaker"] == told["speaker_a"] else "assistant",
                    (TextPart(_text(turn, variant)),),
                    (begun + timedelta(seconds=at)).isoformat(timespec="microseconds"),
                    name=turn["speaker"] if variant == "name" else None,
                )
            )
        session += 1
    asked = []
    for question in sample["qa"]:
        named = re.findall(r"D\d+:\d+", " ".join(question.get("evidence", ())))
        evidence = frozenset(ids[key] for key in map(_plain, named) if key in ids)
        if evidence and question["category"] in _CATEGORIES:
            category = _CATEGORIES[question["category"]]
            asked.append(Asked(question["question"], category, evidence))
    return Chat(sample["sample_id"], tuple(messages), tuple(asked))


def _text(turn: dict[str, Any], variant: Variant) -> str:
    said = str(turn["text"])
    if turn.get("blip_caption"):
        said += f" [shared image: {turn['blip_caption']}]"
    return f"{turn['speaker']}: {said}" if variant == "prefix" else said


def _moment(text: str) -> datetime:
    moment = datetime.strptime(text.replace(" on ", " "), "%I:%M %p %d %B, %Y")
    return moment.replace(tzinfo=UTC)


def _plain(turn_id: str) -> str:
    """Return a turn's id without the zeros some questions write before its number."""
    return _TURN.sub(lambda match: f"{match[0].split(':')[0]}:{match[1]}", turn_id)
