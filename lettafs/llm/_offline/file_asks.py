"""What a message asks of the attached files: to open, list, search, grep or close some.

Only the person's own words come here, never what a file says.
"""

from __future__ import annotations

import re

from lettafs.llm._offline.facts import facts_in
from lettafs.llm._offline.file_ask import Close, FileAsk, Grep, ListFiles, Search, Unclear
from lettafs.llm._offline.file_names import is_noun, looks_like_a_file, mentions, resolve, sole
from lettafs.llm._offline.file_reading import ORDER, file_reading
from lettafs.llm._offline.file_words import bare_name, points_at_files
from lettafs.llm._offline.late import late
from lettafs.llm._offline.shelf import Shelf
from lettafs.llm._offline.text import clean, sentences, straight

__all__ = ["file_asks"]

_MOST_CHARS = 20_000
_LONGEST_LINE = 500
"""Nobody asks for a file in a longer sentence; what is pasted has such lines."""
_MOST_CLAUSES = 4


def file_asks(text: str, shelf: Shelf) -> tuple[tuple[FileAsk, ...], str]:
    """Return what a message asks of files, and the rest of it, which asks something else."""
    asks: dict[FileAsk, None] = {}
    rest: list[str] = []
    at = 0
    # A full stop inside a name ends no sentence.
    masked = _masked(text[:_MOST_CHARS], shelf)
    for sentence in sentences(masked):
        if len(sentence.text) > _LONGEST_LINE:
            continue
        line = straight(text[sentence.start : sentence.end])
        found, begin = _asks_and_begin(line, sentence.text, shelf)
        if found:
            asks.update(dict.fromkeys(found))
            rest.append(text[at : sentence.start + begin])
            at = sentence.end
    rest.append(text[at:])
    return tuple(asks), "".join(rest) if asks else text


_JOIN = late(r"[,;]\s+(?:and\s+|then\s+|so\s+|but\s+)*|\s+(?:and|then|so|but)\s+", re.IGNORECASE)
_CLAUSE = late(r"(?:close|grep|search|find|list|what|which|where|when|who|how)\b", re.IGNORECASE)


def _asks_and_begin(line: str, masked: str, shelf: Shelf) -> tuple[tuple[FileAsk, ...], int]:
    """Return what a sentence asks, and where in it the asking begins.

    What comes before may tell a fact: "I'm Brad, open notes.md".
    """
    if _KEEPS().match(_POLITE().sub("", line)):
        return (), 0
    joins = [match.span() for match in _JOIN().finditer(masked)][:_MOST_CLAUSES]
    for begin, end in joins:
        tail = _POLITE().sub("", line[end:])
        if (ORDER().match(tail) or _CLAUSE().match(tail)) and facts_in(line[:begin]):
            return _asks_in(line[end:], shelf), begin
    found = _asks_in(line, shelf)
    if found:
        return found, 0
    for begin, end in joins:
        tail = _POLITE().sub("", line[end:])
        if ORDER().match(tail) or _CLAUSE().match(tail):
            found = _asks_in(line[end:], shelf)
            if found:
                return found, begin
    return (), 0


def _masked(text: str, shelf: Shelf) -> str:
    lines = straight(text).split("\n")
    return "\n".join(_masked_line(line, shelf) for line in lines)


def _masked_line(line: str, shelf: Shelf) -> str:
    for each in mentions(line, shelf) if len(line) <= _LONGEST_LINE else ():
        hidden = re.sub(r"[.!?…。！？,;]", "_", line[each.start : each.end])
        line = line[: each.start] + hidden + line[each.end :]
    return line


