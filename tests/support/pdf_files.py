"""Small PDF files, written by hand: text at places, columns of justified text, rules, pictures.

Places are in points from the upper left corner of the page, as a reader counts them. The font is
Helvetica, whose widths every reader of PDF knows, so that lines can be set to a width.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "Page",
    "at",
    "column",
    "encrypted",
    "grid",
    "lines_of_text",
    "paragraphs",
    "pdf",
    "picture",
    "rule",
    "table",
    "upright",
    "width_of",
]

_WIDTHS = [
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
]
"""Of the letters from the space to the tilde, in thousandths of the size."""

_LIGATURES = {"\ufb01": 1, "\ufb02": 2, "\u00ad": 3}
_HEIGHT = 792.0
_PASSWORD_PADDING = bytes.fromhex(
    "28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a"
)


@dataclass(frozen=True)
class Page:
    """What is drawn on one page, in this order."""

    drawn: Sequence[str] = ()
    rotate: int = 0
    width: float = 612.0
    height: float = _HEIGHT
    extra: str = ""
    """More of the page's dictionary."""


def width_of(text: str, size: float) -> float:
    """Return how wide a text is set, in points."""
    return sum(_WIDTHS[ord(letter) - 32] for letter in text) * size / 1000


def at(x: float, y: float, text: str, *, size: float = 10.0, spacing: float = 0.0) -> str:
    """Draw a text with its baseline `y` points below the upper edge."""
    return (
        f"BT /F1 {size} Tf {spacing:.4f} Tw {x:.2f} {_HEIGHT - y:.2f} Td ({_escaped(text)}) Tj ET"
    )


def upright(x: float, y: float, text: str, *, size: float = 10.0) -> str:
    """Draw a text that runs from the bottom to the top."""
    return f"BT /F1 {size} Tf 0 1 -1 0 {x:.2f} {_HEIGHT - y:.2f} Tm ({_escaped(text)}) Tj ET"


def rule(x0: float, y0: float, x1: float, y1: float) -> str:
    """Draw a thin line."""
    return f"0.5 w {x0:.2f} {_HEIGHT - y0:.2f} m {x1:.2f} {_HEIGHT - y1:.2f} l S"


def picture() -> str:
    """Draw a grey picture over the whole page."""
    return "q 612 0 0 792 0 0 cm /Im1 Do Q"


