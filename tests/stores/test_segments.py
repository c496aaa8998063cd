"""Journals: cut anywhere, edited by hand, damaged: what is whole is read, and appending goes on."""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

import pytest

from lettafs.disk import faults
from lettafs.errors import DiskProblem
from lettafs.format import layout
from lettafs.format.recall_line import MessageRecord, RunRecord
from lettafs.stores import segments
from lettafs.stores.recall import Recall
from lettafs.values.message import Message, TextPart
from lettafs.values.run import Run, Usage
from tests.support.homes import journal, make_home, problems, say, settled_problems, texts

FIRST = "recall/000001.jsonl"


def _message(number: int, text: str = "") -> MessageRecord:
    words = (TextPart(text or f"Message {number}."),)
    return MessageRecord(0, Message(f"message-{number}", "user", words, f"2026-01-{number:02}"))


def _run(number: int) -> RunRecord:
    return RunRecord(
        0, Run(f"run-{number}", "completed", "end_turn", "test/model", Usage(), "now", "now")
    )


def _ids(recall: Recall) -> list[str]:
    return [message.id for message in recall.messages()]


def test_a_journal_cut_at_any_byte_opens_and_is_at_most_one_record_short(place: Path) -> None:
    whole = place / "whole"
    recall = Recall(whole)
    recall.append([_message(number) for number in range(1, 7)])
    data = (whole / FIRST).read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10]
    cuts = range(ends[2], len(data) + 1)
    assert len(cuts) > 400
    root = place / "cut"
    for cut in cuts:
        shutil.rmtree(root, ignore_errors=True)
        (root / "recall").mkdir(parents=True)
        (root / FIRST).write_bytes(data[:cut])
        kept = sum(end <= cut + 1 for end in ends)  # a line may lack its line feed
        torn = Recall(root).mend(save_to="lost")
        assert (torn is None) == (cut in ends or cut + 1 in ends)
        if torn is not None:
            assert (root / "lost").read_bytes() == data[ends[kept - 1] : cut]
        again = Recall(root)
        assert again.mend(save_to="lost") is None
        again.append([_message(7)])
        assert _ids(again) == [f"message-{n}" for n in [*range(1, kept + 1), 7]]
        assert [record["seq"] for record in journal(root)] == list(range(1, kept + 2))


def test_a_home_cut_in_its_last_records_is_talked_to_as_before(place: Path) -> None:
    template, root = place / "template", place / "ada"
    make_home(template)
    say(template, "note 1")
    data = (template / FIRST).read_bytes()
    start = data.rindex(b"\n", 0, data.rindex(b"\n", 0, data.rindex(b"\n")))
    for cut in range(start + 1, len(data), 61):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        (root / FIRST).write_bytes(data[:cut])
        say(root, "hello")
        assert texts(root) == ["note 1", "hello"]
        assert len({record["seq"] for record in journal(root)}) == len(journal(root))
        assert settled_problems(root) == []


def test_lines_that_are_no_json_at_the_end_are_put_aside_and_in_the_middle_kept(
    place: Path,
) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "one")
    say(root, "two")
    lines = (root / FIRST).read_bytes().split(b"\n")[:-1]
    lines[2] = b"\xff\xfe damaged" + lines[2][10:]
    tail = b"<<<<<<< HEAD\nnot json\n"
    (root / FIRST).write_bytes(b"\n".join(lines) + b"\n" + tail)
    say(root, "three")
    kept = (root / FIRST).read_bytes()
    assert lines[2] in kept.split(b"\n")
    assert tail not in kept
    (lost,) = (root / ".lettafs" / "lost+found").iterdir()
    assert lost.read_bytes() == tail
    assert [(p.code, p.line) for p in problems(root) if p.code == "damaged-line"] == [
        ("damaged-line", 3)
    ]


@pytest.mark.parametrize("form", ["crlf", "bom", "no-last-line-feed", "hand"])
def test_what_an_editor_makes_of_a_journal_is_read_and_appended_to(place: Path, form: str) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "one")
    data = (root / FIRST).read_bytes()
    match form:
        case "crlf":
            data = data.replace(b"\n", b"\r\n")
        case "bom":
            data = b"\xef\xbb\xbf" + data
        case "no-last-line-feed":
            data = data.rstrip(b"\n")
        case _:
            data = data.replace(b'"one"', b'"The one I meant."')
    (root / FIRST).write_bytes(data)
    say(root, "two")
    read = Recall(root)
    words = [message.text for message in read.messages() if message.role == "user"]
    assert words == ["The one I meant." if form == "hand" else "one", "two"]
    assert settled_problems(root) == []
    if form != "no-last-line-feed":
        assert (root / FIRST).read_bytes().startswith(data), "what the person saved was changed"


def test_a_line_saved_without_its_end_while_a_turn_runs_is_not_glued_to_the_next(
    place: Path,
) -> None:
    recall = Recall(place)
    recall.append([_message(1), _message(2)])
    path = place / FIRST
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    recall.append([_message(3)])
    assert _ids(Recall(place)) == ["message-1", "message-2", "message-3"]


