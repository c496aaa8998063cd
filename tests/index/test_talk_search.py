"""Search in recall: what is found, under which filters, and that an index changes none of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.index.talk_search import TalkSearch
from lettafs.index.wanted import Wanted
from lettafs.stores.recall import Recall
from lettafs.values.hit import Hit
from lettafs.values.message import Message, Role, TextPart, ToolReturn

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


def row(number: int, words: str, *, role: Role = "user", day: int = 0, **fields: Any) -> Message:
    created_at = fields.pop("created_at", (NOW - timedelta(days=100 - day)).isoformat())
    part = ToolReturn("c", "look", "success", words) if role == "tool" else TextPart(words)
    return Message(f"m{number}", role, (part,), created_at, **fields)


def search_of(root: Path, rows: Iterable[Message], *, indexed: bool) -> TalkSearch:
    """Return a search over messages; with `indexed` none of it is left to be read from the text."""
    recall = Recall(root)
    recall.append([MessageRecord(0, message) for message in rows])
    search = TalkSearch(recall, directory=root / ".lettafs/index/recall", key=KEY)
    if indexed:
        search.index.catch_up()
        assert search.index.pending() == 0
    return search


def wanted(**fields: Any) -> Wanted:
    given: dict[str, Any] = {"zone": UTC, "now": NOW} | fields
    return Wanted(**given)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


@pytest.fixture(params=[False, True], ids=["text", "index"])
def indexed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_question_finds_the_answer_among_much_else(tmp_path: Path, indexed: bool) -> None:
    rows = [row(n, f"We spoke about topic {n} and the weather.", day=n) for n in range(40)]
    rows[20] = row(20, "The violin teacher is called Ms. Okafor.", day=20)
    search = search_of(tmp_path, rows, indexed=indexed)

    hits = search.find("What is the name of my violin teacher?", wanted(), limit=3)

    assert hits[0].id == "m20"
    assert (hits[0].role, hits[0].created_at) == ("user", rows[20].created_at)


@pytest.mark.parametrize(
    "words, query",
    [
        ("\u6211\u6628\u5929\u5728\u5317\u4eac\u5403\u4e86\u70e4\u9e2d", "\u70e4\u9e2d"),
        (
            "\u660e\u65e5\u306f\u6b6f\u533b\u8005\u306e\u4e88\u7d04\u304c\u3042\u308b",
            "\u6b6f\u533b\u8005",
        ),
        (
            "\uc5b4\uc81c \ubd80\uc0b0\uc5d0\uc11c \ud68c\ub97c \uba39\uc5c8\uc5b4\uc694",
            "\ubd80\uc0b0",
        ),
        (
            "\u0e09\u0e31\u0e19\u0e0a\u0e2d\u0e1a\u0e01\u0e34\u0e19\u0e2a\u0e49\u0e21\u0e15\u0e33",
            "\u0e2a\u0e49\u0e21\u0e15\u0e33",
        ),
        ("Meine Krankenversicherung ist teuer", "Versicherung"),
        ("Die Versicherung zahlt", "Krankenversicherung"),
        ("The bug is in parse_user_input() of utils.py", "parse_user_input"),
        ("The bug is in parse_user_input() of utils.py", "user input"),
        ("Write to j.doe+boats@example.co.uk please", "j.doe+boats@example.co.uk"),
        ("Write to j.doe+boats@example.co.uk please", "example.co.uk"),
        ("Le caf\u00e9 na\u00eff", "cafe naif"),
        ("Le cafe naif", "caf\u00e9"),
        (
            "\u041c\u043e\u044f \u0441\u043e\u0431\u0430\u043a\u0430 \u0441\u043f\u0438\u0442",
            "\u0441\u043e\u0431\u0430\u043a\u0430",
        ),
        ("We released v2.1-rc and fixed issue #1234", "v2.1-rc"),
        ("She teaches C++ and C#", "C++"),
    ],
)
def test_every_script_and_spelling_is_found(
    tmp_path: Path, words: str, query: str, indexed: bool
) -> None:
    rows = [row(n, f"Something else altogether, number {n}.", day=n * 3) for n in range(12)]
    rows.append(row(99, words, day=60))
    search = search_of(tmp_path, rows, indexed=indexed)

    assert ids(search.find(query, wanted(), limit=1)) == ["m99"]


def test_filters_let_through_what_they_name_and_nothing_else(tmp_path: Path, indexed: bool) -> None:
    rows = [
        row(1, "tea one", day=1),
        row(2, "tea two", role="assistant", day=2),
        row(3, "tea three", role="tool", day=3),
        row(4, "tea four", day=4, conversation_id="other"),
        row(5, "tea five", day=5, run_id="run-1"),
        row(6, "tea six", day=6, partial=True, role="assistant"),
        row(7, "tea seven", day=7, created_at="in spring"),
    ]
    search = search_of(tmp_path, rows, indexed=indexed)

    def found(**fields: Any) -> set[str]:
        return set(ids(search.find("tea", wanted(**fields), limit=20)))

    assert found() == {"m1", "m2", "m4", "m5", "m6", "m7"}
    assert found(roles=("tool",)) == {"m3"}
    assert found(roles=("assistant",)) == {"m2", "m6"}
    assert found(conversation_id="other") == {"m4"}
    assert found(conversation_id="nobody's") == set()
    assert found(without_run="run-1") == {"m1", "m2", "m4", "m6", "m7"}
    assert found(without_run="run-1", again={"m5"}) == found()
    assert found(partial=False) == {"m1", "m2", "m4", "m5", "m7"}
    day = NOW - timedelta(days=98)
    assert found(since=day, until=day) == {"m2"}
    assert found(since=day) == {"m2", "m4", "m5", "m6"}


def test_time_without_an_offset_is_in_the_agents_zone(tmp_path: Path, indexed: bool) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    rows = [
        row(1, "tea early", created_at="2026-03-01T00:30:00"),
        row(2, "tea late", created_at="2026-03-01T23:30:00Z"),
    ]
    search = search_of(tmp_path, rows, indexed=indexed)

    def found(since: str, until: str) -> list[str]:
        span = {
            "since": datetime.fromisoformat(since).replace(tzinfo=berlin),
            "until": datetime.fromisoformat(until).replace(tzinfo=berlin),
        }
        return ids(search.find("tea", wanted(zone=berlin, **span), limit=9))

    assert found("2026-03-01", "2026-03-01T23:59") == ["m1"]
    assert found("2026-03-02", "2026-03-02T23:59") == ["m2"]


def test_what_was_taken_back_is_neither_found_nor_context(tmp_path: Path, indexed: bool) -> None:
    rows = [
        row(1, "The recipe needs saffron.", day=1),
        row(2, "My uncle lives in Turin.", day=1),
        row(3, "Green is nice.", day=1),
    ]
    search = search_of(tmp_path, rows, indexed=indexed)
    search._recall.append([WindowRecord(0, reason="undo", drop=("m1",))])

    assert search.find("Which recipe needs saffron?", wanted(), limit=9) == []


def test_pages_show_everything_once_in_one_order(tmp_path: Path, indexed: bool) -> None:
    rows = [row(n, f"tea and thing {n % 7} of {n}", day=n // 3) for n in range(90)]
    search = search_of(tmp_path, rows, indexed=indexed)

    whole = ids(search.find("tea thing 3", wanted(), limit=90))
    pages = [
        ids(search.find("tea thing 3", wanted(), limit=20, skip=20 * page)) for page in range(5)
    ]

    assert [one for page in pages for one in page] == whole
    assert len(set(whole)) == len(whole) == 90


def test_without_a_query_the_newest_come_first(tmp_path: Path, indexed: bool) -> None:
    search = search_of(tmp_path, [row(n, f"tea {n}", day=n) for n in range(9)], indexed=indexed)

    hits = search.find("  ", wanted(), limit=3, skip=1)

    assert ids(hits) == ["m7", "m6", "m5"]
    assert {hit.score for hit in hits} == {0.0}


@pytest.mark.parametrize(
    "query, found",
    [
        ("a.b*", ["m1"]),
        ("A.B*C", ["m1"]),
        ('say "hi"', ["m2"]),
        ("line\nbreak", ["m3"]),
        ("back\\slash", ["m4"]),
        ("STRASSE", ["m5"]),
        ("\u00fcber", ["m6"]),
        ("tea", []),
        (" ", ["m6", "m5", "m4", "m3", "m2", "m1"]),
    ],
)
def test_exact_search_takes_the_query_as_it_stands(
    tmp_path: Path, query: str, found: list[str], indexed: bool
) -> None:
    texts = [
        "x a.b*c y",
        'they say "hi" then',
        "line\nbreak",
        "back\\slash",
        "Stra\u00dfe",
        "\u00dcber",
    ]
    rows = [row(n, words, day=n) for n, words in enumerate(texts, 1)]
    search = search_of(tmp_path, rows, indexed=indexed)

    assert ids(search.find(query, wanted(), limit=9, exact=True)) == found


def test_message_that_two_machines_brought_is_found_once(tmp_path: Path, indexed: bool) -> None:
    rows = [row(1, "tea for two"), row(2, "The sky"), row(1, "tea for two")]
    search = search_of(tmp_path, rows, indexed=indexed)

    assert ids(search.find("tea", wanted(), limit=9)) == ["m1"]


def test_line_edited_by_hand_is_found_by_what_it_says_now(tmp_path: Path, indexed: bool) -> None:
    search = search_of(tmp_path, [row(1, "I like tea"), row(2, "I like milk")], indexed=indexed)
    (segment,) = tmp_path.glob("recall/*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"like tea", b"like cocoa"))

    assert search.find("tea", wanted(), limit=9) == []
    assert ids(search.find("cocoa", wanted(), limit=9)) == ["m1"]


def test_long_message_is_shown_by_the_part_that_answers(tmp_path: Path, indexed: bool) -> None:
    search = search_of(tmp_path, [row(1, "so " * 900 + "saffron " + "and " * 900)], indexed=indexed)

    (hit,) = search.find("saffron", wanted(snippet_chars=80), limit=9)
    (exact,) = search.find("saffron and", wanted(snippet_chars=80), limit=9, exact=True)

    for shown in (hit.snippet, exact.snippet):
        assert "saffron" in shown
        assert len(shown) <= 90
    assert len(hit.text) > 5_000
