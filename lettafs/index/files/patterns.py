"""One line of a `.gitignore`, and how it is followed from name to name down a tree.

A pattern is a row of segments, one for each name of a path, and `**` for any number of names. How
far a path has come in it is a set of positions, held as bits: a directory hands its positions on to
what lies in it, so that each name is compared once, with the segments that can still be met, and a
pattern that cannot be met below a directory is dropped there.

Patterns mean what they mean to git, with one difference: `?` and `[...]` stand for one character,
where git's stand for one byte.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Pattern", "Patterns", "Segment", "parse", "pattern"]

_MAX_CHARS = 2_000
"""Longer lines are no patterns anybody wrote."""
_MAX_PATTERNS = 5_000

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_WILD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class Segment:
    """What one name has to be like."""

    glob: str
    """As it was written."""
    literal: str | None
    """The only name it fits; None: see `regex`."""
    regex: re.Pattern[str] | None
    """None of both: it is `**`, and fits any number of names."""

    def fits(self, name: str) -> bool:
        """Tell whether it fits a name; one of `**` fits every name."""
        if self.literal is not None:
            return self.literal == name
        return self.regex is None or self.regex.fullmatch(name) is not None

    def spells(self, name: str) -> bool:
        """Tell whether it fits a name on purpose, not only because it fits nearly all.

        A name that begins with a dot or a tilde is spelt by what begins likewise: `*.docx` does
        not mean an editor's `~$draft.docx`.
        """
        if not self.glob.strip("*?."):
            return False
        return (name[:1] not in (".", "~") or self.glob[:1] == name[:1]) and self.fits(name)


_ANY = Segment("**", None, None)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; its positions are a bit each, the lowest for its first segment."""

    segments: tuple[Segment, ...]
    negates: bool
    """It began with `!`: what it fits is not meant after all."""
    only_directories: bool
    """It ended with a slash."""

    @property
    def name_only(self) -> Segment | None:
        """The segment that alone decides, wherever the name is; None: the way there counts too."""
        two = len(self.segments) == 2 and self.segments[0] is _ANY
        return self.segments[1] if two and self.segments[1] is not _ANY else None

    @property
    def start(self) -> int:
        """The positions at the directory the pattern is for."""
        return self._closed(1)

    @property
    def end(self) -> int:
        """The position that is reached when all of it has been met."""
        return 1 << len(self.segments)

    def step(self, positions: int, name: str) -> int:
        """Return the positions one name further down; the `end` among them means that it fits."""
        found = 0
        for number, segment in enumerate(self.segments):
            if not positions >> number & 1:
                continue
            if segment is _ANY:
                found |= 1 << number
                if number == len(self.segments) - 1:
                    found |= self.end  # `a/**` fits what lies in a, not a itself
            elif segment.fits(name):
                found |= 1 << number + 1
        return self._closed(found)

    def spells(self, positions: int, name: str, *, is_directory: bool) -> bool:
        """Tell whether a segment that can be met at these positions spells a name.

        Of a file only the last segment can; a directory may be one of those on the way.
        """
        first = 0 if is_directory else len(self.segments) - 1
        return any(
            positions >> number & 1 and self.segments[number].spells(name)
            for number in range(first, len(self.segments))
        )

    def _closed(self, positions: int) -> int:
        """Add the positions behind each `**`, which fits no name at all too."""
        for number, segment in enumerate(self.segments[:-1]):
            if segment is _ANY and positions >> number & 1:
                positions |= 1 << number + 1
        return positions


