"""Keeping an index up: batches of new lines become segments, small segments become larger ones.

Files are only ever added. A generation is what its seal lists; a seal is replaced in one step, and
files no seal lists are taken away afterwards. A crash at any moment leaves the last generation.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lettafs.disk import atomic, derived, lock
from lettafs.disk.fingerprint import Stamp
from lettafs.disk.seal import SEAL_NAME, write_seal
from lettafs.errors import DiskProblem
from lettafs.index.corpus import Marked
from lettafs.index.engine.batch import Builder
from lettafs.index.engine.merging import Stopped, merge, to_merge
from lettafs.index.engine.opened import Opened, open_sealed_index, seal_stamp
from lettafs.index.engine.state import State, Watermark, digest
from lettafs.index.engine.storage import Files
from lettafs.index.engine.stored import EXTENSIONS, Cache, Entry, Stored, write_batch
from lettafs.index.engine.text import Text, TextFile

__all__ = ["Keeping"]

_BATCH = 20_000
"""Documents of a segment when it is written: so much work a crash can cost."""
_WORTH_SAVING = 1_000
"""Documents that are written all the same when somebody wants the work to stop: otherwise a
conversation without a long pause would never get its index."""
_LOCK = "lock"
_PREFIX = "words_"


class Keeping:
    """One attempt to bring an index up to its text."""

    def __init__(
        self, directory: Path, *, root: Path, key: bytes, version: str, fields: int, text: Text[Any]
    ) -> None:
        self._directory = directory
        self._root = root
        self._key = key
        self._version = version
        self._fields = fields
        self._text = text
        self._files = Files(directory, sealed=None)
        self._state = State(version)
        self._parts: dict[str, Stored] = {}

    def catch_up(
        self,
        *,
        stop: Callable[[], bool],
        progress: Callable[[int, int], None],
        at_least: int,
        distrusted: Stamp | None,
    ) -> int:
        """Index what is pending; see `WordIndex.catch_up`.

        Args:
            stop: as there.
            progress: as there.
            at_least: as there.
            distrusted: a seal under which a file could not be read: begin anew.
        """
        files = self._text.files()
        if not files and not (self._directory / SEAL_NAME).exists():
            return 0
        derived.make(self._directory, root=self._root)
        about = {"cmd": "lettafs", "since": datetime.now(UTC).isoformat(timespec="seconds")}
        held = lock.acquire(self._directory / _LOCK, about=about)
        if held is None:
            return 0
        with held:
            self._load(distrusted)
            self._clean()
            changed = self._leave_out(files)
            lines = {
                file.number: self._text.lines_after(file, self._state.texts.get(file.number))
                for file in files
            }
            total = sum(lines.values())
            if total < max(at_least, 1) and not changed:
                return 0
            done = 0
            at = 0
            while at < len(files) and not stop():
                start = at
                at = self._batch(files, at, stop=stop)
                if at == start:
                    break
                done += sum(lines[file.number] for file in files[start:at])
                progress(min(done, total), total)
            return done

    @staticmethod
    def discard(directory: Path, *, root: Path) -> None:
        """Take an index away, unless somebody is at work on it. Never fails."""
        if not derived.is_safe(directory, root=root):
            return
        with suppress(DiskProblem):
            held = lock.acquire(directory / _LOCK, about={"cmd": "lettafs"})
            if held is not None:
                with held:
                    names = derived.names(directory)
                    derived.drop(directory, [SEAL_NAME, *filter(_is_ours, names)])

    def _load(self, distrusted: Stamp | None) -> None:
        """Take over the generation there is, if every byte of it can be trusted."""
        stamp = seal_stamp(self._directory, root=self._root)
        opened: Opened | None = None
        if stamp is not None and stamp != distrusted:
            try:
                opened = open_sealed_index(
                    self._directory,
                    stamp=stamp,
                    key=self._key,
                    version=self._version,
                    fields=self._fields,
                    cache=Cache(0),
                )
            except Exception:
                opened = None  # damaged, in one of the many ways Whoosh has to say so
        if opened is not None:
            self._state = opened.state
            self._parts = {part.entry.name: part for part in opened.parts}
            self._files = Files(self._directory, sealed=opened.sealed)

    def _clean(self) -> None:
        """Take away what is no part of the generation: a crash's leavings, a damaged index."""
        keep = {SEAL_NAME, *self._state.files} if self._state.entries else set()
        names = [name for name in derived.names(self._directory) if _is_ours(name)]
        derived.drop(self._directory, [name for name in names if name not in keep])
        if SEAL_NAME not in keep and self._parts == {} and not self._state.texts:
            derived.drop(self._directory, [SEAL_NAME])
        atomic.clear_temps(self._directory, nested=False)

    def _leave_out(self, files: list[TextFile]) -> bool:
        """Mark what the text does not hold any more as out of date; tell whether there was any."""
        by_number = {file.number: file for file in files}
        gone = {
            number
            for number, mark in self._state.texts.items()
            if number not in by_number or not self._text.holds(by_number[number], mark)
        }
        texts = {
            number: _looked_at(mark, by_number[number])
            for number, mark in self._state.texts.items()
            if number not in gone
        }
        if not gone:
            self._state = replace(self._state, texts=texts)  # sealed with the next batch
            return False
        entries = tuple(
            replace(entry, without=entry.without | gone)
            for entry in self._state.entries
            if self._part(entry).has_others_than(entry.without | gone)
        )
        self._seal(replace(self._state, entries=entries, texts=texts))
        return True

    def _batch(self, files: list[TextFile], at: int, *, stop: Callable[[], bool]) -> int:
        """Index files from one on until there are enough documents; return the next file.

        Whole files only, so that a batch ends where a file does. Returns `at` when stopped before
        there was enough to be worth writing.
        """
        builder = Builder(fields=self._fields)
        texts = dict(self._state.texts)
        end = at
        while end < len(files) and len(builder) < _BATCH:
            if stop():
                if len(builder) < _WORTH_SAVING:
                    return at
                break
            file = files[end]
            end += 1
            mark = self._text_into(builder, file, texts.get(file.number))
            if mark is not None:
                texts[file.number] = mark
        if texts == self._state.texts:
            return end
        state = replace(self._state, texts=texts)
        if len(builder):
            name = _new_name()
            entry = write_batch(builder.build(), self._files, name=name, breathe=stop)
            state = replace(state, entries=(*state.entries, entry))
        self._seal(state)
        with suppress(Stopped):
            self._merge(stop=stop)
        return end

    def _text_into(
        self, builder: Builder, file: TextFile, mark: Watermark | None
    ) -> Watermark | None:
        """Take a file's new whole lines; return how far it is indexed then, None: no further."""
        size, lines, marks = (0, 0, ()) if mark is None else (mark.size, mark.lines, mark.marks)
        if file.stamp.size <= size:
            return None
        data = self._text.read(file)
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) <= size or (mark is not None and digest(whole[:size]) != mark.sha256):
            return None
        found: list[Marked] = list(marks)
        for item in self._text.found_in(file, whole[size:], first=lines + 1):
            if isinstance(item, Marked):
                found.append(item)
            else:
                builder.add(*item)
        stamp = file.stamp if file.settled and len(data) == file.stamp.size else None
        count = lines + whole.count(b"\n", size)
        return Watermark(count, len(whole), digest(whole), stamp, tuple(found))

    def _merge(self, *, stop: Callable[[], bool]) -> None:
        while run := to_merge(self._state.entries):
            if stop():
                return
            entries = self._state.entries
            merged = merge(
                [self._part(entry) for entry in entries[run]],
                self._files,
                name=_new_name(),
                stop=stop,
            )
            fresh = () if merged is None else (merged,)
            entries = (*entries[: run.start], *fresh, *entries[run.stop :])
            self._seal(replace(self._state, entries=entries))

    def _part(self, entry: Entry) -> Stored:
        part = self._parts.get(entry.name)
        if part is None:
            part = Stored(entry, self._files, fields=self._fields, cache=Cache(0))
            self._parts[entry.name] = part
        return part.as_listed(entry)

    def _seal(self, state: State) -> None:
        """Make a state the present generation, and take away what only the one before had."""
        before = set(self._state.files)
        sealed = write_seal(
            self._directory,
            key=self._key,
            names=state.files,
            state=state.to_json(),
            hashed=state.files,
        )
        self._state = state
        self._files = Files(self._directory, sealed=sealed)
        kept = set(state.files)
        derived.drop(self._directory, sorted(before - kept))
        listed = {entry.name for entry in state.entries}
        self._parts = {name: part for name, part in self._parts.items() if name in listed}


def _looked_at(mark: Watermark, file: TextFile) -> Watermark:
    """Return the watermark of a file that holds it, so that it need not be read again."""
    whole = file.settled and file.stamp.size == mark.size
    return replace(mark, stamp=file.stamp) if whole else mark


def _new_name() -> str:
    return f"{_PREFIX}{secrets.token_hex(8)}"


def _is_ours(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(EXTENSIONS)
