"""The files of attached folders, as they are: read, kept up with, and never led astray."""

from __future__ import annotations

import os
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lettafs.embed.hashed import HashedEmbedder
from lettafs.index.files.files import Files
from lettafs.index.files.overview import Outlines
from lettafs.index.place import IndexPlace
from lettafs.stores.folders import Folders
from lettafs.values.file import FileInfo
from lettafs.values.progress import Progress

KEY = b"k" * 32
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Place:
    """A home with one folder beside it."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "ada"
        self.papers = tmp_path / "papers"
        (self.root / "folders").mkdir(parents=True)
        self.papers.mkdir()
        self.attach("papers", self.papers)
        self.embedder = HashedEmbedder()
        self.files = self.open()

    def attach(self, name: str, path: Path | str, **more: object) -> None:
        lines = [f'path = "{path}"', *(f"{key} = {value}" for key, value in more.items())]
        (self.root / "folders" / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def open(self) -> Files:
        lettafs = self.root / ".lettafs"
        place = IndexPlace(
            lettafs / "index", lambda: KEY, lambda handle: self.embedder, texts=lettafs / "text"
        )
        return Files(
            self.root,
            Folders(self.root),
            place=place,
            allowed=lambda path: True,
            embedding=lambda: None,
            embedder=lambda: self.embedder,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.papers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def found(self, query: str, files: Files | None = None) -> list[str]:
        asked = files or self.files
        asked.refresh()
        return [hit.id for hit in asked.find(query, now=NOW, limit=10)]

    def states(self) -> dict[str, str]:
        return {info.name: info.state for info in self.files.listing()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.files.close()


def test_what_is_there_is_read_and_found(place: Place) -> None:
    place.write("one.txt", "The heron stands in the reeds.\n")
    place.write("deep/two.md", "# Birds\n\nA kestrel hovers.\n")
    assert place.files.refresh() == 0
    assert place.states() == {"papers/deep/two.md": "ready", "papers/one.txt": "ready"}
    assert place.found("heron") == ["papers/one.txt"]
    (hit,) = place.files.find("kestrel", now=NOW, limit=10)
    assert (hit.id, hit.heading, hit.lines) == ("papers/deep/two.md", "Birds", (1, 3))
    text = place.files.text("papers/one.txt")
    assert text is not None and text.text == "The heron stands in the reeds.\n"


def test_new_changed_renamed_and_deleted_files_are_seen_by_the_next_question(place: Place) -> None:
    path = place.write("one.txt", "The heron stands in the reeds.\n")
    assert place.found("heron") == ["papers/one.txt"]
    place.write("one.txt", "A bittern booms.\n")
    assert place.found("heron") == []
    assert place.found("bittern") == ["papers/one.txt"]
    place.write("two.txt", "A heron again.\n")
    assert place.found("heron") == ["papers/two.txt"]
    path.rename(place.papers / "three.txt")
    assert place.found("bittern") == ["papers/three.txt"]
    (place.papers / "three.txt").unlink()
    assert place.found("bittern") == []
    assert place.states() == {"papers/two.txt": "ready"}


def test_a_listing_notices_what_has_come_or_gone_without_reading(place: Place) -> None:
    place.write("one.txt", "One.\n")
    place.files.refresh()
    time.sleep(0.06)
    place.write("two.txt", "Two.\n")
    assert place.states() == {"papers/one.txt": "ready", "papers/two.txt": "waiting"}
    (place.papers / "one.txt").unlink()
    assert place.states() == {"papers/two.txt": "waiting"}


def test_an_open_file_is_read_again_where_it_has_changed(place: Place) -> None:
    place.write("one.txt", "Before.\n")
    place.files.refresh()
    place.write("one.txt", "After, and longer.\n")
    text = place.files.text("papers/one.txt")
    assert text is not None and text.text == "After, and longer.\n"
    assert place.found("longer") == ["papers/one.txt"]


def test_what_is_known_lasts_and_is_the_same_in_another_process(place: Place) -> None:
    for number in range(30):
        place.write(f"{number}.txt", f"Number {number} is a heron{number}.\n")
    place.files.catch_up()
    time.sleep(0.1)  # from here on the folder's own time can be trusted
    place.files.refresh()
    before = os.stat(place.root / ".lettafs/index/files/catalog.json").st_mtime_ns
    again = place.open()
    assert [info.state for info in again.listing()] == ["ready"] * 30
    assert place.found("heron7", again) == ["papers/7.txt"]
    assert os.stat(place.root / ".lettafs/index/files/catalog.json").st_mtime_ns == before


def test_deleting_what_is_derived_changes_no_answer(place: Place) -> None:
    for number in range(12):
        place.write(f"{number}.txt", f"A heron, {'a bittern, ' * number}and reeds.\n")
    place.files.catch_up()
    before = place.files.find("bittern", now=NOW, limit=10)
    assert before
    for gone in ("index", "text", "index/files/catalog.json", "index/files/words"):
        path = place.root / ".lettafs" / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        again = place.open()
        again.refresh()
        assert again.find("bittern", now=NOW, limit=10) == before
        again.catch_up()
        assert again.find("bittern", now=NOW, limit=10) == before


def test_one_that_fails_does_not_stop_the_rest_and_is_read_when_it_changes(place: Place) -> None:
    bad = place.papers / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4\nnot really\n")
    place.write("good.txt", "A heron.\n")
    assert place.files.refresh() == 0
    info = place.files.info("papers/bad.pdf")
    assert info is not None and info.state == "failed" and info.reason
    assert place.found("heron") == ["papers/good.txt"]
    bad.write_text("It was text, a bittern, all along.\n", encoding="utf-8")
    assert place.found("bittern") == ["papers/bad.pdf"]


def test_a_document_is_converted_once_whatever_it_is_called(place: Place) -> None:
    page = place.papers / "page.html"
    page.write_text("<html><body><h1>Birds</h1><p>A kestrel.</p></body></html>")
    place.files.refresh()
    (text,) = (place.root / ".lettafs/text").iterdir()
    written = text.stat().st_mtime_ns
    assert "A kestrel." in text.read_text(encoding="utf-8")
    page.rename(place.papers / "other.html")
    again = place.open()
    assert place.found("kestrel", again) == ["papers/other.html"]
    assert text.stat().st_mtime_ns == written
    assert again.peak_memory_bytes == 0, "a child was started for a text that was at hand"


def test_a_text_somebody_changed_is_not_taken_for_the_documents(place: Place) -> None:
    page = place.papers / "page.html"
    page.write_text("<html><body><p>A kestrel.</p></body></html>")
    place.files.refresh()
    (text,) = (place.root / ".lettafs/text").iterdir()
    text.write_bytes(text.read_bytes().replace(b"kestrel", b"vulture"))
    again = place.open()
    assert place.found("vulture", again) == []
    shown = again.text("papers/page.html")
    assert shown is not None and "kestrel" in shown.text


def test_two_files_with_the_same_bytes_are_one_find(place: Place) -> None:
    place.write("a.txt", "A heron.\n")
    place.write("b.txt", "A heron.\n")
    place.files.refresh()
    (hit,) = place.files.find("heron", now=NOW, limit=10)
    assert (hit.id, hit.also) == ("papers/a.txt", ("papers/b.txt",))
    (place.papers / "a.txt").unlink()
    assert place.found("heron") == ["papers/b.txt"]


def test_a_file_that_came_back_is_found_again(place: Place) -> None:
    path = place.write("a.txt", "A heron.\n")
    place.files.refresh()
    path.unlink()
    place.files.catch_up()
    assert place.found("heron") == []
    place.write("a.txt", "A heron.\n")
    assert place.found("heron") == ["papers/a.txt"]


def test_a_file_that_is_being_written_is_left_until_it_is_quiet(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than a busy machine keeps a thread waiting.
    monkeypatch.setattr("lettafs.index.files.files._QUIET_S", 0.6)
    path = place.write("a.txt", "Beginning.\n")
    going = threading.Event()

    def write() -> None:
        while not going.wait(0.03):
            with path.open("a", encoding="utf-8") as file:
                file.write("more and more\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begun = time.monotonic()
        assert place.files.refresh(for_s=5.0) == 1
        assert time.monotonic() - begun < 4.5
        assert place.states() == {"papers/a.txt": "waiting"}
    finally:
        going.set()
        writer.join()
    assert place.found("beginning") == ["papers/a.txt"]


def test_several_folders_each_with_its_own_rules(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "keep.log").write_text("A heron.\n")
    (other / "drop.txt").write_text("A heron.\n")
    place.attach("other", other, include='["*.log"]')
    place.write("a.txt", "A heron.\n")
    place.write("node_modules/x.txt", "A heron.\n")
    place.write(".git/config", "A heron.\n")
    place.write("secret.txt", "A heron.\n")
    place.write(".gitignore", "secret.txt\n")
    place.files.refresh()
    assert list(place.states()) == ["other/keep.log", "papers/a.txt"]
    hits = place.files.find("heron", now=NOW, limit=10, folder="other")
    assert [hit.id for hit in hits] == ["other/keep.log"]
    place.attach("other", other, exclude='["*.log"]')
    place.files.refresh()
    assert list(place.states()) == ["other/drop.txt", "papers/a.txt"]


def test_a_folder_that_goes_away_says_so_and_comes_back(place: Place) -> None:
    place.write("a.txt", "A heron.\n")
    place.files.refresh()
    away = place.papers.rename(place.papers.with_name("away"))
    assert place.found("heron") == []
    (info,) = place.files.folders()
    assert "is not there" in info.trouble
    away.rename(place.papers)
    assert place.found("heron") == ["papers/a.txt"]
    assert place.files.folders()[0].trouble == ""


def test_links_pipes_and_what_lies_behind_them_are_not_read(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "diary.txt").write_text("A secret heron.\n")
    (place.papers / "link.txt").symlink_to(secret / "diary.txt")
    (place.papers / "dir").symlink_to(secret)
    os.mkfifo(place.papers / "pipe.txt")
    assert place.found("heron") == []
    (info,) = place.files.folders()
    assert {path for path, _ in info.left_out} == {"link.txt", "dir", "pipe.txt"}


def test_vectors_come_later_and_find_what_words_do_not(place: Place) -> None:
    for number in range(20):
        place.write(f"{number}.txt", f"Sentence {number} of something quite different.\n")
    place.files.catch_up()
    assert place.files.is_behind()
    assert place.files.pieces() == (20, 0)
    place.files.catch_up_vectors()
    assert place.files.pieces() == (20, 20)
    assert not place.files.is_behind()
    assert not place.open().is_behind()
    place.write("new.txt", "One more.\n")
    assert place.files.is_behind()


def test_many_files_are_read_with_progress_and_what_was_stopped_goes_on(place: Place) -> None:
    for number in range(300):
        place.write(f"{number // 50}/{number}.txt", f"Text {number}.\n")
    time.sleep(0.25)
    told: list[Progress] = []
    asked = iter(range(10**9))
    left = place.files.refresh(stop=lambda: next(asked) > 120, progress=told.append)
    assert 0 < left < 300
    assert place.files.refresh(progress=told.append) == 0
    assert told[-1].done == told[-1].total == left


def test_a_hurried_refresh_answers_in_time_and_the_rest_comes_behind_it(place: Place) -> None:
    for number in range(4):
        (place.papers / f"{number}.html").write_text(f"<p>A kestrel, number {number}.</p>")
    time.sleep(0.25)
    begun = time.monotonic()
    assert place.files.refresh(for_s=0.05) > 0  # a child takes longer to begin
    assert time.monotonic() - begun < 10.0
    until = time.monotonic() + 30
    while place.files.refresh() and time.monotonic() < until:
        time.sleep(0.05)
    assert set(place.states().values()) == {"ready"}


def test_two_at_once_see_the_same(place: Place) -> None:
    for number in range(100):
        place.write(f"{number}.txt", f"Text {number} heron.\n")
    other = place.open()
    threads = [threading.Thread(target=files.catch_up) for files in (place.files, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for files in (place.files, other, place.open()):
        files.refresh()
        assert len(files.find("heron", now=NOW, limit=200)) == 100


def test_without_a_place_everything_is_kept_in_memory(place: Place) -> None:
    place.write("a.txt", "A heron.\n")
    (place.papers / "b.html").write_text("<p>A kestrel.</p>")
    files = Files(
        place.root,
        Folders(place.root),
        place=None,
        allowed=lambda path: True,
        embedding=lambda: None,
        embedder=lambda: None,
    )
    assert place.found("heron", files) == ["papers/a.txt"]
    assert place.found("kestrel", files) == ["papers/b.html"]
    assert not (place.root / ".lettafs").exists()
    files.close()


def test_same_bytes_of_two_kinds_are_found_with_the_lines_of_each(place: Place) -> None:
    said = "<html><body>\n<p>one</p>\n\n<p>a needle</p>\n</body></html>\n"
    place.write("page.html", said)
    place.write("page.txt", said)
    place.files.catch_up()

    for name in ("papers/page.html", "papers/page.txt"):
        text = place.files.text(name)
        assert text is not None
        for exact in (True, False):
            hits = place.files.find("needle", now=NOW, limit=5, exact=exact, files=[name])
            assert [(hit.id, hit.also) for hit in hits] == [(name, ())]
            first, last = hits[0].lines or (0, 0)
            assert "\n".join(text.lines(first, last)) == hits[0].text


def test_zip_is_read_from_the_moment_archives_are_wanted_and_until_they_are_not(
    place: Place,
) -> None:
    with zipfile.ZipFile(place.papers / "all.zip", "w") as made:
        made.writestr("inside.txt", "a needle lies inside\n")
    place.files.refresh()
    assert place.states() == {"papers/all.zip": "empty"}

    place.attach("papers", place.papers, archives="true")
    assert place.found("needle") == ["papers/all.zip"]

    place.attach("papers", place.papers)
    assert place.found("needle") == []
    assert place.states() == {"papers/all.zip": "empty"}


def test_one_of_two_equal_files_is_found_while_the_other_changes(place: Place) -> None:
    first = place.write("a.txt", "the needle lies here\n")
    place.write("b.txt", "the needle lies here\n")
    place.files.catch_up()

    first.write_text("something else\n", encoding="utf-8")  # nobody has looked yet

    hits = place.files.find("needle", now=NOW, limit=5)
    assert "papers/b.txt" in (*(hit.id for hit in hits), *hits[0].also)


def test_folder_that_cannot_be_reached_is_shown_beside_what_is_known(place: Place) -> None:
    place.write("a.txt", "one\n")
    place.files.refresh()
    shown = place.files.shown(_rendered, version="1")[1]
    assert shown == {"papers": ["papers/a.txt: ready"]}

    place.attach("other", place.root.parent / "nowhere")

    infos, shown = place.files.shown(_rendered, version="1")
    assert [info.folder.name for info in infos] == ["other", "papers"]
    assert shown == {"other": [], "papers": ["papers/a.txt: ready"]}


def test_outline_made_while_a_file_is_read_is_made_again(place: Place) -> None:
    place.write("a.txt", "one\n")
    place.files.listing()
    met: list[int] = []

    def slow(files: Mapping[str, Sequence[FileInfo]]) -> Outlines:
        if not met:  # as another thread may do at this moment
            met.append(place.files.refresh())
        return _rendered(files)

    assert place.files.shown(slow, version="1")[1] == {"papers": ["papers/a.txt: waiting"]}

    assert place.files.shown(slow, version="1")[1] == {"papers": ["papers/a.txt: ready"]}
    assert place.open().shown(slow, version="1")[1] == {"papers": ["papers/a.txt: ready"]}


def _rendered(files: Mapping[str, Sequence[FileInfo]]) -> Outlines:
    return {name: [f"{one.name}: {one.state}" for one in infos] for name, infos in files.items()}


def test_texts_nobody_needs_are_dropped_and_those_of_a_lost_folder_are_kept(place: Place) -> None:
    for name in ("a", "b"):
        place.write(f"{name}.html", f"<html><body><p>needle {name}</p></body></html>")
    place.files.refresh()
    texts = place.root / ".lettafs/text"
    (place.papers / "a.html").unlink()

    moved = place.papers.rename(place.papers.with_name("moved"))
    assert place.files.drop_unused() == 0
    moved.rename(place.papers)

    assert place.open().drop_unused() == 1
    assert len(list(texts.iterdir())) == 1
    assert place.found("needle") == ["papers/b.html"]


def test_catalog_that_was_taken_away_is_written_anew(place: Place) -> None:
    place.write("a.txt", "one\n")
    place.files.refresh()
    catalog = place.root / ".lettafs/index/files/catalog.json"
    catalog.unlink()

    place.files.refresh()

    assert catalog.is_file()
