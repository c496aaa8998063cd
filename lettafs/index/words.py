"""Words: how a text is taken apart for search.

Letters and digits in any script, without case, accents and endings; identifiers (`user_id`,
`getUserName`, `v1.2`, an e-mail address) whole and in their parts; runs of scripts that are written
without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese), and Korean, as overlapping pairs.

Endings are taken off by script, not by language: nobody says in which language a message is.
Latin letters get the English rules, which do little to other languages' words; what they leave,
the query makes up for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain

import Stemmer

from lettafs.index.irregular import IRREGULAR

__all__ = ["VERSION", "asked_words", "fold", "is_unspaced", "pieces_of", "tokens_of", "words_of"]

VERSION = f"3-{Stemmer.version()}"
"""Changes with the words that texts give, so that an index knows when it is of other ones."""

_SIGNS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd"
    "\u102b-\u103e\u1056-\u108f\u17b4-\u17d3"
)
"""Accents and vowel signs: parts of words that `\\w` leaves out."""

_ASCII_TOKEN = re.compile(r"\w+(?:[.@'+-]\w+|(?<=\d)[:,](?=\d)\w+)*(?:\+\+|[+#](?!\w))?", re.ASCII)
_TOKEN = re.compile(
    rf"\w[\w{_SIGNS}]*(?:[.@'\u2019+-]\w[\w{_SIGNS}]*|(?<=\d)[:,](?=\d)\w[\w{_SIGNS}]*)*"
    r"(?:\+\+|[+#](?!\w))?"
)
_BETWEEN = {code: " " for code in range(128) if not re.match(r"[\w.@'+\-:,#]", chr(code))}
"""ASCII signs that no token has, so that as little as possible stands between two spaces."""
_PART = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_UNSPACED = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e01-\u0e4e\u0e80-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3]+"
)
_ACCENTS = re.compile(
    "[\u0300-\u0305\u0307-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]"
    "|(?<!\u0438)\u0306"
)
"""Marks that people leave out when they type: Latin, Greek, Cyrillic, Hebrew and Arabic ones.

Not the breve of Russian short i, which is a letter of its own.
"""
_LETTERS = str.maketrans(
    {
        "\u00f8": "o",
        "\u0142": "l",
        "\u0111": "d",
        "\u00f0": "d",
        "\u00fe": "th",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u0131": "i",
        "\u0649": "\u064a",
        "\u0629": "\u0647",
    }
)
"""Letters that are typed as others but do not come apart in Unicode; the Arabic ones last."""

_ENGLISH_TAILS = frozenset({"s", "re", "ve", "ll", "m", "d"})
"""What follows an apostrophe and is no word: the dog's, we've."""
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER_AND_UNIT = re.compile(r"(\d+)([a-z]{1,3})")
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_SCRIPTS: tuple[tuple[str, str, str], ...] = (
    ("\u0370", "\u03ff", "greek"),
    ("\u0400", "\u052f", "russian"),
    ("\u0620", "\u06ff", "arabic"),
    ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
)
"""First and last letter of a script, and whose rules take its endings off."""

_MOST_KEPT = 40_000
"""Tokens whose words are remembered, and once more as many of those before them: about the
vocabulary of a long history, some 10 MB; and as many runs between spaces, which share these words.
"""
_LONGEST_KEPT = 40


class _Kept(dict[str, tuple[str, ...]]):
    """What was found of short strings: asked as a dictionary is, it finds what it does not know.

    Once it is full it begins anew, and what it held is looked up a last time where it is asked for:
    what is used all the time stays, and nobody counts who uses what.
    """

    def __init__(self, find: Callable[[str], tuple[str, ...]]) -> None:
        self._find = find
        self._before: dict[str, tuple[str, ...]] = {}

    def __missing__(self, asked: str) -> tuple[str, ...]:
        words = self._before.get(asked)
        if words is None:
            words = self._find(asked)
        if len(asked) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self._before = dict(self)
                self.clear()
            self[asked] = words
        return words


def words_of(text: str) -> list[str]:
    """Return the search words of a text, in order, repeats kept."""
    if text.isascii():
        text = text.translate(_BETWEEN)
    else:
        text = unicodedata.normalize("NFKC", text)
    # No token reaches across white space, and the same few runs between spaces make up most texts:
    # they are looked up, not taken apart again, and without a call of ours for each. A comma or a
    # full stop behind a word is no part of it, and would make another run of it.
    runs = text.rstrip(".,").replace(". ", " ").replace(", ", " ").split()
    return list(chain.from_iterable(map(_of_runs.__getitem__, runs)))


def asked_words(text: str) -> list[str]:
    """Return the words a text must have to hold this one: as `words_of`, without the tails of runs.

    A run of an unspaced script is found by its pairs. Texts have its last letter besides, so that
    every letter begins some word; asking for it too would ask that a run ends there.
    """
    found: list[str] = []
    for token in tokens_of(text):
        words = _of_tokens[token]
        if not token.isascii():
            tails = {run[-1] for run in _UNSPACED.findall(fold(token)) if len(run) > 1}
            words = tuple(word for word in words if word not in tails)
        found.extend(words)
    return found


def fold(text: str) -> str:
    """Return a text without case, accents and other differences that people type over."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))
    return bare.translate(_LETTERS)


