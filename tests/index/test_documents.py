"""Documents: what search knows of a message and of a passage."""

from __future__ import annotations

import pytest

from lettafs.format.passage_line import DeleteRecord, PassageRecord
from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.index.corpus import Document, Mark
from lettafs.index.documents import (
    NAIVE,
    PARTIAL,
    passage_documents,
    said_in,
    signed,
    talk_documents,
)
from lettafs.index.moments import UNKNOWN_US
from lettafs.sdk.answer import said
from lettafs.tools.arguments import read_arguments
from lettafs.tools.messaging import SEND_MESSAGE
from lettafs.values.message import Message, TextPart, ToolCall, ToolReturn
from lettafs.values.passage import Passage

TIME = "2026-03-01T12:00:00+00:00"


def row(words: str = "tea", **fields: object) -> Message:
    parts = fields.pop("parts", (TextPart(words),))
    role = fields.pop("role", "user")
    created_at = fields.pop("created_at", TIME)
    return Message("m1", role, parts, created_at, **fields)  # type: ignore[arg-type]


def document(message: Message) -> Document:
    (found,) = talk_documents(MessageRecord(1, message))
    assert isinstance(found, Document)
    return found


def test_message_is_known_by_its_words_time_role_and_run() -> None:
    found = document(row("The teas", role="assistant", run_id="run-1"))

    assert (found.key, "tea" in found.words) == ("m1", True)
    assert found.fields[:2] == (1_772_366_400_000_000, 1)
    assert found.fields != document(row("The teas", role="assistant", run_id="run-2")).fields


@pytest.mark.parametrize(
    "message",
    [
        row(kind="heartbeat"),
        row(kind="summary"),
        row(kind="alert"),
        row(" "),
        row(role="system"),
        row(parts=(ToolCall("c", "find", '{"query": "tea"}'),)),
        row(
            role="tool", parts=(ToolReturn("c", "conversation_search", "success", "You said tea."),)
        ),
    ],
)
def test_rows_lettafs_wrote_and_rows_without_words_are_not_found(message: Message) -> None:
    assert talk_documents(MessageRecord(1, message)) == ()


@pytest.mark.parametrize(
    "created_at, time_us, flags",
    [
        (TIME, 1_772_366_400_000_000, 0),
        ("2026-03-01T12:00:00Z", 1_772_366_400_000_000, 0),
        ("2026-03-01T14:00:00+02:00", 1_772_366_400_000_000, 0),
        ("2026-03-01T12:00:00", 1_772_366_400_000_000, NAIVE),
        ("2026-03-01", 1_772_323_200_000_000, NAIVE),
        ("in spring", UNKNOWN_US, 0),
        ("", UNKNOWN_US, 0),
    ],
)
def test_time_is_kept_with_whether_it_named_its_offset(
    created_at: str, time_us: int, flags: int
) -> None:
    found = document(row(created_at=created_at))

    assert (found.fields[0], found.fields[3]) == (time_us, flags)


def test_reply_that_broke_off_is_marked() -> None:
    assert document(row(partial=True)).fields[3] == PARTIAL


@pytest.mark.parametrize(
    "message, labels",
    [
        (row(name="Caroline Smith"), ("who:caroline", "who:smith")),
        (row("Caroline: Hey Mel!"), ("who:caroline",)),
        (row("Zo\u00eb Kravitz: Hi"), ("who:zoe", "who:kravitz")),
        (row("See: this"), ("who:see",)),
        (row("at 12:30 we left"), ()),
        (row("Hey Mel!"), ()),
        (row("Caroline: Hi", role="tool", parts=(ToolReturn("c", "x", "success", "Mel: hi"),)), ()),
    ],
)
def test_speaker_is_the_messages_name_or_the_one_it_begins_with(
    message: Message, labels: tuple[str, ...]
) -> None:
    assert document(message).labels == labels


def test_undo_marks_what_it_drops() -> None:
    record = WindowRecord(3, reason="undo", drop=("m1", "m2"))

    assert list(talk_documents(record)) == [Mark("dropped", "m1"), Mark("dropped", "m2")]
    assert talk_documents(WindowRecord(3, reason="trim", start="m1", drop=("m2",))) == ()


@pytest.mark.parametrize(
    "arguments", ["", "[1]", "{}", '"message"', '{"message": ["a"]}', '{"message": null}']
)
def test_broken_send_message_says_nothing(arguments: str) -> None:
    assert said_in(row(role="assistant", parts=(ToolCall("c", "send_message", arguments),))) == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        ('{"message": "Hi."}', "Hi."),
        ('{"message": 7, "request_heartbeat": false}', "7"),
        ('{"message": true}', "true"),
        ('{"message": "half \\ud83d."}', "half \ufffd."),
    ],
)
def test_what_is_found_is_what_the_tool_took_and_the_answer_shows(
    arguments: str, words: str
) -> None:
    message = row(role="assistant", parts=(ToolCall("c", "send_message", arguments),))

    assert said_in(message) == words
    assert said([message]) == words
    own = frozenset({"request_heartbeat"})
    assert read_arguments(SEND_MESSAGE.spec, arguments, ignore=own) == {"message": words}


def test_long_passage_is_known_by_pieces_that_lie_in_it() -> None:
    text = "# Boats\n\n" + "\n\n".join(f"The boat number {n} is red. " * 12 for n in range(9))
    passage = Passage("p1", text, TIME, tags=("sea", "red boats"))

    pieces = [d for d in passage_documents(PassageRecord(passage)) if isinstance(d, Document)]

    assert len(pieces) > 3
    assert {piece.key for piece in pieces} == {"p1"}
    assert {piece.labels for piece in pieces} == {("tag:sea", "tag:red boats")}
    spans = [piece.fields[3:] for piece in pieces]
    assert spans[0][0] == 0
    assert not text[spans[-1][1] :].strip()
    for before, after in zip(spans, spans[1:], strict=False):
        assert before[0] < after[0]
        assert not text[before[1] : after[0]].strip()
    assert len({piece.fields[2] for piece in pieces}) == len(pieces)


def test_short_passage_is_one_piece_found_by_its_tags_too() -> None:
    (found,) = passage_documents(PassageRecord(Passage("p1", "Tea.", TIME, ("hot",))))

    assert isinstance(found, Document)
    assert list(found.words) == ["tea", "hot"]
    assert passage_documents(DeleteRecord("p1", TIME)) == (Mark("deleted", "p1"),)


def test_hash_fits_a_signed_number() -> None:
    assert signed(2**64 - 1) == -1
    assert signed(2**63 - 1) == 2**63 - 1
