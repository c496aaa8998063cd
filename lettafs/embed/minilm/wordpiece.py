"""Text to word pieces, as BERT's uncased models were trained to see it.

Control characters go, accents go, case goes; Chinese characters and punctuation stand alone; what
is left between white space is a word, and a word is cut greedily into the longest pieces the
vocabulary has. Names of special tokens (`[SEP]`) in a text are text here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["WordPiece"]

_MAX_WORD_CHARS = 100
"""A longer word is unknown as a whole."""

# White space as Unicode has it, without what it also calls control characters (VT, FF, NEL): those
# go like the others, and what stands beside them grows together.
_SPACED = re.compile("[^\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

# The blocks BERT takes for Chinese: ideographs, not kana or hangul.
_IDEOGRAPH = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b920-\U0002ceaf"
    "\U0002f800-\U0002fa1f"
)
_ASCII_WORD = re.compile(r"[0-9a-z]+|[^0-9a-z]")
_CHINESE = re.compile(f"([{_IDEOGRAPH}])")
_PLAIN = re.compile(r"[!-~]+")
_CONTROL = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Not `Cn`: what this Python's Unicode does not know yet may be a letter to the next one."""


class WordPiece:
    """A vocabulary, and how texts are cut by it."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._ids: Mapping[str, int] = {token: number for number, token in enumerate(tokens)}
        self._unknown = self._ids["[UNK]"]
        self._first = self._ids["[CLS]"]
        self._last = self._ids["[SEP]"]

    def ids(self, text: str, *, limit: int) -> list[int]:
        """Return the ids of a text between those of `[CLS]` and `[SEP]`, at most `limit` in all."""
        found = [self._first]
        for word in _words(text):
            found += self._pieces(word)
            if len(found) >= limit:
                break
        return [*found[: limit - 1], self._last]

    def _pieces(self, word: str) -> list[int]:
        whole = self._ids.get(word)
        if whole is not None:
            return [whole]
        if len(word) > _MAX_WORD_CHARS:
            return [self._unknown]
        found = []
        begin = 0
        while begin < len(word):
            mark = "##" if begin else ""
            for end in range(len(word), begin, -1):
                piece = self._ids.get(mark + word[begin:end])
                if piece is not None:
                    break
            else:
                return [self._unknown]
            found.append(piece)
            begin = end
        return found


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text; lazily, since of a long one only the beginning is wanted."""
    for match in _SPACED.finditer(text):
        chunk = match[0]
        if _PLAIN.fullmatch(chunk):
            yield from _ASCII_WORD.findall(chunk.lower())
            continue
        for part in _CHINESE.split("".join(char for char in chunk if not _is_control(char))):
            yield from _split(_fold(part))


def _is_control(char: str) -> bool:
    return char == "\ufffd" or unicodedata.category(char) in _CONTROL


def _fold(text: str) -> str:
    """Return the text without accents and case."""
    bare = (char for char in unicodedata.normalize("NFD", text) if not _is_mark(char))
    # Character by character: Python writes a sigma at the end of a word otherwise than BERT did.
    return "".join(char.lower() for char in bare)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def _split(text: str) -> Iterator[str]:
    """Yield what stands between punctuation, and the punctuation one by one."""
    begin = 0
    for at, char in enumerate(text):
        if _is_punctuation(char):
            if begin < at:
                yield text[begin:at]
            yield char
            begin = at + 1
    if begin < len(text):
        yield text[begin:]


def _is_punctuation(char: str) -> bool:
    if char.isascii():
        return not char.isalnum()
    return unicodedata.category(char).startswith("P")