def test_a_full_segment_is_left_for_the_next_and_never_changed_again(place: Path) -> None:
    recall = Recall(place)
    number = 0
    while len(recall.segments.paths()) < 3:
        number += 1
        recall.append([_message(number, "words " * 500)])
    sizes = [(place / path).stat().st_size for path in recall.segments.paths()]
    assert all(size >= layout.SEGMENT_ROLL_BYTES for size in sizes[:-1])
    first = (place / FIRST).read_bytes()
    recall.append([_message(number + 1), _run(1)])
    assert (place / FIRST).read_bytes() == first
    assert _ids(Recall(place)) == [f"message-{n}" for n in range(1, number + 2)]
    assert [record["seq"] for record in journal(place)] == list(range(1, number + 3))


def test_a_segment_a_crash_left_empty_is_named_durably_before_it_is_relied_on(
    place: Path,
) -> None:
    (place / "recall").mkdir()
    (place / FIRST).touch()
    with faults.recorded() as log:
        Recall(place).append([_message(1)])
    assert [(op.name, op.path.name) for op in log] == [
        ("write", "000001.jsonl"),
        ("fsync", "000001.jsonl"),
        ("fsync_dir", "recall"),
    ]


def test_an_append_that_fails_leaves_the_journal_as_it_was(place: Path) -> None:
    recall = Recall(place)
    recall.append([_message(1)])
    before = (place / FIRST).read_bytes()
    for call in ("write", "fsync"):
        failing = faults.fail_nth(1, OSError(28, "full"), only=call)
        with faults.installed(failing), pytest.raises(DiskProblem):
            recall.append([_message(2)])
        assert (place / FIRST).read_bytes() == before
    recall.append([_message(3)])
    assert _ids(recall) == ["message-1", "message-3"]


def test_a_bit_that_flipped_is_seen_by_the_checksum(place: Path) -> None:
    recall = Recall(place)
    recall.append([_message(1, "tea")])
    line = (place / FIRST).read_bytes()
    body, crc = line[: line.rindex(b',"crc"')] + b"}", line[-11:-3]
    assert f"{zlib.crc32(body):08x}".encode() == crc
    (place / FIRST).write_bytes(line.replace(b"tea", b"sea"))
    assert [message.text for message in Recall(place).messages()] == ["sea"]


def _refusing(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, match: str) -> None:
    """Let a function refuse paths that end so, as for a file of somebody else's."""
    whole = getattr(owner, name)

    def call(path: object, *more: object, **named: object) -> object:
        if str(path).endswith(match):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *more, **named)

    monkeypatch.setattr(owner, name, call)


def test_a_folder_that_cannot_be_listed_is_said_in_plain_words(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recall(place).append([_message(1)])
    _refusing(monkeypatch, os, "scandir", "recall")
    with pytest.raises(DiskProblem, match="recall"):
        Recall(place).segments.paths()


def test_a_segment_that_vanishes_after_it_was_listed_is_empty(place: Path) -> None:
    recall = Recall(place)
    recall.append([_message(1)])
    (place / FIRST).unlink()
    assert recall.segments.lines(FIRST) == ()
    assert recall.segments.read(FIRST) == b""
    with pytest.raises(DiskProblem, match="taken away"):
        recall.segments._size(FIRST)


@pytest.mark.parametrize("why", ["mode", "size"])
def test_a_segment_that_cannot_be_read_is_one_problem_and_hides_no_other(
    place: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "one")
    second = root / "recall" / "000002.jsonl"
    Recall(place / "other").append([_message(2)])
    shutil.copy(place / "other" / FIRST, second)
    if why == "mode":
        _refusing(monkeypatch, os, "open", "000001.jsonl")
    else:
        with (root / FIRST).open("r+b") as file:
            file.truncate(segments.MAX_SEGMENT_BYTES + 1)
    recall = Recall(root)
    assert _ids(recall) == ["message-2"]
    assert [(p.code, p.path) for p in recall.segments.problems()] == [("unreadable", FIRST)]
    assert [m.id for m in recall.window(enough_chars=0).messages] == ["message-2"]
    found = [(p.code, p.path) for p in problems(root)]
    assert found.count(("unreadable", FIRST)) == 1
    second.unlink()
    assert Recall(root).mend(save_to="lost") is None
    with pytest.raises(DiskProblem):
        Recall(root).append([_message(3)])


def test_a_folder_that_cannot_be_read_does_not_stop_the_doctor(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = place / "ada"
    make_home(root)
    say(root, "keep the key")
    (root / "archival" / "000001.jsonl").write_bytes(b"torn")
    _refusing(monkeypatch, os, "scandir", "recall")
    codes = [(p.code, p.path) for p in problems(root)]
    assert ("unreadable", "recall") in codes
    assert ("torn-tail", "archival/000001.jsonl") in codes


def test_a_tail_is_said_to_be_kept_only_where_it_is(place: Path) -> None:
    recall = Recall(place)
    recall.append([_message(1)])
    with (place / FIRST).open("ab") as file:
        file.write(b'{"half')
    failing = faults.fail_nth(1, OSError(28, "full"), only="create")
    with faults.installed(failing):
        torn = recall.mend(save_to="lost")
    assert torn is not None and torn.size == 6 and torn.saved_to is None
    for name in ("lost", "lost-1"):
        with (place / FIRST).open("ab") as file:
            file.write(b'{"' + name.encode())
        torn = recall.mend(save_to="lost")
        assert torn is not None and torn.saved_to == name
