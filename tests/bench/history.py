"""A long conversation made up from a seed, written as recall's segments, for benchmarks."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from lettafs.format import jsonl, layout
from lettafs.format.recall_line import MessageRecord, render_record
from lettafs.values.message import Message, TextPart

__all__ = ["VOCABULARY", "made_up", "real_turns", "write_history"]

VOCABULARY = 40_000
"""Different words a made-up conversation draws from; the n-th is used 1/n as often as the first."""
_MEAN_CHARS = 186
_BEGIN = datetime(2024, 1, 1, 9, tzinfo=UTC)
_SYLLABLES = [a + b for a in "bdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]


def made_up(seed: int) -> Iterator[str]:
    """Yield texts without end, of about 186 characters each."""
    random_ = random.Random(seed)
    words = list(
        dict.fromkeys(
            "".join(random_.choices(_SYLLABLES, k=1 + min(4, number // 300 + number % 3)))
            for number in range(VOCABULARY)
        )
    )
    weights = list(accumulate(1 / (number + 1) for number in range(len(words))))
    while True:
        size = max(1, int(random_.gauss(_MEAN_CHARS / 8.2, 9)))
        yield " ".join(random_.choices(words, cum_weights=weights, k=size)).capitalize() + "."


def real_turns(place: Path) -> Iterator[str]:
    """Yield what people said in the conversations of a LoCoMo file, over and over."""
    turns = []

    def collect(found: object) -> None:
        if isinstance(found, dict):
            if isinstance(found.get("text"), str) and "speaker" in found:
                turns.append(f"{found['speaker']}: {found['text']}")
            for value in found.values():
                collect(value)
        elif isinstance(found, list):
            for value in found:
                collect(value)

    collect(json.loads(place.read_text(encoding="utf-8")))
    while turns:
        yield from turns


def write_history(
    root: Path, messages: int, seed: int = 1, *, texts: Iterator[str] | None = None, first: int = 1
) -> int:
    """Write so many messages as recall of a home, in new segments; return the characters said.

    Args:
        root: the home; `recall/` in it is made.
        messages: how many.
        seed: of the texts and ids; the same one writes the same bytes.
        texts: what is said; None: made up.
        first: number of the first segment.
    """
    random_ = random.Random(f"ids of {seed}")
    said = texts if texts is not None else made_up(seed)
    folder = root / layout.RECALL
    folder.mkdir(parents=True, exist_ok=True)
    number, total = first, 0
    lines: list[bytes] = []
    size = 0
    run = ""
    for index in range(messages):
        text = next(said)
        total += len(text)
        if index % 2 == 0:
            run = f"run-{uuid.UUID(int=random_.getrandbits(128), version=4)}"
        message = Message(
            id=f"message-{uuid.UUID(int=random_.getrandbits(128), version=4)}",
            role="assistant" if index % 2 else "user",
            parts=(TextPart(text),),
            created_at=(_BEGIN + timedelta(minutes=7 * index)).isoformat(),
            run_id=run,
        )
        line = jsonl.frame(render_record(MessageRecord(index + 1, message)))
        lines.append(line)
        size += len(line)
        if size >= layout.SEGMENT_ROLL_BYTES or index == messages - 1:
            (folder / layout.segment_name(number)).write_bytes(b"".join(lines))
            number, lines, size = number + 1, [], 0
    return total
