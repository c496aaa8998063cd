"""Which encoding bytes are in, where nothing says so: the legacy ones, judged by what they spell.

A detector that models whole languages takes a short line of French for something Baltic. These
judges ask less: whether two-byte characters lie among the common ones of their character set and
side by side, and whether accented letters are those that one language writes. A tie goes to the
more frequent encoding.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["guess_legacy", "guess_utf16"]

_SAMPLE = 64 * 1024


class _Latin(NamedTuple):
    encoding: str
    letters: str


_LATIN = (
    _Latin("cp1252", "àâæçéèêëîïôœùûüÿ"),  # French
    _Latin("cp1252", "äöüß"),
    _Latin("cp1252", "áéíñóúü¡¿ªº"),
    _Latin("cp1252", "ãáâàçéêíóôõúü"),  # Portuguese
    _Latin("cp1252", "àèéìíîòóùú"),
    _Latin("cp1252", "åäöæøéü"),
    _Latin("cp1252", "ëïéèöüáóíê"),  # Dutch
    _Latin("cp1252", "áðéíóúýþæö"),
    _Latin("cp1252", "äõöüšž"),
    _Latin("cp1252", "çàéèíïóòúü·"),
    _Latin("cp1250", "ąćęłńóśźż"),
    _Latin("cp1250", "áčďéěíňóřšťúůýž"),
    _Latin("cp1250", "áäčďéíĺľňóôŕšťúýž"),
    _Latin("cp1250", "áéíóöőúüű"),
    _Latin("cp1250", "ăâîşţșț"),
    _Latin("cp1250", "čćđšž"),
    _Latin("iso8859-2", "ąćęłńóśźż"),
    _Latin("iso8859-2", "áčďéěíňóřšťúůýž"),
    _Latin("cp1254", "çğıöşüâîû"),
    _Latin("cp1257", "ąčęėįšųūž"),
    _Latin("cp1257", "āčēģīķļņšūž"),
    _Latin("mac_roman", "àâæçéèêëîïôœùûüÿäöüßáíñóú"),
    _Latin("cp850", "àâæçéèêëîïôùûüÿäöüßáíñóú"),
)
"""Languages of Latin script: their letters beyond ASCII. Earlier wins a tie."""

_OTHER = (
    ("cp1251", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 10),
    ("cp1251", "оаиинвртескмдпуіяїєґ", 10),
    ("koi8-r", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 10),
    ("cp866", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 10),
    ("iso8859-5", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 10),
    ("mac_cyrillic", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 10),
    ("cp1253", "αοιετσνηυρπκμλςωδγάίόέήύώθφβχξζψ", 10),
    ("cp1255", "יוהלאמרבתשנעםדקחפכטגןזסצךףץ", 9),
    ("cp1256", "اليمنورتبةعدسفهكقأحجشطصخإضذىزثئءغظؤآ", 9),
    ("cp874", "านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซธณฐฎฏฌญฉฑฒภศษฬฮ่้ีิัูุึืำ์็๊๋", 10),
)
"""Languages of other scripts: letters, the commonest first, and how many count as common."""

_PLAIN_MARKS = frozenset("‘’“”„–—…«»•·°§€£©®™´¨¡¿№ªº²³½¼¾×±µ†‹›\u00a0\u00ad")


def guess_utf16(data: bytes) -> str | None:
    """Return `utf-16-le` or `utf-16-be` where bytes without a mark are such text; else None."""
    sample = data[: min(len(data), 8192) // 2 * 2]
    if len(sample) < 4 or len(data) % 2:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    # Spaces, digits and line ends have a zero half in every script; a zero in the other half is a
    # character at the beginning of a block (Ā, Ѐ, 一 ...), which is rare.
    likely = ("utf-16-le", "utf-16-be") if odd >= even else ("utf-16-be", "utf-16-le")
    return next((encoding for encoding in likely if _spells(sample, encoding)), None)


def _spells(sample: bytes, encoding: str) -> bool:
    """Tell whether a sample, read in UTF-16, is plain text, of one script or of East Asia."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError as problem:
        if problem.start < len(sample) - 2:
            return False
        text = sample[: problem.start].decode(encoding)
    blocks: dict[int, int] = {}
    usual = 0
    for char in text:
        if char < " ":
            if char not in "\t\n\r\f\x1b":
                return False
        elif unicodedata.category(char) in ("Cn", "Co", "Cs"):
            return False
        code = ord(char)
        if code < 0x250 or 0x3000 <= code < 0xA000 or 0xAC00 <= code < 0xD7A4 or code >= 0xFF00:
            usual += 1
        else:
            blocks[code >> 8] = blocks.get(code >> 8, 0) + 1
    has_breaks = any(char in text for char in " \n\u3000\u3001\u3002")
    return has_breaks and (usual + max(blocks.values(), default=0)) * 20 >= len(text) * 19


