"""Which file a person means: names as people write them, looked for among the names there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lettafs.llm._offline.late import late
from lettafs.llm._offline.shelf import SeenFile, Shelf

__all__ = [
    "Mention",
    "is_noun",
    "looks_like_a_file",
    "meant_by",
    "mentions",
    "nearest",
    "resolve",
    "sole",
    "with_words",
]

_MOST_NAMES = 2_000
_ENDINGS = (
    "txt text md markdown rst adoc org tex pdf doc docx odt rtf ppt pptx odp xls xlsx ods csv tsv "
    "json jsonl ndjson xml yaml yml toml ini cfg conf env log html htm css epub ipynb msg eml py "
    "js ts jsx tsx java kt c h cc cpp hpp cs go rs rb php sh bash ps1 bat sql r m swift scala vue "
    "svg png jpg jpeg gif bmp tiff webp mp3 wav mp4 mov zip tar gz 7z exe bin dat db sqlite"
)
_TOKEN = late(r"[^\s\"'`<>|?*:;!,()]+")
_ENDED = late(r"[^/\\]\.\w{1,8}$")
_QUOTED = late(r"\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`|(?<!\w)'([^'\n]{1,200})'(?!\w)|«([^»]+)»")


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of a sentence that names a file."""

    said: str
    start: int
    end: int
    among: tuple[SeenFile, ...]
    """The files it fits: one when it is clear, none when there is no such file."""


def looks_like_a_file(name: str) -> bool:
    """Tell whether a name has an ending that files have."""
    stem, dot, ending = name.strip().rpartition(".")
    return bool(dot and stem) and ending.lower() in _endings()


def _endings() -> frozenset[str]:
    return frozenset(_ENDINGS.split())


def resolve(said: str, files: Sequence[SeenFile]) -> tuple[SeenFile, ...]:
    """Return the files a name fits, by the strictest reading that fits any."""
    wanted = _plain(said).strip("/")
    if not wanted:
        return ()
    for form in _FORMS:
        found = tuple(each for each in files if form(each.name, wanted))
        if found:
            return found
    return ()


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFC", name).replace("\\", "/").strip()
    return text.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0xA0: " "})


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _stem(name: str) -> str:
    base = _base(name)
    stem, dot, _ = base.rpartition(".")
    return stem if dot and stem else base


def _loose(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.replace("_", " "))).casefold()


def _same_path(name: str, wanted: str) -> bool:
    return _plain(name).casefold() == wanted.casefold()


def _same_end(name: str, wanted: str) -> bool:
    return ("/" + _plain(name).casefold()).endswith("/" + wanted.casefold())


def _same_stem(name: str, wanted: str) -> bool:
    return _plain(_stem(name)).casefold() == wanted.casefold()


def _same_words(name: str, wanted: str) -> bool:
    words = _loose(wanted)
    return words != "" and words in (_loose(_plain(_base(name))), _loose(_plain(_stem(name))))


_FORMS: tuple[Callable[[str, str], bool], ...] = (
    lambda name, wanted: _plain(name) == wanted,
    _same_path,
    _same_end,
    _same_stem,
    _same_words,
)


def nearest(said: str, files: Sequence[SeenFile]) -> tuple[str, ...]:
    """Return up to three names of files that are like a name no file has."""
    import difflib  # late: only a name that is wrong needs it

    wanted = _loose(_stem(_plain(said)))
    by_key: dict[str, list[str]] = {}
    for each in files[:_MOST_NAMES]:
        by_key.setdefault(_loose(_stem(each.name)), []).append(each.name)
    keys = difflib.get_close_matches(wanted, list(by_key), n=3, cutoff=0.5)
    words = {word for word in wanted.split() if len(word) > 2}
    keys += [key for key in by_key if words & set(key.split()) and key not in keys]
    return tuple([name for key in keys for name in by_key[key]][:3])


def mentions(sentence: str, shelf: Shelf) -> tuple[Mention, ...]:
    """Return where a sentence names files outright: in quotes, by a known name, or with an ending.

    A name without its ending counts only in quotes: as a bare word it may be just a word.
    """
    found: list[Mention] = []
    for quoted in _QUOTED().finditer(sentence):
        said = next(part for part in quoted.groups() if part is not None)
        among = resolve(said, shelf.files)
        if among or looks_like_a_file(said):
            _take(found, Mention(said, quoted.start(), quoted.end(), among))
    for start, end in _known(sentence, shelf):
        said = sentence[start:end]
        _take(found, Mention(said, start, end, resolve(said, shelf.files)))
    for token in _TOKEN().finditer(sentence):
        said = token.group().rstrip(".-/")
        if _ENDED().search(said) is None or said.startswith("//") or "@" in said:
            continue
        among = resolve(said, shelf.files)
        if among or looks_like_a_file(said):
            _take(found, Mention(said, token.start(), token.start() + len(said), among))
    return tuple(sorted(found, key=lambda each: each.start))


