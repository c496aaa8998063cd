"""The word index: what it holds, when it is read, written, resumed and given up."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from whoosh.codec.whoosh3 import W3Codec, W3TermsReader
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Existence

from lettafs.disk.seal import SEAL_NAME
from lettafs.errors import DiskProblem
from lettafs.index.corpus import Document, Mark
from lettafs.index.engine import keeping
from lettafs.index.engine.index import WordIndex
from tests.support.corpora import FIELDS, Line, differences, extract, plain_scan, segments_of

KEY = b"k" * 32


def home(root: Path, *, segments: int = 3, lines: int = 40, seed: int = 1) -> Path:
    """Make a home with lines of random words; return it."""
    chance = random.Random(seed)
    (root / "lines").mkdir(parents=True)
    for number in range(1, segments + 1):
        write(root, number, [line(chance) for _ in range(lines)])
    return root


def line(chance: random.Random) -> str:
    words = [f"word{int(chance.paretovariate(0.7)) % 500}" for _ in range(chance.randrange(1, 20))]
    fields = [chance.randrange(1000) for _ in range(FIELDS)]
    item = {"key": f"k{chance.random()}", "words": words, "labels": ["tag:x"], "fields": fields}
    return json.dumps({"items": [item]})


def write(root: Path, number: int, lines: list[str]) -> None:
    text = "".join(f"{said}\n" for said in lines)
    (root / "lines" / f"{number:06}.jsonl").write_text(text, encoding="utf-8")


def add(root: Path, number: int, *lines: str) -> None:
    with (root / "lines" / f"{number:06}.jsonl").open("a", encoding="utf-8") as file:
        file.write("".join(f"{said}\n" for said in lines))


def said(*words: str) -> str:
    return json.dumps({"items": [{"key": "k", "words": words, "labels": [], "fields": [0, 0]}]})


def place(root: Path) -> Path:
    return root / ".lettafs" / "index" / "lines"


def index_of(
    root: Path, *, directory: Path | None = None, key: bytes | None = KEY, version: str = "1"
) -> WordIndex[Line]:
    return WordIndex(
        segments_of(root),
        extract=extract,
        fields=FIELDS,
        directory=directory or place(root),
        key=key,
        version=version,
    )


def wrong(index: WordIndex[Line], root: Path) -> list[str]:
    return differences(index.snapshot(), plain_scan(segments_of(root)))


def test_an_index_is_found_by_the_next_process_and_the_text_is_not_analysed_again(
    tmp_path: Path,
) -> None:
    root = home(tmp_path / "home")
    assert index_of(root).catch_up() == 120
    analysed: list[Line] = []

    def telling(record: Line) -> list[Document | Mark]:
        analysed.append(record)
        return list(extract(record))

    again = WordIndex(
        segments_of(root),
        extract=telling,
        fields=FIELDS,
        directory=place(root),
        key=KEY,
        version="1",
    )
    assert differences(again.snapshot(), plain_scan(segments_of(root))) == []
    assert analysed == []
    add(root, 3, said("fresh", "words"))
    assert again.snapshot().postings("fresh").docs.tolist() == [120]
    assert len(analysed) == 1
    add(root, 3, said("more", "fresh"))
    assert again.snapshot().postings("fresh").docs.tolist() == [120, 121]
    assert len(analysed) == 2


def test_a_snapshot_is_the_same_object_until_something_changes(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    time.sleep(0.06)  # a file written this moment is looked at again
    first = index.snapshot()
    assert index.snapshot() is first
    add(root, 3, said("new"))
    assert index.snapshot() is not first
    index.catch_up()
    second = index.snapshot()
    assert index.snapshot() is second
    assert not first.postings("new").docs.size, "what was handed out does not change"


def test_pending_counts_the_lines_no_index_has(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    assert index.pending() == 120
    assert index.catch_up() == 120
    assert index.pending() == 0
    add(root, 3, said("one"), said("two"))
    assert index.pending() == 2
    assert index.catch_up(at_least=3) == 0
    assert index.pending() == 2
    assert index.catch_up(at_least=2) == 2


def test_without_a_place_or_a_key_everything_works_from_the_text(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    for index in (
        index_of(root, key=None),
        WordIndex(
            segments_of(root), extract=extract, fields=FIELDS, directory=None, key=KEY, version="1"
        ),
    ):
        assert index.catch_up() == 0
        assert wrong(index, root) == []
        index.discard()
    assert not (root / ".lettafs").exists()


def test_a_snapshot_writes_nothing(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).snapshot()
    assert sorted(p.name for p in root.iterdir()) == ["lines"]


def test_an_edited_segment_is_answered_from_its_text_at_once(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    write(root, 2, [said("before", "the", "edit")])
    index.catch_up()
    write(root, 2, [said("after", "the", "edit")])
    assert index.snapshot().postings("before").docs.tolist() == []
    assert index.snapshot().postings("after").docs.tolist() == [40]
    assert index.snapshot().words_beginning("before", limit=5) == []
    index.catch_up()
    assert wrong(index, root) == []


def test_a_touched_segment_is_still_answered_from_the_index(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    os.utime(root / "lines" / "000002.jsonl", ns=(1, 10**18))
    index = index_of(root)
    assert index.pending() == 0
    assert wrong(index, root) == []


def test_a_segment_that_is_gone_is_found_no_more(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    index.catch_up()
    (root / "lines" / "000002.jsonl").unlink()
    assert index.snapshot().size == 80
    assert wrong(index, root) == []
    index.catch_up()
    assert wrong(index_of(root), root) == []


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    newer = index_of(root, version="2")
    assert newer.pending() == 120
    assert newer.catch_up() == 120
    assert newer.pending() == 0
    assert wrong(newer, root) == []
    older = index_of(root)
    assert older.pending() == 120, "and the older one does not read the newer"
    assert wrong(older, root) == []


def test_a_second_writer_returns_at_once(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    inside, leave = threading.Event(), threading.Event()

    def wait(done: int, total: int) -> None:
        inside.set()
        assert leave.wait(5)

    thread = threading.Thread(target=lambda: index_of(root).catch_up(progress=wait))
    thread.start()
    assert inside.wait(5)
    add(root, 3, said("late"))
    assert index_of(root).catch_up() == 0
    leave.set()
    thread.join(5)
    assert index_of(root).catch_up() == 1


def test_progress_is_told_and_a_stopped_work_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_BATCH", 50)
    root = home(tmp_path / "home", segments=6)
    told: list[tuple[int, int]] = []
    index = index_of(root)
    first = index.catch_up(
        stop=lambda: len(told) == 1, progress=lambda done, total: told.append((done, total))
    )
    assert (first, told) == (80, [(80, 240)])
    assert index.pending() == 160
    assert index_of(root).catch_up(progress=lambda done, total: told.append((done, total))) == 160
    assert told[1:] == [(80, 160), (160, 160)]
    assert wrong(index, root) == []


def test_many_small_catch_ups_leave_few_segments(tmp_path: Path) -> None:
    root = home(tmp_path / "home", segments=1, lines=1)
    index = index_of(root)
    for number in range(30):
        add(root, 1, said(f"n{number}", "common"))
        index.catch_up()
    stored = [path for path in place(root).iterdir() if path.suffix == ".trm"]
    assert len(stored) <= 8
    assert len(index.snapshot().postings("common").docs) == 30
    assert wrong(index_of(root), root) == []


def test_discard_takes_the_index_away(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    index.catch_up()
    (place(root) / "notes.txt").write_text("mine", encoding="utf-8")
    index.discard()
    assert sorted(path.name for path in place(root).iterdir()) == ["lock", "notes.txt"]
    assert wrong(index, root) == []
    assert index.catch_up() == 120


def test_what_a_crash_left_is_taken_away(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    left = ["words_0123456789abcdef.trm", "words_0123456789abcdef.col", ".tmp-0123456789abcdef"]
    for name in left:
        (place(root) / name).write_bytes(b"half")
    add(root, 3, said("more"))
    index_of(root).catch_up()
    assert not [name for name in left if (place(root) / name).exists()]
    assert wrong(index_of(root), root) == []


def test_a_full_or_read_only_disk_is_a_disk_problem(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    (root / ".lettafs").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(DiskProblem):
        index_of(root).catch_up()
    assert wrong(index_of(root), root) == []


def test_segments_with_numbers_beyond_all_measure_are_passed_over(tmp_path: Path) -> None:
    root = home(tmp_path / "home", segments=1)
    (root / "lines" / "999999999999999999.jsonl").write_text(said("far") + "\n", encoding="utf-8")
    index = index_of(root)
    assert index.snapshot().size == 40
    index.catch_up()
    assert index.snapshot().size == 40


def test_a_folder_that_is_not_there_is_an_empty_corpus(tmp_path: Path) -> None:
    index = index_of(tmp_path)
    assert index.snapshot().size == 0
    assert index.catch_up() == 0
    assert index.pending() == 0
    assert index.snapshot().fields.shape == (0, FIELDS)


CATCH_UP = """
import sys
from pathlib import Path
from lettafs.index.engine import keeping
from lettafs.index.engine.index import WordIndex
from tests.support.corpora import FIELDS, extract, segments_of
keeping._BATCH = 10
root = Path(sys.argv[1])
print("begun", flush=True)
WordIndex(
    segments_of(root), extract=extract, fields=FIELDS, version="1",
    directory=root / ".lettafs/index/lines", key=b"k" * 32,
).catch_up()
"""


def test_killed_at_any_moment_it_goes_on_from_a_whole_batch(tmp_path: Path, long: bool) -> None:
    root = home(tmp_path / "home", segments=12, lines=30)
    chance = random.Random(7)
    for _ in range(40 if long else 4):
        command = [sys.executable, "-W", "ignore", "-c", CATCH_UP, str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            time.sleep(chance.random() * 0.8)
            process.kill()
        assert wrong(index_of(root), root) == []
        if index_of(root).pending() == 0:
            index_of(root).discard()
    index_of(root).catch_up()
    assert index_of(root).pending() == 0
    assert wrong(index_of(root), root) == []


def test_searches_go_on_while_another_thread_and_process_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_BATCH", 10)
    root = home(tmp_path / "home", segments=8, lines=20)
    index = index_of(root)
    done = threading.Event()
    failed: list[BaseException] = []

    def write_on() -> None:
        try:
            for number in range(12):
                add(root, 8, said("always", f"n{number}"))
                index.catch_up()
                if number % 5 == 4:
                    index_of(root).discard()
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=write_on)
    thread.start()
    sizes = []
    reader = index_of(root)
    while not done.is_set():
        for seen in (reader.snapshot(), index.snapshot()):
            sizes.append(seen.size)
            assert len(seen.postings("always").docs) == seen.size - 160
    thread.join(5)
    assert failed == []
    assert sizes[-1] <= 172
    assert wrong(reader, root) == []
    assert (place(root) / SEAL_NAME).exists()


def test_plain_whoosh_reads_the_terms_and_postings_we_write(tmp_path: Path) -> None:
    root = home(tmp_path / "home", segments=1, lines=600)
    index = index_of(root)
    index.catch_up()
    corpus = index.snapshot()
    terms, postings = next(place(root).glob("*.trm")), next(place(root).glob("*.pst"))
    storage = FileStorage(str(place(root)))
    reader = W3TermsReader(
        W3Codec(),
        storage.open_file(terms.name),
        terms.stat().st_size,
        storage.open_file(postings.name),
    )
    words = [term.decode() for field, term in reader.terms() if field == "word"]
    assert words == corpus.words_beginning("", limit=10**6)
    assert len(words) > 200
    for word in words:
        expected = corpus.postings(word)
        assert reader.doc_frequency("word", word.encode()) == len(expected.docs)
        assert reader.frequency("word", word.encode()) == expected.counts.sum()
        matcher = reader.matcher("word", word.encode(), Existence())
        found = []
        while matcher.is_active():
            found.append((matcher.id(), int(matcher.weight())))
            matcher.next()
        assert found == list(zip(expected.docs.tolist(), expected.counts.tolist(), strict=True))
    reader.close()


def test_an_index_of_nothing_that_is_there_any_more_takes_no_room(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index = index_of(root)
    index.catch_up()
    for number in (1, 2, 3):
        write(root, number, [said("all", "new")])
    index.catch_up()
    assert len(list(place(root).glob("*.trm"))) == 1
    for number in (1, 2, 3):
        (root / "lines" / f"{number:06}.jsonl").unlink()
    index.catch_up()
    assert list(place(root).glob("*.trm")) == []
    assert wrong(index, root) == []