def guess_legacy(data: bytes) -> str | None:
    """Return the likeliest encoding of bytes that are not Unicode; None where nothing fits.

    The whole may still hold bytes the encoding does not know: it is judged by a sample.
    """
    sample = _telling_lines(data)
    best = _best_wide(sample)
    if best is not None:
        return best
    scored = [(score, encoding) for encoding, score in _narrow_scores(sample)]
    top = max(scored, default=(0.0, ""), key=lambda item: item[0])
    if top[0] >= 0.55:
        return top[1]
    return _second_opinion(sample) or (top[1] if top[0] >= 0.35 else None)


def _telling_lines(data: bytes) -> bytes:
    """Return the first lines that hold bytes beyond ASCII, up to 64 KiB of them."""
    if len(data) <= _SAMPLE:
        return data
    kept, size = [], 0
    for line in data[: 64 * _SAMPLE].splitlines(keepends=True):
        if not line.isascii():
            kept.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    sample = b"".join(kept)
    # One endless line: cut where ASCII is, so that no character is cut in two.
    if size > 2 * _SAMPLE:
        at = _SAMPLE
        while at < min(len(sample), 2 * _SAMPLE) and sample[at] >= 0x40:
            at += 1
        sample = sample[:at]
    return sample


def _in(*ranges: tuple[int, int]) -> Callable[[int], bool]:
    table = bytes(any(low <= n <= high for low, high in ranges) for n in range(256))
    return lambda byte: bool(table[byte])


class _Wide(NamedTuple):
    """A two-byte encoding: which pairs are its common characters."""

    encoding: str
    first: Callable[[int], bool]
    second: Callable[[int], bool]
    single: Callable[[int], bool]
    """High bytes that stand alone."""
    least: float
    """The share of common characters below which it is something else."""


_HIGH = _in((0xA1, 0xFE))
_NONE = _in()
_WIDE = (
    # Level 1 of each set is ordered by use or holds the characters in use; marks come before it.
    _Wide("euc_kr", _in((0xA1, 0xA3), (0xB0, 0xC8)), _HIGH, _NONE, 0.93),
    _Wide("euc_jp", _in((0xA1, 0xA5), (0xB0, 0xCF)), _HIGH, _NONE, 0.75),
    _Wide("gb18030", _in((0xA1, 0xA3), (0xB0, 0xD7)), _HIGH, _NONE, 0.85),
    _Wide("big5", _in((0xA1, 0xA2), (0xA4, 0xC6)), _in((0x40, 0x7E), (0xA1, 0xFE)), _NONE, 0.85),
    _Wide(
        "cp932",
        _in((0x81, 0x83), (0x88, 0x98)),
        _in((0x40, 0x7E), (0x80, 0xFC)),
        _in((0xA1, 0xDF)),
        0.75,
    ),
)
_CODECS = {"euc_kr": "cp949", "big5": "cp950"}
"""The wider sets that programs write under the narrower names."""


def _best_wide(sample: bytes) -> str | None:
    found: list[tuple[float, int, str]] = []
    for order, wide in enumerate(_WIDE):
        score = _wide_score(sample, wide)
        if score >= wide.least:
            found.append((score, -order, wide.encoding))
    if not found:
        return None
    _, _, encoding = max(found)
    return _CODECS.get(encoding, encoding)


