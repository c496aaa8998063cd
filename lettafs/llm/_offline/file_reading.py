"""Which file a sentence wants to read from, and what of it."""

from __future__ import annotations

import re

from lettafs.llm._offline.file_ask import FileAsk, Open, Place, Search, Unclear
from lettafs.llm._offline.file_names import (
    Mention,
    is_noun,
    meant_by,
    mentions,
    resolve,
    with_words,
)
from lettafs.llm._offline.file_words import bare_name, place_in, subject_words
from lettafs.llm._offline.late import late
from lettafs.llm._offline.shelf import Shelf
from lettafs.llm._offline.text import is_question

__all__ = ["ORDER", "file_reading"]

_MOST_OPENED = 3

ORDER = late(
    r"(?:open|read|show|display|print|quote|cat|view|load|look|check|see|go through|have a look|"
    r"take a look|summari[sz]e|sum up|explain|describe|tell me|give me|get|fetch|compare|"
    r"analy[sz]e|review|skim|outline|start with|continue with|list)\b",
    re.IGNORECASE,
)
_SUMS_UP = late(
    r"\b(?:summari[sz]e|sum (?:it |this |that )?up|summary|overview|gist|explain|describe|compare|"
    r"analy[sz]e|review|outline|main (?:points?|ideas?)|key points?|tl;?dr)\b",
    re.IGNORECASE,
)
_TALK_ABOUT = late(
    r"\b(?:did|have) (?:i|we|you) (?:\w+ )?(?:say|said|tell|told|mention|mentioned|talk|talked|"
    r"speak|spoken|discuss|discussed|ask|asked)\b|\b(?:i|we) (?:said|told you|talked|mentioned|"
    r"discussed)\b",
    re.IGNORECASE,
)


def file_reading(sentence: str, line: str, shelf: Shelf) -> tuple[FileAsk, ...]:
    """Return what a sentence wants to read; nothing when it names no file.

    Args:
        sentence: as it was said.
        line: without what is only politeness.
        shelf: the files there are.
    """
    named = _named(line, shelf)
    is_order = ORDER().match(line) is not None or _is_little_else(line, named)
    asks = is_order or is_question(sentence) or re.search(r"\bwhat(?:'s| is)\b", line, re.I)
    if not named or not asks:
        return ()
    first = named[0]
    inside = re.search(r"\b(?:in|inside|within|of|from)\s+\W*$", line[: first.start])
    if _TALK_ABOUT().search(line) and not inside:
        # What was said about a file is in the conversation.
        return ()
    if not any(each.among for each in named) and not (is_order or inside or _reads(line)):
        # "What is node.js?" names no file.
        return ()
    rest = line
    for each in reversed(named):
        rest = f"{rest[: each.start]} {rest[each.end :]}"
    page, lines, rest = place_in(rest)
    place = Place(page, lines) if page or lines else None
    about = subject_words(rest)
    sums_up = _SUMS_UP().search(rest) is not None
    found: list[FileAsk] = []
    for each in named[:_MOST_OPENED]:
        if len(each.among) > 1:
            found.append(Unclear(each.said, tuple(file.name for file in each.among)))
        elif about and not is_order and each.among:
            found.append(Search(" ".join(about), each.among[0].name))
        else:
            name = each.among[0].name if each.among else each.said
            found.append(Open(name, bool(each.among), place, about, sums_up))
    return tuple(found)


def _is_little_else(line: str, named: tuple[Mention, ...]) -> bool:
    """Tell whether a sentence is a file's name and at most a word, of whatever language."""
    if len(named) != 1 or not named[0].among:
        return False
    return len(f"{line[: named[0].start]} {line[named[0].end :]}".split()) <= 1


def _reads(line: str) -> bool:
    return re.search(
        r"\b(?:say|says|contain|contains|hold|holds|read|open|file|document)\b", line, re.I
    ) is not None  # fmt: skip


_ARTICLE = r"(?:the |my |our |this |that |your )?"
_NOUN = r"(?:text |pdf |word |csv )?(?:file|document|paper|pdf|report|doc|spreadsheet|book)"
_CALLED = late(
    rf"\b{_NOUN} (?:called|named|titled|with the name) (?P<what>.+?)"
    r"(?=\s+(?:say|says|contain|contains|about|and tell|to me|for me|please)\b|[?!,]|$)",
    re.IGNORECASE,
)
_BARE = late(
    r"(?:(?:open|read|show|display|print|cat|view|load|quote|summari[sz]e|sum up|look (?:at|into|"
    r"in)|go through|(?:take|have) a look at|check|review|describe|outline|explain|"
    r"(?:show|tell|give) me what(?:'s| is) (?:in|inside)(?: of)?|(?:give me |what(?:'s| is) )?"
    r"(?:a |the )?(?:short |brief )?(?:contents?|text|summary|overview|gist|beginning|start|"
    r"(?:first )?(?:page|lines?|slide|sheet)(?: [\w-]+)?) of)(?: me| us)?|"
    r"what(?:'s| is| does| data is| data are| text is| information is| do you (?:see|find|read)|"
    r" can you (?:see|read|tell me)|'re| are)?(?: it)?(?: there| written| stored| saved| say| on "
    r"(?:page|slide|lines?|sheet) [\w-]+(?:(?:-| to | and )\d+)?)*"
    r" (?:in|inside|inside of|within|about|of)|what does)"
    rf" (?P<what>{_ARTICLE}.+?)(?: (?:say|says|contain|contains|hold|holds|have in it|include|"
    r"tell us|tell me))?",
    re.IGNORECASE,
)
_PAGE_ONLY = late(
    r"(?:(?:open|read|show|display|print|quote|view|see|go to|turn to)(?: me)?|what(?:'s| is| "
    r"does)(?: it say| there| written)*(?: on| in)?) (?:the )?(?:page|slide|sheet|lines?) "
    r"[\w-]+(?:(?:-| to | and )\d+)?(?: say| contain)?",
    re.IGNORECASE,
)


def _named(line: str, shelf: Shelf) -> tuple[Mention, ...]:
    """Return the files a sentence names, outright or by a name without its ending."""
    found = mentions(line, shelf)
    if found:
        return found
    called = _CALLED().search(line)
    if called is not None:
        said = bare_name(called["what"])
        return (Mention(said, called.start(), called.end(), resolve(said, shelf.files)),)
    bare = _BARE().fullmatch(line)
    if bare is not None:
        said = bare_name(bare["what"])
        # "My plans" may be the name itself.
        among = resolve(bare["what"], shelf.files) or resolve(said, shelf.files)
        among = among or meant_by(said, shelf)
        among = among or (() if is_noun(said) else with_words(said, shelf.files))
        return (Mention(said, *bare.span("what"), among),) if among else ()
    among = meant_by("page", shelf) if _PAGE_ONLY().fullmatch(line) else ()
    return (Mention("page", 0, 0, among),) if among else ()