class Patterns:
    """A list of patterns as far as they can still be met in one directory; the last that fits wins.

    Not changed once made: `below` gives that of a directory in it.
    """

    __slots__ = ("_by_name", "_by_way", "_quick")

    def __init__(
        self,
        by_name: tuple[tuple[int, Segment, Pattern], ...],
        by_way: tuple[tuple[int, Pattern, int], ...],
        quick: _Quick,
    ) -> None:
        self._by_name = by_name
        self._by_way = by_way
        self._quick = quick

    def decide(self, name: str, *, is_directory: bool) -> bool | None:
        """Return whether a name in the directory is meant; None: no pattern fits it."""
        decided, verdict = -1, None
        if self._quick.may_fit(name):
            for number, segment, one in reversed(self._by_name):
                if (is_directory or not one.only_directories) and segment.fits(name):
                    decided, verdict = number, not one.negates
                    break
        for number, one, positions in reversed(self._by_way):
            if number < decided:
                break
            if one.only_directories and not is_directory:
                continue
            if one.step(positions, name) & one.end:
                return not one.negates
        return verdict

    def below(self, name: str) -> Patterns:
        """Return the patterns as they are met in a directory of this one."""
        if not self._by_way:
            return self
        stepped = ((number, one, one.step(at, name)) for number, one, at in self._by_way)
        by_way = tuple(found for found in stepped if found[2] & (found[1].end - 1))
        return Patterns(self._by_name, by_way, self._quick)

    def spells(self, name: str, *, is_directory: bool) -> bool:
        """Tell whether a pattern that means names, not one that negates, spells this one."""
        if any(
            segment.spells(name) and (is_directory or not one.only_directories)
            for _, segment, one in self._by_name
            if not one.negates
        ):
            return True
        return any(
            one.spells(positions, name, is_directory=is_directory)
            and (is_directory or one.step(positions, name) & one.end != 0)
            for _, one, positions in self._by_way
            if not one.negates and (is_directory or not one.only_directories)
        )

    def reach(self, name: str) -> bool:
        """Tell whether something in a directory of this name can be meant."""
        if any(not one.negates for _, _, one in self._by_name):
            return True
        return any(not one.negates for _, one, _ in self.below(name)._by_way)


class _Quick:
    """Tells quickly of most names that no pattern fits them."""

    __slots__ = ("_endings", "_literals", "_others")

    def __init__(self, segments: Iterable[Segment]) -> None:
        literals, endings, others = set(), set(), []
        for segment in segments:
            if segment.literal is not None:
                literals.add(segment.literal)
            elif segment.glob.startswith("*") and not _WILD.search(segment.glob, 1):
                endings.add(segment.glob[1:])
            elif segment.regex is not None:
                others.append(f"(?:{segment.regex.pattern})")
        self._literals = frozenset(literals)
        self._endings = tuple(endings)
        self._others = re.compile("|".join(others), re.DOTALL) if others else None

    def may_fit(self, name: str) -> bool:
        return (
            name in self._literals
            or name.endswith(self._endings)
            or (self._others is not None and self._others.fullmatch(name) is not None)
        )


