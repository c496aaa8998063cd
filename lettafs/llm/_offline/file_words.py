"""Words people use of files: "the paper", "page 3", and what remains when they are taken away."""

from __future__ import annotations

import re

from lettafs.llm._offline.late import late
from lettafs.llm._offline.text import clean, keywords, stem, straight

__all__ = ["bare_name", "place_in", "points_at_files", "subject_words"]

_NOUNS = (
    r"files?|documents?|docs?|papers?|pdfs?|reports?|articles?|manuals?|spreadsheets?|workbooks?|"
    r"presentations?|slides?|decks?|e-?books?|books?|chapters?|contracts?|invoices?|receipts?|"
    r"attachments?|handbooks?|transcripts?|thesis|study|csv|readme|notebooks?|whitepapers?|letters?|"
    r"minutes|guides?|specs?|specifications?|polic(?:y|ies)|statements?|text file|word file"
)
_POINTING = late(
    rf"\b(?:the|this|that|these|those|which|what|any|each|attached)\s+(?:[\w'-]+\s+)?"
    rf"(?:{_NOUNS})\b|\b(?:my|our|your) (?:attached )?(?:files?|documents?|docs|pdfs?|papers?|"
    r"reports|spreadsheets?|slides|attachments?)\b|\b(?:page|slide)\s+\d+|"
    r"\b(?:in|from|of) (?:my|the|your|our) (?:attached )?(?:folders?|library)\b|"
    r"\baccording to the\b|\battached\b",
    re.IGNORECASE,
)
_FRAME = frozenset(
    stem(word)
    for word in (
        "data inside content contents contain information info text document file pdf paper "
        "report page line written stored saved hold beginning start whole full open read view "
        "display print load summarise summary summarize sum gist overview explain look go through "
        "check see give get short brief quickly quick detail main point topic idea kind sort type "
        "copy attached folder doc sheet slide name named quote cat able try access want need "
        "compare describe review analyse analyze outline first everything anything key include say "
        "entire complete entry stand spreadsheet presentation one two three up rest continue show "
        "list up "
        "titled find within according mention new else sentence quote"
    ).split()
)
_DROPPED = frozenset(
    stem(word)
    for word in "paper document file pdf report article attached attachment page say doc according "
    "sentence".split()
)
_PLACE = late(
    r"(?:\b(?:on|in|of|from|at)\s+)?(?:the\s+)?\b(?:(?P<page>page|slide)\s+(?P<number>\d+)|"
    r"sheet\s+(?!(?:of|in|from)\b)(?P<sheet>\"[^\"]+\"|[\w-]+)|lines?\s+(?P<first>\d+)(?:\s*(?:-|–|to|and|until|"
    r"through)\s*(?:line\s+)?(?P<last>\d+))?|first\s+(?P<count>\d+)\s+lines)\b",
    re.IGNORECASE,
)
_MOST_LINES = 400


def points_at_files(text: str) -> bool:
    """Tell whether words speak of documents: "the paper", "page 3", "my files"."""
    return _POINTING().search(straight(text)) is not None


def bare_name(said: str) -> str:
    """Return a name without the article, noun and quotation marks around it."""
    text = clean(straight(said)).strip(" ,;:")
    text = re.sub(r"^(?:all of |the |my |our |this |that )+", "", text, flags=re.I)
    text = re.sub(
        r"^(?:file|document|folder)\s+(?:(?:called|named|titled)\s+)?", "", text, flags=re.I
    )
    if re.search(r"\w\s+(?:file|document|folder)$", text, re.I):
        text = re.sub(r"\s+(?:file|document|folder)$", "", text, flags=re.I)
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1]
    return text.strip()


def place_in(text: str) -> tuple[str, tuple[int, int] | None, str]:
    """Return the page and the lines a sentence names, and the sentence without them."""
    match = _PLACE().search(text)
    if match is None:
        return "", None, text
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    if match["page"]:
        return f"{match['page'].lower()} {int(match['number'])}", None, rest
    if match["sheet"]:
        return f"sheet {match['sheet'].strip(chr(34))}", None, rest
    if match["count"]:
        return "", (1, max(1, min(int(match["count"]), _MOST_LINES))), rest
    first = max(1, int(match["first"]))
    last = max(first, int(match["last"] or first))
    return "", (first, min(last, first + _MOST_LINES)), rest


def subject_words(text: str, *, of_search: bool = False) -> tuple[str, ...]:
    """Return the words that say what is sought, without those that only point at a file.

    Args:
        text: what was asked, the names of files taken out.
        of_search: leave out only words like "paper"; "data" may be the subject of a search.
    """
    frame = _DROPPED if of_search else _FRAME
    words = tuple(word for word in keywords(text) if stem(word) not in frame)
    return words or (keywords(text) if of_search else ())
