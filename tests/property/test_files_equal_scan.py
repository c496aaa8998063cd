"""Whatever happens in a folder: what is listed, read and found is what a plain walk of it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_as_test

from lettafs.embed.hashed import HashedEmbedder
from lettafs.index.files.files import Files
from lettafs.index.place import IndexPlace
from lettafs.stores.folders import Folders
from lettafs.tools.grep import grep, searcher

KEY = b"k" * 32
NOW = datetime(2026, 11, 20, tzinfo=UTC)

DIRECTORIES = st.sampled_from(["", "a/", "a/b/", "Ä/", "node_modules/"])
NAMES = st.sampled_from(["x.txt", "X.txt", "x.md", "y.py", "z.csv", "ü .txt", "page.html", "o.log"])
PATHS = st.tuples(DIRECTORIES, NAMES).map("".join)
WORDS = st.sampled_from(["needle", "Needle", "hay", "straße", "été", "x" * 90])
TEXTS = st.lists(st.lists(WORDS, max_size=3).map(" ".join), max_size=4).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join([*lines, ""]))
)
IGNORED = st.sampled_from(["", "*.log\n", "a/\n", "/x.txt\n", "*.txt\n!X.txt\n", "b\n"])
AGES_S = st.sampled_from([-90_000, -60, 1, 60, 90_000])
"""What a time of a file is away from now; above 0 it lies in the future."""
DERIVED = st.sampled_from(["", "text", "index", "index/files/words", "index/files/catalog.json"])


class Machine(RuleBasedStateMachine):
    """A folder in which things happen, and two programs that look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = Path(tempfile.mkdtemp())
        self.root, self.papers = self.at / "ada", self.at / "papers"
        (self.root / "folders").mkdir(parents=True)
        self.papers.mkdir()
        subprocess.run(["git", "init", "-q", str(self.papers)], check=True)
        (self.root / "folders/papers.toml").write_text(f'path = "{self.papers}"\n')
        self.one, self.other = self.open(), self.open()

    def open(self) -> Files:
        lettafs, embedder = self.root / ".lettafs", HashedEmbedder()
        place = IndexPlace(
            lettafs / "index", lambda: KEY, lambda handle: embedder, texts=lettafs / "text"
        )
        return Files(
            self.root,
            Folders(self.root),
            place=place,
            allowed=lambda path: True,
            embedding=lambda: None,
            embedder=lambda: embedder,
        )

    def teardown(self) -> None:
        self.one.close()
        self.other.close()
        shutil.rmtree(self.at, ignore_errors=True)

    def there(self) -> list[str]:
        """Return the files git would show, less what is left out by default."""
        told = subprocess.run(
            ["git", "-C", str(self.papers), "ls-files", "-z", "-co", "--exclude-standard"],
            check=True,
            capture_output=True,
        ).stdout
        paths = [os.fsdecode(path) for path in told.split(b"\0") if path]
        return sorted(
            path
            for path in paths
            if not any(part == "node_modules" or part[0] == "." for part in path.split("/"))
        )

    # -- what happens in the folder ----------------------------------------------------------------

    @rule(path=PATHS, text=TEXTS, age_s=AGES_S)
    def write(self, path: str, text: str, age_s: int) -> None:
        file = self.papers / path
        if file.is_dir():
            shutil.rmtree(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        self.touch(path, age_s)

    @rule(path=PATHS, age_s=AGES_S)
    def touch(self, path: str, age_s: int) -> None:
        file = self.papers / path
        if file.is_file():
            ns = file.stat().st_mtime_ns + age_s * 10**9
            os.utime(file, ns=(ns, ns))

    @rule(path=PATHS, text=TEXTS)
    def change_and_keep_the_time(self, path: str, text: str) -> None:
        file = self.papers / path
        if file.is_file():
            before = file.stat()
            file.write_bytes(text.encode())
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(old=PATHS, new=PATHS)
    def rename(self, old: str, new: str) -> None:
        if (self.papers / old).is_file() and not (self.papers / new).is_dir():
            (self.papers / new).parent.mkdir(parents=True, exist_ok=True)
            (self.papers / old).rename(self.papers / new)

    @rule(old=PATHS, new=PATHS)
    def copy(self, old: str, new: str) -> None:
        if (self.papers / old).is_file():
            self.write(new, (self.papers / old).read_bytes().decode(), -60)

    @rule(path=PATHS)
    def delete(self, path: str) -> None:
        (self.papers / path).unlink(missing_ok=True)

    @rule(directory=DIRECTORIES)
    def delete_a_directory(self, directory: str) -> None:
        if directory:
            shutil.rmtree(self.papers / directory, ignore_errors=True)

    @rule(path=PATHS)
    def put_a_directory_in_its_place(self, path: str) -> None:
        file = self.papers / path
        if file.is_file():
            file.unlink()
            file.mkdir()
            (file / "inside.txt").write_text("needle inside\n")

    @rule(directory=DIRECTORIES, text=IGNORED)
    def ignore(self, directory: str, text: str) -> None:
        if (self.papers / directory).is_dir():
            (self.papers / directory / ".gitignore").write_text(text)

    # -- what the programs do ----------------------------------------------------------------------

    @rule()
    def refresh(self) -> None:
        assert self.one.refresh() == 0

    @rule()
    def catch_up(self) -> None:
        self.one.catch_up()

    @rule()
    def the_other_catches_up(self) -> None:
        self.other.catch_up()

    @rule()
    def catch_up_is_broken_off(self) -> None:
        asked = iter(range(3))
        self.one.catch_up(stop=lambda: next(asked, None) is None)

    @rule()
    def list_only(self) -> None:
        self.one.listing()

    @rule()
    def reopen(self) -> None:
        self.one.close()
        self.one = self.open()

    @rule()
    def swap(self) -> None:
        self.one, self.other = self.other, self.one

    @precondition(lambda self: (self.root / ".lettafs").is_dir())
    @rule(what=DERIVED)
    def delete_what_is_derived(self, what: str) -> None:
        place = self.root / ".lettafs" / what
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    @rule()
    def discard(self) -> None:
        self.one.discard()

    @rule()
    def drop_unused(self) -> None:
        self.one.drop_unused()

    # -- what holds then ---------------------------------------------------------------------------

    @invariant()
    def listing_is_as_a_walk_says(self) -> None:
        names = [f"papers/{path}" for path in self.there()]
        assert [info.name for info in self.one.listing()] == sorted(names)

    @rule()
    def all_is_as_a_walk_says(self) -> None:
        files = self.one
        assert files.refresh() == 0
        said: dict[str, str] = {}
        for path in self.there():
            raw = (self.papers / path).read_bytes()
            info = files.info(f"papers/{path}")
            assert info is not None
            assert info.size == len(raw)
            text = files.text(info.name)
            assert (text is None) == (not raw.strip() or info.state == "empty"), info
            if text is None:
                continue
            if not path.endswith(".html"):
                assert text.text == raw.decode()
                assert info.lines == len(raw.decode().splitlines())
            assert (info.chars, info.lines) == (len(text.text), len(text.line_starts))
            said[info.name] = text.text
        ready = sorted(info.name for info in files.listing() if info.state == "ready")
        assert ready == sorted(said)

        for word in ("needle", "straße"):
            lines = {
                (name, number)
                for name, text in said.items()
                for number, line in enumerate(text.split("\n"), 1)
                if word in line.casefold().replace("ss", "ß")
            }
            found = grep(searcher(word), sorted(said), files.text)
            assert {(match.file, match.line) for match in found.matches} == lines

            for exact in (True, False):
                hits = files.find(word, now=NOW, limit=1_000, exact=exact)
                having = {name for name, _ in lines}
                told = {name for hit in hits for name in (hit.id, *hit.also)}
                assert told == having if exact else told >= having
                for hit in hits:
                    assert hit.lines is not None
                    first, last = hit.lines
                    own = said[hit.id].split("\n")
                    assert [each.removesuffix("\r") for each in own[first - 1 : last]] == [
                        each.removesuffix("\r") for each in hit.text.split("\n")
                    ]
            for name in sorted(having)[:2]:
                only = files.find(word, now=NOW, limit=10, exact=True, files=[name])
                assert {hit.id for hit in only} == {name}


def run(steps: int, examples: int) -> None:
    run_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=examples < 20,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate] if examples < 20 else [Phase.generate, Phase.shrink],
        ),
    )


def test_files_are_as_a_walk_says_whatever_happened() -> None:
    run(steps=14, examples=6)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_files_are_as_a_walk_says_for_long() -> None:
    run(steps=40, examples=150)
