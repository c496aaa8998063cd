"""Words: how a text is taken apart for search.

Letters and digits in any script, without case and accents; identifiers (`user_id`, `v1.2`, an
e-mail address) whole and in their parts; runs of scripts that are written without spaces (Chinese,
Japanese, Thai, Lao, Khmer, Burmese), and Korean, as overlapping pairs.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["words_of"]

# Vowel signs of Indian and Southeast Asian scripts are marks, which `\w` leaves out.
_SIGNS = (
    "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd\u102b-\u103e\u1056-\u108f\u17b4-\u17d3"
)
_TOKEN = re.compile(rf"[\w{_SIGNS}](?:[\w{_SIGNS}.@'\u2019+-]*[\w{_SIGNS}+#])?")
_PART = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_UNSPACED = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e01-\u0e4e\u0e80-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3]+"
)
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]+")
"""Marks that people leave out when they type: Latin, Greek, Cyrillic, Hebrew and Arabic ones."""


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))


def words_of(text: str) -> list[str]:
    """Return the search words of a text, in order, repeats kept."""
    found: list[str] = []
    for token in _TOKEN.findall(_fold(text)):
        if not token.isascii() and (runs := _UNSPACED.findall(token)):
            for run in runs:
                found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
            found += [_stem(part) for part in _PART.findall(_UNSPACED.sub(" ", token))]
            continue
        parts = _PART.findall(token)
        found += [_stem(part) for part in parts]
        if parts != [token]:
            found.append(token)
    return found


def _stem(word: str) -> str:
    """Take the plainest English endings off, so that "dogs" finds "dog" and "cities" "city"."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ie") and len(word) > 4:
        return word[:-1]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}i"
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