def lines_of_text(text: str, width: float, *, size: float = 10.0) -> list[str]:
    """Divide a text into lines; a word may be divided where it holds a soft hyphen."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        parts = word.split("\u00ad")
        glue = " " if line else ""
        if width_of(line + glue + "".join(parts), size) <= width:
            line += glue + "".join(parts)
            continue
        for cut in range(len(parts) - 1, 0, -1):
            head = "".join(parts[:cut]) + "-"
            if width_of(line + glue + head, size) <= width:
                lines.append(line + glue + head)
                line = "".join(parts[cut:])
                break
        else:
            lines.append(line)
            line = "".join(parts)
    return [*lines, line] if line else lines


def column(
    x: float,
    y: float,
    lines: Sequence[str],
    *,
    width: float,
    size: float = 10.0,
    pitch: float = 12.0,
) -> list[str]:
    """Draw lines, all but the last stretched to the width."""
    drawn = []
    for number, line in enumerate(lines):
        spaces = line.count(" ")
        free = width - width_of(line, size)
        stretch = free / spaces if spaces and number < len(lines) - 1 else 0.0
        drawn.append(at(x, y + number * pitch, line, size=size, spacing=stretch))
    return drawn


def paragraphs(
    x: float,
    y: float,
    texts: Iterable[str],
    *,
    width: float,
    size: float = 10.0,
    pitch: float = 12.0,
) -> tuple[list[str], float]:
    """Draw paragraphs, half a line between them; return them and where the next begins."""
    drawn: list[str] = []
    for text in texts:
        lines = lines_of_text(text, width, size=size)
        drawn += column(x, y, lines, width=width, size=size, pitch=pitch)
        y += len(lines) * pitch + pitch / 2
    return drawn, y


def table(
    x: Sequence[float],
    y: float,
    rows: Sequence[Sequence[str]],
    *,
    size: float = 10.0,
    pitch: float = 16.0,
) -> list[str]:
    """Draw rows of cells, each column beginning at its place; no rules."""
    return [
        at(left, y + number * pitch, cell, size=size)
        for number, row in enumerate(rows)
        for left, cell in zip(x, row, strict=True)
        if cell
    ]


def grid(xs: Sequence[float], ys: Sequence[float]) -> list[str]:
    """Draw the rules of a table."""
    level = [rule(xs[0], y, xs[-1], y) for y in ys]
    return level + [rule(x, ys[0], x, ys[-1]) for x in xs]


def _escaped(text: str) -> str:
    out = []
    for letter in text:
        if letter in "\\()":
            out.append("\\" + letter)
        elif letter in _LIGATURES:
            out.append(f"\\{_LIGATURES[letter]:03o}")
        else:
            out.append(letter)
    return "".join(out)


def _objects(pages: Sequence[Page], catalog: str) -> list[bytes]:
    """Return the bodies of a document's objects, from number 1 on; streams not yet encrypted."""
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    found = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding "
        b"/BaseEncoding /WinAnsiEncoding /Differences [1 /fi 2 /fl 3 /softhyphen] >> >>",
        _stream(
            b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray "
            b"/BitsPerComponent 8",
            bytes(range(64)),
        ),
        b"<< /Font << /F1 3 0 R >> /XObject << /Im1 4 0 R >> >>",
    ]
    for number, page in enumerate(pages):
        found.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page.width} {page.height}] "
            f"/Rotate {page.rotate} /Resources 5 0 R /Contents {7 + 2 * number} 0 R "
            f"{page.extra} >>".encode()
        )
        found.append(_stream(b"", "\n".join(page.drawn).encode("cp1252")))
    return found


def _stream(entries: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (
        entries,
        len(packed),
        packed,
    )


def pdf(pages: Sequence[Page], *, catalog: str = "", objects: Sequence[bytes] = ()) -> bytes:
    """Return a document.

    Args:
        pages: in order.
        catalog: more of the catalog's dictionary.
        objects: more objects; the first has the number after the last page's contents.
    """
    return _file([*_objects(pages, catalog), *objects], trailer="")


def _file(objects: Sequence[bytes], *, trailer: str) -> bytes:
    out = bytearray(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def encrypted(pages: Sequence[Page], *, password: str) -> bytes:
    """Return a document under a user's password (40 bits, as PDF 1.1 has it); may be empty."""
    identity = hashlib.md5(b"lettafs").digest()
    padded = (password.encode() + _PASSWORD_PADDING)[:32]
    owner = _rc4(hashlib.md5(_PASSWORD_PADDING).digest()[:5], padded)
    rights = -4
    seed = padded + owner + rights.to_bytes(4, "little", signed=True) + identity
    key = hashlib.md5(seed).digest()[:5]
    user = _rc4(key, _PASSWORD_PADDING)
    objects = []
    for number, body in enumerate(_objects(pages, ""), start=1):
        head, mark, data = body.partition(b"stream\n")
        if mark:
            own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
            body = head + mark + _rc4(own, data.removesuffix(b"\nendstream")) + b"\nendstream"
        objects.append(body)
    lock = f"/V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P {rights}"
    objects.append(f"<< /Filter /Standard {lock} >>".encode())
    name = f"<{identity.hex()}>"
    return _file(objects, trailer=f"/Encrypt {len(objects)} 0 R /ID [{name} {name}]")


def _rc4(key: bytes, data: bytes) -> bytes:
    box = list(range(256))
    swap = 0
    for number in range(256):
        swap = (swap + box[number] + key[number % len(key)]) % 256
        box[number], box[swap] = box[swap], box[number]
    out = bytearray()
    one = two = 0
    for byte in data:
        one = (one + 1) % 256
        two = (two + box[one]) % 256
        box[one], box[two] = box[two], box[one]
        out.append(byte ^ box[(box[one] + box[two]) % 256])
    return bytes(out)