_POLITE = late(
    r"^(?:(?:please|kindly|can you|could you|would you|will you|i want you to|i'd like you to|"
    r"i need you to|you should|let's|let us|go ahead and|now|then|and|so|also|ok|okay|hey|hi|hello|"
    r"well|try to|just|but|thanks|thank you|great|cool|fine|good)[ ,]+)+",
    re.IGNORECASE,
)
_TAIL = late(
    r"(?:[ ,]+(?:please|now|again|to me|for me|aloud|out loud|thanks|thank you|first|too))+$", re.I
)
_ALL = r"(?:(?:all|any|every|of|the|my|your|our|these|those|attached|other|me|open)\s+)*"
_FILES = r"(?:files?|documents?|docs|folders?|papers?|pdfs?|attachments?|folder contents)"
_LIST = late(
    rf"(?:(?:which|what)\s+{_ALL}{_FILES}(?:\s+(?:do you (?:have|see|know)(?: access to)?|"
    r"can you (?:see|read|open|access|search)|(?:are|is)(?: there| attached| available| open| in "
    r"(?:here|there|it|your \w+|the \w+|my \w+))*|have i (?:attached|given you|got)|"
    r"did i (?:attach|give you)|have you (?:got|opened)|do i have|exist))*(?:\s+(?:here|now|open|"
    r"attached|for me))*|"
    rf"(?:list|show|give|name|enumerate|tell)\s+{_ALL}(?:a list of\s+|names of\s+)?{_ALL}{_FILES}|"
    rf"(?:do|can|have) you (?:have|see|got|read|access)(?: access to)?\s+{_ALL}{_FILES}"
    r"(?:\s+(?:attached|open))?|"
    rf"how many\s+{_ALL}{_FILES}(?:\s+(?:do you (?:have|see)|are (?:there|attached|open)|"
    r"do i have))*|"
    rf"(?:are|is) there (?:any )?{_FILES}(?: attached| open)?|"
    rf"what(?:'s| is| are)?\s+(?:is |are )?{_ALL}(?:attached|{_FILES}(?: attached| open)?)|"
    r"what(?:'s| is) in (?:my|your|the|this) (?:attached )?folders?|ls|dir)",
    re.IGNORECASE,
)
_LIST_FOLDER = late(
    r"(?:(?:which|what) (?:files?|documents?|papers?) (?:are |is |do you have )?(?:there )?(?:in|"
    r"inside|of) |(?:list|show)(?: me)? (?:all |the )*(?:files|documents|papers)? ?(?:in|of|inside)"
    r" |what(?:'s| is) in )(?:the |my )?(?:folder )?(?P<what>.+?)(?: folder| directory)?",
    re.IGNORECASE,
)
_OPEN_FOLDER = late(
    r"(?:open|show|list|browse|look (?:at|in|into))(?: me)? (?:the |my )?(?:folder )?(?P<what>.+?)"
    r"(?: folder| directory)?",
    re.IGNORECASE,
)
_CLOSE = late(r"close (?:the |my )?(?:file |document )?(?P<what>.+?)(?: file| document)?", re.I)
_CLOSE_ALL = late(r"close (?:all|every|everything|them)(?: of them)?(?: the| my| your)*"
                  r"(?: open)?(?: (?:files?|documents?))?", re.I)  # fmt: skip
_GREP = late(
    r"(?:grep|egrep|rg|ripgrep)(?: (?P<before>(?:in |through )?(?:the |my |your |all )*"
    r"(?:files?|documents?|folders?)))?(?: for)? (?P<what>.+?)"
    r"(?:\s+(?:in|on|inside|within|through|from|of) (?P<where>.+))?",
    re.IGNORECASE,
)
_LINES = late(
    r"(?:find|show|list|quote|give|which are)(?: me)?(?: all| every| each)?(?: the)? "
    r"(?:(?:places?|occurrences?|mentions?|matches) (?:of|for)|(?:lines?|places?|matches) "
    r"(?:with|containing|where|matching|mentioning|that (?:contain|mention|match|have|say)))"
    r"(?: the words?)? (?P<what>.+?)"
    r"(?:\s+(?:in|inside|within|from|of) (?P<where>.+))?",
    re.IGNORECASE,
)
_SEARCH = late(
    r"(?:search|look|check|browse|scan|go)(?:\s+(?:in|through|inside|into))?\s+(?P<where>.+?)\s+"
    r"(?:for|about) (?P<what>.+)",
    re.IGNORECASE,
)
_SEARCH_FOR = late(
    r"(?:search|look|find|hunt|query)(?: for| up)?(?: me)? (?P<what>.+?)\s+"
    r"(?:in|inside|within|through|from) (?P<where>.+)",
    re.IGNORECASE,
)
_WHICH_FILES = late(
    r"(?:which|what|do any|does any)(?: of)?(?: the| my| your| our)* (?:files?|documents?|papers?|"
    r"pdfs?|notes) (?:mentions?|contains?|talks? about|says? (?:something )?about|discuss(?:es)?|"
    r"(?:is|are) about|covers?|deals? with|describes?|refers? to) (?P<what>.+)",
    re.IGNORECASE,
)
_KEEPS = late(
    r"^(?:remember|note|don't forget|do not forget|keep in mind|save|store|write|edit|change|"
    r"delete|remove|rename|move|forget|translate|convert|create|make)\b",
    re.IGNORECASE,
)


