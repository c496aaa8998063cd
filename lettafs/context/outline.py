"""An outline of many files: their names where they fit, and counts by directory where not.

However many files there are, it takes no more than its budget of characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lettafs.context.shown import attribute, plain, size_words
from lettafs.values.file import FileInfo

__all__ = ["outline"]

_LEAST_LINE = len('<file status="closed" name="x">x</file>\n')
"""No file takes fewer characters: a folder of many need not be written out to see it is too long.
"""
_LEAST_SHARE = 300
"""With less, the inside of a directory is not outlined."""
_COUNTS_SHARE = 0.75
"""Of a directory's budget, what the counts of its own directories may take."""


def outline(
    folders: Mapping[str, Sequence[FileInfo]], *, budget_chars: int
) -> dict[str, list[str]]:
    """Return the lines for each folder's files, which come in order of their names.

    Small folders are listed whole; what they leave of the budget is for the others.
    """
    lines: dict[str, list[str]] = {name: [] for name in folders}
    left = budget_chars
    # The small ones first, so that what they do not need is known.
    in_order = sorted(folders, key=lambda name: (len(folders[name]), name))
    for place, name in enumerate(in_order):
        lines[name] = _directory(folders[name], f"{name}/", left // (len(in_order) - place))
        left = max(left - _cost(lines[name]), 0)
    return lines


def _cost(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _line(info: FileInfo) -> str:
    words = plain(size_words(info))
    return f'<file status="closed" name="{attribute(info.name)}">{words}</file>'


def _more(files: int, *, inside: str = "", directories: int = 0) -> str:
    counts = f'files="{files:,}"' + (f' directories="{directories:,}"' if directories else "")
    return f"<more {counts}" + (f' in="{attribute(inside)}"/>' if inside else "/>")


def _whole(files: Sequence[FileInfo], budget: int) -> list[str] | None:
    """Return a line for each, or None where they do not fit."""
    if len(files) * _LEAST_LINE > budget:
        return None
    lines = [_line(info) for info in files]
    return lines if _cost(lines) <= budget else None


def _directory(files: Sequence[FileInfo], prefix: str, budget: int) -> list[str]:
    """Return the lines of one directory; at least one, which says how many files there are."""
    whole = _whole(files, budget)
    if whole is not None:
        return whole
    direct, inside = _split(files, prefix)
    counts = [_more(len(found), inside=path) for path, found in inside.items()]
    own_budget = budget - _cost(counts)
    if inside and own_budget < budget * (1 - _COUNTS_SHARE):
        return _many_directories(direct, inside, budget=budget, prefix=prefix)
    own = _first(direct, own_budget // 2 if inside else own_budget, prefix=prefix)
    return own + _opened(inside, counts, own_budget - _cost(own))


def _split(
    files: Sequence[FileInfo], prefix: str
) -> tuple[list[FileInfo], dict[str, list[FileInfo]]]:
    """Return the files that lie in a directory itself, and those of each directory in it."""
    direct: list[FileInfo] = []
    inside: dict[str, list[FileInfo]] = {}
    begin = len(prefix)
    for info in files:
        slash = info.name.find("/", begin)
        if slash == -1:
            direct.append(info)
        else:
            inside.setdefault(info.name[: slash + 1], []).append(info)
    return direct, dict(sorted(inside.items()))


def _first(files: Sequence[FileInfo], budget: int, *, prefix: str) -> list[str]:
    """Return the first files that fit, and how many more there are."""
    whole = _whole(files, budget)
    if whole is not None:
        return whole
    lines: list[str] = []
    room = budget - len(_more(len(files), inside=prefix)) - 1
    for info in files:
        line = _line(info)
        if len(line) + 1 > room:
            break
        lines.append(line)
        room -= len(line) + 1
    return [*lines, _more(len(files) - len(lines), inside=prefix)]


def _many_directories(
    direct: Sequence[FileInfo],
    inside: Mapping[str, Sequence[FileInfo]],
    *,
    budget: int,
    prefix: str,
) -> list[str]:
    """Return the counts of the first directories, and of the rest together."""
    own = _first(direct, budget // 4, prefix=prefix) if direct else []
    files, directories = sum(map(len, inside.values())), len(inside)
    room = budget - _cost(own) - len(_more(files, inside=prefix, directories=directories)) - 1
    lines: list[str] = []
    for path, found in inside.items():
        line = _more(len(found), inside=path)
        if len(line) + 1 > room:
            break
        lines.append(line)
        room -= len(line) + 1
        files, directories = files - len(found), directories - 1
    return [*own, *lines, _more(files, inside=prefix, directories=directories)]


def _opened(
    inside: Mapping[str, Sequence[FileInfo]], counts: Sequence[str], left: int
) -> list[str]:
    """Return the directories, each by its files where there is room, else by its count."""
    shown = {path: [line] for path, line in zip(inside, counts, strict=True)}
    in_order = sorted(inside, key=lambda path: (len(inside[path]), path))
    for place, path in enumerate(in_order):
        # What its count takes is free when its files stand there instead.
        mine = _cost(shown[path])
        share = left // (len(in_order) - place) + mine
        lines = _whole(inside[path], share)
        if lines is None and share >= _LEAST_SHARE:
            lines = _directory(inside[path], path, share)
        if lines is not None:
            shown[path] = lines
            left = max(left + mine - _cost(lines), 0)
    return [line for path in inside for line in shown[path]]
