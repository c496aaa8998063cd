"""Names of files as a model writes them: found leniently, where only one file can be meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from lettafs.errors import ToolProblem

__all__ = ["file_named", "glob_matcher"]

_SHOWN = 8
"""Names an error lists at most."""
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_ALIKE = 0.25
"""From this share of common letter triples on a name is offered as what may have been meant."""


def file_named(name: str, names: Sequence[str], *, how_to_list: str = "list_files") -> str:
    """Return the one of `names`, each `folder/path`, that is meant.

    That is the name itself; else the only one that is the same without its folder, in another case,
    by its last part, or by that without its extension.

    Raises:
        ToolProblem: there is none, or more than one.
    """
    if name in names:
        return name
    wanted = _tidied(name)
    if wanted in names:
        return wanted
    folded = _folded(wanted)
    keys = [_folded(known) for known in names]
    for same in (_whole, _in_folder, _at_end, _stem) if folded else ():
        found = [known for known, key in zip(names, keys, strict=True) if same(key, folded)]
        if len(found) == 1:
            return found[0]
        if found:
            exact = [known for known in found if known.endswith(wanted)]
            if len(exact) == 1:
                return exact[0]
            raise ToolProblem(
                f"{name!r} may be {_some(found)}. Call it again with one of these names."
            )
    raise ToolProblem(_unknown(name, folded, names, keys, how_to_list))


def _tidied(name: str) -> str:
    """Return the name without what models put around names."""
    name = name.strip().strip(_QUOTES).strip()
    for entity, char in _ENTITIES:
        name = name.replace(entity, char)
    return name.replace("\\", "/").removeprefix("./").lstrip("/")


def _folded(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def _whole(key: str, wanted: str) -> bool:
    return key == wanted


def _in_folder(key: str, wanted: str) -> bool:
    return key.endswith(wanted) and key.find("/") + 1 == len(key) - len(wanted)


def _at_end(key: str, wanted: str) -> bool:
    return key.endswith(wanted) and key[-len(wanted) - 1 : -len(wanted)] == "/"


def _stem(key: str, wanted: str) -> bool:
    if wanted not in key:
        return False
    stem = key.rpartition(".")[0]
    return stem == wanted or stem.endswith(f"/{wanted}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} or one of {len(names) - _SHOWN:,} others"


def _unknown(
    name: str, folded: str, names: Sequence[str], keys: Sequence[str], how_to_list: str
) -> str:
    if folded and any(key.startswith(f"{folded.rstrip('/')}/") for key in keys):
        listed = f": {how_to_list} shows its files" if how_to_list else ""
        return f"{name!r:.200} is a folder, not a file{listed}."
    wanted = _triples(folded.rpartition("/")[2])
    scored = []
    for known, key in zip(names, keys, strict=True):
        theirs = _triples(key.rpartition("/")[2])
        alike = 2 * len(wanted & theirs) / (len(wanted) + len(theirs))
        if alike >= _ALIKE:
            scored.append((-alike, known))
    near = [known for _, known in sorted(scored)[:5]]
    nearest = f" The nearest names: {', '.join(near)}." if near else ""
    listed = f" {how_to_list} shows all {len(names):,}." if how_to_list else ""
    if not near and 0 < len(names) <= _SHOWN:
        nearest, listed = f" There are: {', '.join(names)}.", ""
    return f"There is no file named {name!r:.200}.{nearest}{listed}"


def _triples(name: str) -> set[str]:
    padded = f" {name} "
    return {padded[at : at + 3] for at in range(max(len(padded) - 2, 1))}


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a name fits a pattern, without regard to case.

    `*` and `?` are wildcards (`*` goes over slashes), `[..]` and `{a,b}` are choices. A pattern
    holds for the whole name, for the part after the folder, or for the last part; without any
    wildcard it is found anywhere in the name.
    """
    pattern = _folded(pattern.strip().removeprefix("./"))
    if not any(char in pattern for char in "*?[{"):
        return lambda name: pattern in _folded(name)
    fits = _compiled(pattern)

    def matches(name: str) -> bool:
        key = _folded(name)
        parts = (key, key.partition("/")[2], key.rpartition("/")[2])
        return any(fits.fullmatch(part) is not None for part in parts)

    return matches


@lru_cache(maxsize=8)
def _compiled(pattern: str) -> re.Pattern[str]:
    from fnmatch import translate  # late: most turns name no files by pattern

    # What fnmatch makes of a pattern tries no place twice, so no name can make it slow.
    choices = [translate(choice) for choice in _choices(pattern)]
    return re.compile("|".join(f"(?:{choice})" for choice in choices))


def _choices(pattern: str) -> list[str]:
    """Return a pattern's alternatives: `*.{py,md}` is `*.py` and `*.md`."""
    found = [pattern]
    for _ in range(4):
        split = [re.match(r"(.*?)\{([^{}]*,[^{}]*)\}(.*)", one, re.DOTALL) for one in found]
        if not any(split) or len(found) > 32:
            break
        found = [
            choice
            for one, match in zip(found, split, strict=True)
            for choice in (
                [match[1] + option + match[3] for option in match[2].split(",")] if match else [one]
            )
        ]
    return found