def is_unspaced(word: str) -> bool:
    """Tell whether a word is letters of a script that is searched by pairs."""
    return _UNSPACED.fullmatch(word) is not None


def tokens_of(text: str) -> list[str]:
    """Return the pieces that words are made of, as they are written."""
    return _tokens(text if text.isascii() else unicodedata.normalize("NFKC", text))


def pieces_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield tokens as they stand in a text, each with its place."""
    for match in (_ASCII_TOKEN if text.isascii() else _TOKEN).finditer(text):
        yield match.start(), match[0]


def _tokens(normal: str) -> list[str]:
    found: list[str] = (_ASCII_TOKEN if normal.isascii() else _TOKEN).findall(normal)
    return found


def _words_of_run(run: str) -> tuple[str, ...]:
    """Return the words of what stands between two spaces, normalised."""
    tokens = _tokens(run)
    if len(tokens) == 1:
        return _of_tokens[tokens[0]]  # the same tuple: it is kept once
    return tuple(chain.from_iterable(map(_of_tokens.__getitem__, tokens)))


def _words_of_token(token: str) -> tuple[str, ...]:
    return tuple(word for word in _take_apart(token) if word)


def _take_apart(token: str) -> list[str]:
    folded = fold(token)
    if folded.isalpha() and folded.isascii():
        return [_stem(folded), *_humps(token)]
    if not folded.isascii() and (runs := _UNSPACED.findall(folded)):
        return _pairs(runs) + [_stem(part) for part in _PART.findall(_UNSPACED.sub(" ", folded))]
    if _GROUPED.fullmatch(folded):
        folded = folded.replace(",", "")
    parts = _PART.findall(folded)
    if parts == [folded]:
        return [_stem(folded), *_number_and_unit(folded), *_humps(token)]
    if "'" in folded or "\u2019" in folded:
        return _at_apostrophes(folded.replace("\u2019", "'"))
    found = [_stem(part) for part in parts] + _humps(token)
    if folded.replace("-", "").isalpha():
        return [*found, _stem("".join(parts))]  # e-mail is email, well-known is wellknown
    return [*found, folded]


def _pairs(runs: list[str]) -> list[str]:
    return [run[at : at + 2] for run in runs for at in range(len(run))]


def _at_apostrophes(folded: str) -> list[str]:
    """Return the words of `the dog's`, `don't`, `l'eau`, `o'brien`."""
    front, _, tail = folded.rpartition("'")
    if tail in _ENGLISH_TAILS:
        return [word for part in _PART.findall(front) for word in [_stem(part)]]
    parts = _PART.findall(folded)
    joined = _stem("".join(parts))
    return [joined] if tail == "t" else [*map(_stem, parts), joined]


def _number_and_unit(folded: str) -> list[str]:
    """Return the parts of `10am` and `18th`."""
    match = _NUMBER_AND_UNIT.fullmatch(folded)
    if match is None:
        return []
    number, unit = match.groups()
    return [number] if unit in _ORDINAL else [number, unit]


def _humps(token: str) -> list[str]:
    """Return the parts of `getUserName`; of nothing else."""
    if token.islower() or token.isupper() or not _HUMP.search(token):
        return []
    parts = [part for piece in re.split(r"[\W_]+", token) for part in _HUMP.split(piece)]
    return [_stem(part.lower()) for part in parts if part]


def _stem(word: str) -> str:
    if len(word) < 3 or not word.isalpha():
        # Vowel signs are no letters to isalpha: words of Indian scripts go on.
        if word.isascii() or not _is_indian(word):
            return word
    return _stemmer(_rules(word)).stemWord(IRREGULAR.get(word, word)) or word


def _is_indian(word: str) -> bool:
    return "\u0900" <= word[0] <= "\u0dff"


def _rules(word: str) -> str:
    first = word[0]
    if first < "\u0370":
        return "english"
    for start, end, rules in _SCRIPTS:
        if start <= first <= end:
            return rules
    return "english"


@cache
def _stemmer(rules: str) -> Stemmer.Stemmer:
    # No cache of its own: ours keeps whole tokens.
    return Stemmer.Stemmer(rules, 0)


_of_tokens = _Kept(_words_of_token)
_of_runs = _Kept(_words_of_run)
