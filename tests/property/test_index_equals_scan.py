"""Whatever was written, indexed, edited and deleted: the index answers as the plain text does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from lettafs.index.engine import keeping
from lettafs.index.engine.index import WordIndex
from tests.support.corpora import FIELDS, Line, differences, extract, plain_scan, segments_of

KEY = b"k" * 32

WORDS = ["a", "b", "ab", "abc", "zebra", "compoundword", "otherword", "wordcompound", "é", "日本"]
WORDS += [f"w{n}" for n in range(20)] + ["\ud800", "x" * 300, ""]
NUMBERS = (0, 1, -1, 2**63 - 1, -(2**63), 300, 70_000)


class Home:
    """Lines that grow, are edited and vanish, while an index is kept of them."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        self.texts: dict[int, list[str]] = {}
        (root / "lines").mkdir(parents=True)
        self.segments = segments_of(root)
        self.index = self.another_index()

    def another_index(self, *, directory: bool = True) -> WordIndex[Line]:
        return WordIndex(
            self.segments,
            extract=extract,
            fields=FIELDS,
            directory=self.root / ".lettafs/index/lines" if directory else None,
            key=KEY,
            version="1",
        )

    def line(self) -> str:
        chance = self.chance
        if chance.random() < 0.1:
            return chance.choice(["", "not json", "{}", '{"items": []}'])
        items: list[dict[str, object]] = []
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            key = f"k{chance.randrange(5)}"
            if chance.random() < 0.1:
                items.append({"mark": "gone", "key": key})
                continue
            words = chance.choices(WORDS, k=chance.choice([0, 1, 5, 12]))
            if chance.random() < 0.02:
                words *= 300
            tags = ["tag:x", "who:z", *(f"tag:{n}" for n in range(30))]
            labels = chance.choices(tags, k=chance.choice([0, 0, 1, 2]))
            fields = [chance.choice(NUMBERS) for _ in range(FIELDS)]
            items.append({"key": key, "words": words, "labels": labels, "fields": fields})
        return json.dumps({"items": items})

    def write(self, number: int, *, tail: str = "") -> None:
        path = self.root / "lines" / f"{number:06}.jsonl"
        text = "".join(f"{line}\n" for line in self.texts[number]) + tail
        path.write_text(text, encoding="utf-8", newline="")

    def append(self) -> None:
        last = max(self.texts, default=1)
        self.texts.setdefault(last, []).extend(self.line() for _ in range(self.chance.randrange(8)))
        self.write(last)

    def roll(self) -> None:
        for _ in range(self.chance.randrange(1, 6)):
            last = max(self.texts, default=0) + 1
            self.texts[last] = [self.line() for _ in range(self.chance.randrange(8))]
            self.write(last)

    def append_half_a_line(self) -> None:
        last = max(self.texts, default=1)
        self.texts.setdefault(last, [])
        self.write(last, tail=self.line())

    def edit_a_line(self) -> None:
        for number in self.chance.sample(sorted(self.texts), k=min(2, len(self.texts))):
            lines = self.texts[number]
            if lines:
                lines[self.chance.randrange(len(lines))] = self.line()
            self.write(number)

    def delete_a_segment(self) -> None:
        if len(self.texts) > 2:
            number = self.chance.choice(sorted(self.texts))
            del self.texts[number]
            (self.root / "lines" / f"{number:06}.jsonl").unlink()

    def catch_up(self) -> None:
        self.index.catch_up()
        assert self.index.pending() == 0

    def another_process_catches_up(self) -> None:
        self.another_index().catch_up()

    def begin_to_catch_up(self) -> None:
        asked = iter(range(self.chance.randrange(30)))
        self.index.catch_up(stop=lambda: next(asked, None) is None)

    def forget(self) -> None:
        self.index = self.another_index(directory=self.chance.random() < 0.8)

    def discard(self) -> None:
        self.index.discard()

    def steps(self, count: int) -> list[Callable[[], None]]:
        weighted = {
            self.append: 4,
            self.roll: 4,
            self.append_half_a_line: 1,
            self.edit_a_line: 3,
            self.delete_a_segment: 1,
            self.catch_up: 4,
            self.another_process_catches_up: 2,
            self.begin_to_catch_up: 2,
            self.forget: 1,
            self.discard: 0.3,
        }
        return self.chance.choices(list(weighted), list(weighted.values()), k=count)


def walk(home: Home, *, steps: int) -> None:
    done: list[str] = []
    for step in home.steps(steps):
        done.append(step.__name__)
        if step == home.catch_up and home.index._directory is None:
            continue
        step()
        assert differences(home.index.snapshot(), plain_scan(home.segments)) == [], done


@pytest.mark.parametrize("batch", [1, 10, 20_000])
@pytest.mark.parametrize("seed", range(3))
def test_an_index_answers_as_the_plain_text_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, batch: int
) -> None:
    monkeypatch.setattr(keeping, "_BATCH", batch)
    walk(Home(tmp_path / "home", random.Random(f"{seed} {batch}")), steps=25)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_index_answers_as_the_plain_text_does_over_many_walks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(100):
        monkeypatch.setattr(keeping, "_BATCH", [1, 5, 30, 20_000][seed % 4])
        walk(Home(tmp_path / f"home{seed}", random.Random(f"long {seed}")), steps=40)
