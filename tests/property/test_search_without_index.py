"""Whatever happened to a home and to its indexes: a search answers as one without any index."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lettafs.embed.hashed import HashedEmbedder
from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.home.home import Home
from lettafs.index.engine import keeping
from lettafs.index.place import IndexPlace
from lettafs.llm.scripted import ScriptedModel
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import ModelChoice
from lettafs.values.message import Message, Role, TextPart, ToolCall, ToolReturn
from lettafs.values.passage import Passage
from tests.support.homes import CALLER, make_home

KEY = b"k" * 32
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = "boat violin tea harbour Caroline key boiler repair zebra tax winter note fuel line".split()
QUERIES = ["boat", "Where is the key?", "violin tea", "Caroline repaired the fuel line", ""]
QUERIES += ["zebra winter tax harbour", "note", "yesterday", "in January", "no_such_word"]
EXACT = ["boat", "TEA VIOLIN", "e", "key.\nThe", '"', "no_such_word"]


class Life:
    """A home to which things happen, an agent that keeps indexes of it, and one that does not."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root, self.chance = root, chance
        make_home(root)
        self.count = 0
        self.agent = self.opened()
        self.plain = self.opened(indexed=False)

    def opened(self, *, indexed: bool = True) -> Agent:
        # Both by words and by meaning; without a key nothing is kept, and vectors in memory only.
        key = KEY if indexed else None
        place = IndexPlace(
            self.root / ".lettafs/index", lambda: key, lambda handle: HashedEmbedder()
        )
        model = ScriptedModel([])
        return Agent(
            Home(self.root, indexes=place),
            caller=CALLER,
            choose=lambda handle, url: ModelChoice(model.handle, "named by the test"),
            load=lambda choice: model,
            reopen=lambda path: self.opened(),
        )

    @property
    def home(self) -> Home:
        return self.agent._home

    def words(self, most: int = 12) -> str:
        said = self.chance.choices(WORDS, k=self.chance.randrange(1, most))
        return self.chance.choice([" ", " the ", ".\nThe ", ' "']).join(said) + "."

    def time(self) -> str:
        when = BEGIN + timedelta(minutes=self.count * 700 + self.chance.randrange(3000))
        return self.chance.choice(
            [when.isoformat(), f"{when:%Y-%m-%d %H:%M}", "some day"][:2] * 9 + ["?"]
        )

    def message(self) -> MessageRecord:
        self.count += 1
        role: Role = self.chance.choice(["user", "assistant", "assistant", "tool"])
        parts: tuple[Any, ...] = (TextPart(self.words()),)
        if role == "tool":
            parts = (ToolReturn("c", "look", "success", self.words()),)
        elif role == "assistant" and self.chance.random() < 0.2:
            told = json.dumps({"message": self.words()})
            parts = (TextPart("I think."), ToolCall("c", "send_message", told))
        elif self.chance.random() < 0.1:
            parts = (TextPart("Two parts: bo"), TextPart(f"at {self.words()}"))
        return MessageRecord(
            0,
            Message(
                f"message-{self.count}",
                role,
                parts,
                self.time(),
                partial=self.chance.random() < 0.05,
                conversation_id=self.chance.choice(["default", "default", "side"]),
                run_id=f"run-{self.count // 4}",
            ),
        )

    def talk(self) -> None:
        self.home.recall.append([self.message() for _ in range(self.chance.randrange(1, 15))])

    def undo(self) -> None:
        if self.count:
            ids = tuple(f"message-{self.chance.randrange(1, self.count + 1)}" for _ in range(3))
            self.home.recall.append([WindowRecord(0, "undo", drop=ids)])

    def put_away(self) -> None:
        passages = []
        for _ in range(self.chance.randrange(1, 6)):
            self.count += 1
            words = self.words()
            if self.chance.random() < 0.2:
                words = "\n\n".join(f"# Part {n}\n\n{self.words(200)}" for n in range(4))
            tags = tuple(
                {*self.chance.choices(["food", "boat", "old"], k=self.chance.randrange(3))}
            )
            name = f"passage-{self.chance.randrange(60)}"
            passages.append(Passage(name, words, self.time(), tags))
        self.home.archival.insert(passages)

    def take_away(self) -> None:
        known = [*self.home.archival.passages()]
        if known:
            some = self.chance.sample(known, k=min(2, len(known)))
            self.home.archival.delete(some, created_at=self.time())

    def edit_by_hand(self) -> None:
        paths = sorted(self.root.glob("recall/*.jsonl")) + sorted(
            self.root.glob("archival/*.jsonl")
        )
        if paths:
            path = self.chance.choice(paths)
            lines = path.read_bytes().splitlines(keepends=True)
            number = self.chance.randrange(len(lines))
            old, new = self.chance.sample(WORDS, k=2)
            match self.chance.randrange(4):
                case 0:
                    del lines[number]
                case 1:
                    lines[number] = b"not json\n"
                case _:
                    lines[number] = lines[number].replace(old.encode(), new.encode())
            path.write_bytes(b"".join(lines) or b"\n")

    def keep_up(self) -> None:
        self.agent.keep_up()
        assert not self.agent.is_behind()

    def begin_to_keep_up(self) -> None:
        asked = iter(range(self.chance.randrange(20)))
        self.agent.keep_up(stop=lambda: next(asked, None) is None)

    def open_again(self) -> None:
        self.agent = self.opened()

    def lose_the_derived(self) -> None:
        shutil.rmtree(self.root / ".lettafs", ignore_errors=True)

    def damage(self) -> None:
        files = [p for p in (self.root / ".lettafs").rglob("*") if p.is_file()]
        if files:
            path = self.chance.choice(sorted(files))
            data = bytearray(path.read_bytes())
            if data:
                data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
                path.write_bytes(data)

    def compare(self) -> None:
        chance = self.chance
        how: dict[str, Any] = {"k": chance.choice([1, 3, 10, 50]), "page": chance.choice([0, 0, 1])}
        how["sources"] = chance.choice([["recall"], ["archival"], ["recall", "archival"]])
        if chance.random() < 0.3:
            how["since"] = f"2026-01-{chance.randrange(1, 20):02}"
            how["until"] = f"2026-02-{chance.randrange(1, 20):02}"
        if chance.random() < 0.2:
            how["roles"] = ("tool",)
        if chance.random() < 0.2:
            how["conversation_id"] = "side"
        if chance.random() < 0.3:
            how["tags"], how["all_tags"] = ["food", "boat"], chance.random() < 0.5
        how["exact"] = chance.random() < 0.3
        query = chance.choice(EXACT if how["exact"] else QUERIES)
        # Words never lag, vectors do: the answers are equal once both have them.
        if "archival" in how["sources"] and query.strip() and not how["exact"]:
            self.agent.keep_up()
            self.plain.keep_up()

        answer, expected = (one.search(query, **how) for one in (self.agent, self.plain))

        assert answer == expected, (query, how)


@pytest.mark.parametrize("seed", range(3))
def test_search_answers_as_one_without_any_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # Small segments and batches: what takes years is then done in a minute of talk.
    monkeypatch.setattr("lettafs.format.layout.SEGMENT_ROLL_BYTES", 2_000)
    monkeypatch.setattr(keeping, "_BATCH", 12)
    chance = random.Random(seed)
    life = Life(tmp_path, chance)
    steps: dict[Callable[[], None], int] = {
        life.talk: 6,
        life.undo: 1,
        life.put_away: 4,
        life.take_away: 1,
        life.edit_by_hand: 3,
        life.keep_up: 3,
        life.begin_to_keep_up: 2,
        life.open_again: 1,
        life.lose_the_derived: 1,
        life.damage: 1,
    }
    for step in chance.choices([*steps], [*steps.values()], k=24):
        step()
        life.compare()
        life.compare()