def _asks_in(sentence: str, shelf: Shelf) -> tuple[FileAsk, ...]:
    line = _POLITE().sub("", clean(sentence).strip(" ?？!.…"))
    line = _TAIL().sub("", line).rstrip(" ?!.,")
    if not line or _KEEPS().match(line):
        return ()
    ask = _listing(line, shelf) or _closing(line, shelf) or _looking(line, shelf)
    if ask is not None:
        return (ask,)
    return file_reading(sentence, line, shelf)


def _listing(line: str, shelf: Shelf) -> FileAsk | None:
    if _LIST().fullmatch(line):
        return ListFiles(only_open=re.search(r"\bopen(?:ed)?\b", line, re.I) is not None)
    match = _LIST_FOLDER().fullmatch(line) or _OPEN_FOLDER().fullmatch(line)
    folder = _folder(match["what"], shelf) if match else None
    return ListFiles(folder=folder) if folder is not None else None


def _folder(said: str, shelf: Shelf) -> str | None:
    bare = bare_name(said).removesuffix("/").casefold()
    return next((each.name for each in shelf.folders if each.name.casefold() == bare), None)


def _closing(line: str, shelf: Shelf) -> FileAsk | None:
    if _CLOSE_ALL().fullmatch(line):
        return Close(None)
    match = _CLOSE().fullmatch(line)
    if match is None:
        return None
    said = bare_name(match["what"])
    among = resolve(said, shelf.files)
    among = tuple(each for each in among if each.status == "open") or among
    only = among[0] if len(among) == 1 else sole(said, shelf) if is_noun(said) else None
    if only is not None:
        return Close(only.name)
    if among:
        return Unclear(said, tuple(each.name for each in among))
    return Close(said, is_known=False) if looks_like_a_file(said) else None


def _looking(line: str, shelf: Shelf) -> FileAsk | None:
    match = _GREP().fullmatch(line)
    if match is None and (match := _LINES().fullmatch(line)) is not None:
        where = _where(match["where"], shelf) if match["where"] else None
        match = match if where is not None or points_at_files(line) else None
    if match is not None:
        file, folder = (_where(match["where"], shelf) or ("", "")) if match["where"] else ("", "")
        what = match["what"] if not match["where"] or file or folder or _in_all(match["where"]) \
            else f"{match['what']} {line[match.end('what') :].strip()}"  # fmt: skip
        return Grep(_unquoted(what), file or None, folder or None)
    for pattern in (_SEARCH, _SEARCH_FOR):
        match = pattern().fullmatch(line)
        where = _where(match["where"], shelf) if match else None
        if match is not None and where is not None:
            return Search(_unquoted(match["what"]), where[0] or None, where[1] or None)
    match = _WHICH_FILES().fullmatch(line)
    return Search(_unquoted(match["what"])) if match else None


def _unquoted(what: str) -> str:
    text = what.strip()
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1]
    return text


def _in_all(where: str) -> bool:
    return re.fullmatch(rf"{_ALL}{_FILES}|(?:all|every)(?: of them)?", where, re.I) is not None


def _where(said: str, shelf: Shelf) -> tuple[str, str] | None:
    """Return (file, folder) a search is confined to, both empty for all files; None if neither."""
    folder = _folder(said, shelf)
    if folder is not None:
        return "", folder
    if _in_all(said):
        return "", ""
    bare = bare_name(said)
    among = resolve(bare, shelf.files)
    if len(among) == 1:
        return among[0].name, ""
    only = sole(bare, shelf) if is_noun(bare) else None
    if only is not None:
        return only.name, ""
    return ("", "") if among or looks_like_a_file(bare) else None
