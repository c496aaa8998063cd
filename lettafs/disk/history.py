"""What git says of the past, as values; and the words of git that say it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lettafs.errors import HistoryProblem

__all__ = [
    "LOG_FORMAT",
    "Change",
    "Commit",
    "Person",
    "parse_blame",
    "parse_changes",
    "parse_log",
    "signature",
    "trailers_of",
]

LOG_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%B"
"""With `-z` each field and each commit ends in a NUL, which no message can hold."""

_FIELDS = 6
_TRAILER = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*)\s*:\s(?P<value>.*)")
_NO_BLOB = "0" * 40


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit is by."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One checkpoint."""

    id: str
    parents: tuple[str, ...]
    author: Person
    time: str
    """ISO 8601 with the author's offset."""
    subject: str
    body: str
    """What follows the subject, trailers included."""
    trailers: Mapping[str, str] = field(default_factory=dict)
    """Of a key given twice, the last value."""


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two commits."""

    path: str
    before: str | None
    """The blob; None: it was not there."""
    after: str | None


def parse_log(raw: bytes) -> list[Commit]:
    """Return the commits that `log -z` printed in `LOG_FORMAT`."""
    fields = raw.decode("utf-8", "replace").split("\0")
    commits: list[Commit] = []
    for at in range(0, len(fields) - _FIELDS + 1, _FIELDS):
        commit_id, parents, name, email, time, message = fields[at : at + _FIELDS]
        subject, _, body = message.strip("\n").partition("\n")
        commits.append(
            Commit(
                commit_id,
                tuple(parents.split()),
                Person(name, email),
                time,
                subject,
                body.strip("\n"),
                trailers_of(message),
            )
        )
    return commits


def trailers_of(message: str) -> dict[str, str]:
    """Return the trailers of a message: its last paragraph, when every line of it is one.

    Read here rather than by git, whose own way may run programs that a configuration names.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.strip("\n"))
    if len(paragraphs) < 2:
        return {}
    found: dict[str, str] = {}
    key = ""
    for line in paragraphs[-1].splitlines():
        if key and line[:1] in " \t":
            found[key] += " " + line.strip()
            continue
        match = _TRAILER.fullmatch(line)
        if match is None:
            return {}
        key = match["key"]
        found[key] = match["value"].strip()
    return found


def parse_changes(raw: bytes) -> list[Change]:
    """Return the changes that `diff-tree -r -z --raw` printed."""
    fields = raw.split(b"\0")
    changes: list[Change] = []
    for head, name in zip(fields[0::2], fields[1::2], strict=False):
        if not head.startswith(b":"):
            continue
        _, _, before, after, _ = head.decode("ascii").split(" ")
        changes.append(
            Change(
                os.fsdecode(name),
                None if before == _NO_BLOB else before,
                None if after == _NO_BLOB else after,
            )
        )
    return changes


def parse_blame(raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield commit and text of each line that `blame --porcelain` printed, without line ends."""
    commit = ""
    header = True
    for line in raw.split(b"\n"):
        if line.startswith(b"\t"):
            yield commit, line[1:].decode("utf-8", "replace")
            header = True
        elif header and line:
            commit = line[:40].decode("ascii", "replace")
            header = False


def signature(person: Person, when: str) -> str:
    """Return `NAME <EMAIL> SECONDS ZONE`, as a commit says who and when.

    Args:
        person: characters that git's own form cannot hold are left out of the names.
        when: ISO 8601; UTC where it has no offset.

    Raises:
        HistoryProblem: `when` is not a time git can hold.
    """
    try:
        moment = datetime.fromisoformat(when)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError) as error:
        raise HistoryProblem(f"{when!r} is not a time a commit can have") from error
    offset = moment.utcoffset()
    minutes = 0 if offset is None else round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return f"{_crude(person.name) or 'unknown'} <{_crude(person.email)}> {max(seconds, 0)} {zone}"


def _crude(text: str) -> str:
    """Leave out what would end the field, and what git strips from its ends."""
    kept = "".join(c for c in text if c not in "<>\n\0" and c >= " ")
    return kept.strip(" .,:;\"'\\")