def _take(found: list[Mention], new: Mention) -> None:
    if all(new.end <= each.start or new.start >= each.end for each in found):
        found.append(new)


def _known(sentence: str, shelf: Shelf) -> list[tuple[int, int]]:
    """Return where full names or base names with an ending stand, the longest first."""
    text = _folded(sentence)
    spans: list[tuple[int, int]] = []
    for each in shelf.files[:_MOST_NAMES]:
        for form in _endings_of(each.name):
            if "." not in form.strip("."):
                continue
            for match in re.finditer(re.escape(_folded(form)), text):
                before, after = text[: match.start()][-1:], text[match.end() :][:2]
                inside = re.match(r"\w|[.\-]\w", after) is not None
                if not inside and re.match(r"[\w./@\-]", before) is None:
                    spans.append(match.span())
    return sorted(set(spans), key=lambda span: (span[0] - span[1], span[0]))


def _endings_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[at:]) for at in range(len(parts))]


def _folded(text: str) -> str:
    # Offsets must stay: letters whose lower case has another length are left as they are.
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


_PAGED = late(r"\b(?:pages?|slides?|sheets?)$")
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"pdfs?", ("pdf",)),
    (r"papers?|articles?|thesis", ("pdf",)),
    (r"spreadsheet|workbook|excel(?: file)?|sheet", ("xlsx", "xls", "ods", "csv", "tsv")),
    (r"csv(?: file)?", ("csv",)),
    (r"presentation|slides|deck|powerpoint", ("pptx", "ppt", "odp")),
    (r"word (?:file|document)", ("docx", "doc")),
    (r"e-?book|book", ("epub", "pdf")),
    (r"notebook", ("ipynb",)),
    (r"text file|txt(?: file)?", ("txt",)),
)


_ANY = r"files?|documents?|docs?"
_POINTERS = r"it|that|this|page"


def is_noun(said: str) -> bool:
    """Tell whether words without their article mean a file without naming it: "paper", "it"."""
    nouns = "|".join([_ANY, _POINTERS, *(pattern for pattern, _ in _KINDS)])
    return re.fullmatch(nouns, said, re.IGNORECASE) is not None


def sole(noun: str, shelf: Shelf) -> SeenFile | None:
    """Return the one file "it", "the file" or "the paper" can mean; None when there are several.

    Args:
        noun: `it`, or the noun without its article.
        shelf: the files there are.
    """
    among = meant_by(noun, shelf)
    return among[0] if len(among) == 1 else None


def meant_by(noun: str, shelf: Shelf) -> tuple[SeenFile, ...]:
    """Return the files a noun without a name can mean, one where that is clear; none for no noun.

    Args:
        noun: `it`, `page` for "page 3", or the noun without its article.
        shelf: the files there are.
    """
    if not is_noun(noun):
        return ()
    in_hand = shelf.file(shelf.in_hand)
    if in_hand is not None:
        return (in_hand,)
    among = shelf.files
    for pattern, endings in _KINDS:
        if re.fullmatch(pattern, noun, re.IGNORECASE):
            among = tuple(each for each in among if each.name.lower().rpartition(".")[2] in endings)
    if noun == "page":
        among = tuple(each for each in among if each.pages or _PAGED().search(each.note))
    are_open = tuple(each for each in among if each.status == "open")
    if len(are_open) == 1 and len(among) > 1:
        return are_open
    if re.fullmatch(_POINTERS, noun, re.IGNORECASE) and noun != "page":
        return among if len(among) == 1 and shelf.is_complete else ()
    return among


def with_words(said: str, files: Sequence[SeenFile]) -> tuple[SeenFile, ...]:
    """Return the files whose names have all these words: "the invoice" for invoice-117.pdf."""
    words = set(_loose(re.sub(r"\babout\b", " ", said)).split())
    words -= {word for word in words if len(words) > 1 and is_noun(word)}
    if not words or len(words) > 4 or any(len(word) < 3 for word in words):
        return ()
    return tuple(each for each in files if words <= set(_loose(_stem(each.name)).split()))