@functools.lru_cache(maxsize=256)  # a tree that is looked at again has the same files of patterns
def parse(text: str) -> Patterns:
    """Return the patterns of a `.gitignore`, as they are met in its directory."""
    by_name: list[tuple[int, Segment, Pattern]] = []
    by_way: list[tuple[int, Pattern, int]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n")):
        found = pattern(line.removesuffix("\r"))
        if found is None:
            continue
        if (segment := found.name_only) is not None:
            by_name.append((number, segment, found))
        else:
            by_way.append((number, found, found.start))
        if len(by_name) + len(by_way) == _MAX_PATTERNS:
            break
    return Patterns(tuple(by_name), tuple(by_way), _Quick(segment for _, segment, _ in by_name))


def pattern(line: str) -> Pattern | None:
    """Return the pattern a line holds; None: a blank line, a comment, or nothing that can fit."""
    line = _without_trailing_spaces(line.partition("\0")[0])
    if not line or line.startswith("#") or len(line) > _MAX_CHARS:
        return None
    negates = line.startswith("!")
    line = line[negates:]
    only_directories = line.endswith("/")
    line = line.removesuffix("/")
    if "/" in line:
        globs = _split(line.removeprefix("/"))
        segments = [
            _ANY if len(glob) > 1 and not glob.strip("*") else _segment(glob) for glob in globs
        ]
    else:
        segments = [_ANY, _segment(line)]
    if any(segment is None for segment in segments):
        return None
    return Pattern(tuple(segment for segment in segments if segment), negates, only_directories)


def _without_trailing_spaces(line: str) -> str:
    end = len(line.rstrip(" "))
    if end == len(line):
        return line
    slashes = end - len(line[:end].rstrip("\\"))
    return line[: end + slashes % 2]  # a backslash keeps the one space after it


def _split(line: str) -> list[str]:
    """Divide a pattern at its slashes; one in brackets divides nothing, an escaped one does."""
    parts, begin, at = [], 0, 0
    while at < len(line):
        step = 1
        if line[at] == "[":
            found = _bracket(line, at)
            if found is None:
                return [""]  # nothing fits it
            step = found[1] - at
        elif line[at : at + 2] == "\\/":
            parts.append(line[begin:at])
            step, begin = 2, at + 2
        elif line[at] == "\\":
            step = 2
        elif line[at] == "/":
            parts.append(line[begin:at])
            begin = at + 1
        at += step
    return [*parts, line[begin:]]


@functools.lru_cache(maxsize=4096)
def _segment(glob: str) -> Segment | None:
    """Return the segment of a glob; None: nothing fits it."""
    if not glob:
        return None
    if not _WILD.search(glob):
        return Segment(glob, glob, None)
    expression = _expression(glob)
    return None if expression is None else Segment(glob, None, re.compile(expression, re.DOTALL))


def _expression(glob: str) -> str | None:
    """Return a glob as a regular expression that takes no longer the more stars it has.

    What stands between two stars is met at the first place it fits: a later one would leave less
    for what follows. Each such run is therefore an atomic group, which is never tried again.
    """
    runs: list[list[str]] = [[]]
    at = 0
    while at < len(glob):
        match glob[at]:
            case "*":
                runs.append([])
                at += 1
            case "?":
                runs[-1].append(".")
                at += 1
            case "[":
                found = _bracket(glob, at)
                if found is None:
                    return None
                runs[-1].append(found[0])
                at = found[1]
            case "\\":
                if at + 1 == len(glob):
                    return None
                runs[-1].append(re.escape(glob[at + 1]))
                at += 2
            case plain:
                runs[-1].append(re.escape(plain))
                at += 1
    first, *others = ["".join(run) for run in runs]
    if not others:
        return first
    *inner, last = others
    return first + "".join(f"(?>.*?{run})" for run in inner if run) + ".*" + last


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """Return the regular expression of `[...]`, and where it ends; None: it is no such thing."""
    at += 1
    negated = glob[at : at + 1] in ("!", "^")
    at += negated
    parts: list[str] = []
    before = ""  # what a range would begin with
    first = True
    while first or glob[at : at + 1] != "]":
        first = False
        members = _class(glob, at) if glob.startswith("[:", at) else ""
        if members is None:
            return None
        if members:
            parts.append(members)
            before, at = "", glob.index("]", at + 2) + 1
            continue
        is_range = glob[at : at + 1] == "-" and before and glob[at + 1 : at + 2] not in ("", "]")
        char, at = _unescaped(glob, at + 1 if is_range else at)
        if not char:
            return None
        if not is_range:
            parts.append(re.escape(char))
            before = char
            continue
        if before <= char:
            parts.append(f"{re.escape(before)}-{re.escape(char)}")
        before = ""
    if not parts:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' * negated}{''.join(parts)}]", at + 1


def _class(glob: str, at: int) -> str | None:
    """Return the members of `[:alpha:]` and its like; empty: it is none; None: nothing fits it."""
    end = glob.find("]", at + 2)
    if end == -1:
        return None
    if end == at + 2 or glob[end - 1] != ":":
        return ""
    return _CLASSES.get(glob[at + 2 : end - 1])


def _unescaped(glob: str, at: int) -> tuple[str, int]:
    """Return the character at a place, and the place after it; empty where the glob ends."""
    if glob[at : at + 1] == "\\":
        at += 1
    return glob[at : at + 1], at + 1