def _wide_score(sample: bytes, wide: _Wide) -> float:
    """Return the share of two-byte characters that are common; 0 where the bytes do not fit."""
    try:
        # An incomplete character may end a sample.
        text = sample.rstrip(b"\r\n").decode(_CODECS.get(wide.encoding, wide.encoding))
    except UnicodeDecodeError as problem:
        if problem.start < len(sample) - 4:
            return 0.0
        text = ""
    if sum("\ue000" <= char <= "\uf8ff" for char in text) * 100 > len(text):
        return 0.0  # characters of private use
    pairs = common = neighbours = alone = kana = 0
    at, end, before = 0, len(sample), -2
    while at < end:
        byte = sample[at]
        if byte < 0x80:
            at += 1
            continue
        if wide.single(byte):
            alone += 1
            at += 1
            continue
        if at + 1 >= end:
            break
        pairs += 1
        kana += byte in (0xA4, 0xA5)
        common += wide.first(byte) and wide.second(sample[at + 1])
        # Ideographs and syllables come in words. An accented letter stands between plain ones.
        neighbours += before == at
        at += 2
        before = at
    if not pairs or alone > pairs:
        return 0.0
    # Of n runs, the first of each has no neighbour before it.
    if neighbours * 3 < pairs or pairs < 2:
        return 0.0
    score = common / (pairs + alone)
    if wide.encoding == "euc_jp" and kana * 8 < pairs:
        return 0.0  # Japanese without kana is Chinese
    return score


def _narrow_scores(sample: bytes) -> list[tuple[str, float]]:
    decoded: dict[str, str | None] = {}

    def text_in(encoding: str) -> str | None:
        if encoding not in decoded:
            try:
                decoded[encoding] = sample.decode(encoding)
            except UnicodeDecodeError:
                decoded[encoding] = None
        return decoded[encoding]

    found = []
    for encoding, letters in _LATIN:
        text = text_in(encoding)
        if text is not None:
            found.append((encoding, _latin_score(text, letters)))
    for encoding, alphabet, common in _OTHER:
        text = text_in(encoding)
        if text is not None:
            found.append((encoding, _script_score(text, alphabet, common)))
    return found


def _latin_score(text: str, letters: str) -> float:
    """Return how well a text fits a language: 1.0 where every letter beyond ASCII is its own."""
    own = frozenset(letters)
    points, count, before = 0.0, 0, ""
    for char in text:
        if char >= "\x80":
            count += 1
            lower = char.lower()
            if lower in own:
                # An upper-case letter inside a word of lower case is another encoding's lower case.
                points += 0.2 if char != lower and before.islower() else 1.0
            elif char in _PLAIN_MARKS:
                points += 0.8 if not (before.isalpha() and char not in "’\u00ad·") else 0.4
                if char in "’“”–—…":
                    points += 0.2
            elif not char.isprintable():
                points -= 1.0
        before = char
    return points / count if count else 0.0


def _script_score(text: str, alphabet: str, common: int) -> float:
    """Return how well a text fits a language of another script than Latin, 1.0 at best."""
    frequent, own = frozenset(alphabet[:common]), frozenset(alphabet)
    points, count, before = 0.0, 0, ""
    hits = letters = 0
    for char in text:
        if char >= "\x80":
            count += 1
            lower = char.lower()
            if lower in own:
                letters += 1
                hits += lower in frequent
                wrong = char != lower and before.islower()
                # A plain letter beside it: an accented letter of a Latin word.
                if not wrong and not (before.isascii() and before.isalpha()):
                    points += 0.7 if char != lower and before.isupper() else 1.0
            elif char in _PLAIN_MARKS:
                points += 0.6
            elif not char.isprintable():
                points -= 1.0
        before = char
    if not letters:
        return 0.0
    # In a text of some length the common letters are more than half of all.
    share = min(hits / letters / 0.55, 1.0)
    return points / count * (0.5 + 0.5 * share)


def _second_opinion(sample: bytes) -> str | None:
    import charset_normalizer  # late: slow to load, and seldom asked

    found = charset_normalizer.from_bytes(sample[:16384], threshold=0.25).best()
    return None if found is None or found.encoding.startswith("utf") else found.encoding
