"""Terms and postings of a segment: Whoosh's files, written in stretches of terms, read one by one.

Whoosh takes a document apart and looks at each posting by itself; over a long history that is where
its time goes. Here a term's postings are written as one block from arrays, and read back into them.
The files remain what Whoosh's own readers understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import md5
from struct import Struct
from typing import Any
from zlib import compress

import numpy as np
from numpy.typing import NDArray

from lettafs.index.corpus import Postings
from lettafs.index.engine.stretch import Stretch
from lettafs.index.engine.whoosh_parts import (
    WHOOSH3_HEADER_MAGIC,
    BufferFile,
    Existence,
    OrderedHashWriter,
    W3Codec,
    W3LeafMatcher,
    W3TermInfo,
    W3TermsReader,
    dumps,
)

__all__ = ["LABELS", "REVERSED", "WORDS", "TermReader", "TermWriter", "decode", "encode"]

LABELS = "label"
REVERSED = "backwards"
"""Long words, their letters backwards; without postings."""
WORDS = "word"

FORMAT = Existence()
"""No payload: how often a word stands in a document is the posting's weight."""

_LENGTH = Struct("!i")
_LENGTHS = Struct("!ii")
_POINTER = Struct("!Iq")
_EXTENT = Struct("!qi")
_EMPTY = _POINTER.pack(0, 0)
"""The numbers of Whoosh's files, and a slot of its hash tables nobody uses."""
_NO_ID = 2**32 - 1
_INLINE = 2
"""Terms in so few documents keep their postings in the list of terms."""
_WORTH_PACKING = 256
"""Bytes of a term's postings from which on they are compressed."""
_PROTOCOL = 3  # bytes are compact from here on; Python 3 reads every one of them
_NO_POSTINGS = Postings(np.zeros(0, np.int32), np.zeros(0, np.int32))


def encode(text: str) -> bytes:
    """Return the bytes of a term; they sort as the text does, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """Return the term of some bytes."""
    return data.decode("utf-8", "surrogatepass")


class TermWriter:
    """Writes the terms of a segment: the fields one after the other, terms ascending."""

    def __init__(self, terms: Any, postings: Any) -> None:
        """Begin to write.

        Args:
            terms: new file of Whoosh's, for the terms; closed by `close`.
            postings: another, for the postings.
        """
        self._terms = _TermFile(terms)
        self._fields: dict[str, int] = {}
        self._terms.extras["fieldmap"] = self._fields
        self._postings = postings
        self._written = 0
        """Bytes of postings."""
        self._prefix = b""

    def start_field(self, field: str) -> None:
        """Begin a field; its terms follow."""
        self._prefix = len(self._fields).to_bytes(2, "big")
        self._fields[field] = len(self._fields)

    def add_bare(self, texts: Sequence[str]) -> None:
        """Write terms of the field that was started that stand in no document."""
        facts = W3TermInfo._struct.pack(True, 0, 0, 0, 0, 0, _NO_ID, _NO_ID)
        value = facts + dumps(((), b"", ()), _PROTOCOL)
        self._terms.add_all([(self._prefix + encode(text), value) for text in texts])

    def add(self, stretch: Stretch) -> None:
        """Write terms of the field that was started."""
        # What can be told of every term at once is: few of them are worth an array of their own.
        starts, docs = stretch.starts[:-1], stretch.docs
        gaps = np.diff(docs, prepend=np.int32(0))
        gaps[starts] = docs[starts]
        facts = zip(
            stretch.texts,
            stretch.starts.tolist(),
            stretch.starts[1:].tolist(),
            np.add.reduceat(stretch.counts, starts, dtype=np.int64).tolist(),
            np.maximum.reduceat(stretch.counts, starts).tolist(),
            np.maximum.reduceat(gaps, starts).tolist(),
            strict=False,  # a start more than there are terms
        )
        ids, distances, said = _Numbers(docs), _Numbers(gaps), _Numbers(stretch.counts)
        added: list[tuple[bytes, bytes]] = []
        blocks: list[bytes] = []
        pack, prefix = W3TermInfo._struct.pack, self._prefix
        for text, start, end, total, most, widest in facts:
            count = end - start
            first, last = ids.all[start], ids.all[end - 1]
            if count <= _INLINE:
                weights = said.of(start, end, most=most, as_float=True)
                where = dumps((tuple(ids.all[start:end]), weights, ()), _PROTOCOL)
            else:
                few = distances.of(start, end, most=widest)
                many = said.of(start, end, most=most, as_float=True) if most > 1 else None
                block = _block(few, many, count=count, last=last, most=most)
                where = _EXTENT.pack(self._written, len(block))
                self._written += len(block)
                blocks.append(block)
            # Flags, sum, documents, lengths (not kept), most in one document, first and last one.
            value = pack(count <= _INLINE, total, count, 0, 0, most, first, last) + where
            added.append((prefix + encode(text), value))
        self._postings.write(b"".join(blocks))
        self._terms.add_all(added)

    def close(self) -> None:
        """Complete the files."""
        self._terms.close()
        self._postings.close()

    def abandon(self) -> None:
        """Close the files as they are: nobody will read them."""
        for file in (self._terms.dbfile, self._postings):
            if not file.is_closed:
                file.close()


class _Numbers:
    """Numbers of a stretch, in the forms that are written."""

    def __init__(self, numbers: NDArray[np.int32]) -> None:
        self.all: list[int] = numbers.tolist()
        self._bytes = numbers.astype(np.uint8).tobytes()

    def of(self, start: int, end: int, *, most: int, as_float: bool = False) -> object:
        """Return some of them, none of which is greater than `most`.

        Bytes are numbers to whoever goes through them, and need no decoding at all here.
        """
        if most < 256:
            return self._bytes[start:end]
        some = self.all[start:end]
        return tuple(map(float, some)) if as_float else tuple(some)


def _block(gaps: object, weights: object, *, count: int, last: int, most: int) -> bytes:
    """Return all postings of a term as one block."""
    data = dumps((gaps, weights, None), _PROTOCOL)
    packing = 0
    if len(data) > _WORTH_PACKING:
        packing = 1
        data = compress(data, packing)
    about = dumps((count, last, float(most), packing, 0, 0), _PROTOCOL)
    # The length is negative in a term's last block.
    length = _LENGTH.pack(-len(about) - len(data))
    return b"".join((WHOOSH3_HEADER_MAGIC, length, about, data))


class _TermFile(OrderedHashWriter):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's ordered table of keys, written with fewer and larger calls."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self._at: int = file.tell()
        self._last = b""

    def add_all(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Write keys, ascending, each with its value."""
        at, before = self._at, self._last
        written: list[bytes] = []
        for key, value in items:
            if key <= before:
                raise ValueError(f"{key!r} does not come after {before!r}")
            before = key
            written += _LENGTHS.pack(len(key), len(value)), key, value
            self.index.append(at)
            # Whoosh's own hash, the last 32 bits, without the way by hexadecimal digits.
            number = int.from_bytes(md5(key, usedforsecurity=False).digest()[-4:], "big")
            self.buckets[number & 255].append((number, at))
            at += _LENGTHS.size + len(key) + len(value)
        self.dbfile.write(b"".join(written))
        self._at, self._last = at, before

    def _write_hashes(self) -> None:
        for entries in self.buckets:
            size = 2 * len(entries)
            self.directory.append((self._at, size))
            table = [_EMPTY] * size
            for number, at in entries:
                slot = (number >> 8) % size
                while table[slot] is not _EMPTY:
                    slot = (slot + 1) % size
                table[slot] = _POINTER.pack(number, at)
            self.dbfile.write(b"".join(table))
            self._at += size * _POINTER.size


class TermReader(W3TermsReader):  # type: ignore[misc]  # Whoosh has no types
    """Reads the terms of a segment from bytes in memory; several threads may."""

    def __init__(self, terms: bytes, postings: bytes) -> None:
        self._posts = postings
        super().__init__(W3Codec(), BufferFile(terms), len(terms), BufferFile(postings))

    def arrays(self, field: str, term: str) -> Postings:
        """Return where a term stands; empty for one the segment does not have."""
        key = self._keycoder(field, encode(term))
        for start, length in self._tindex.ranges_for_key(key):
            return self.decoded(self._tindex.dbfile.get(start, length))
        return _NO_POSTINGS

    def items(self, field: str, start: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield the terms of a field from the first that is not less than `start`, with facts."""
        if field not in self._fieldmap:
            return
        prefix = self._keycoder(field, b"")
        for key, value in self._tindex.items_from(prefix + encode(start)):
            if not key.startswith(prefix):
                return
            yield decode(key[len(prefix) :]), value

    def beginning(self, field: str, start: str) -> Iterator[str]:
        """Yield the terms of a field that begin with `start`, sorted."""
        if field not in self._fieldmap:
            return
        prefix = self._keycoder(field, encode(start))
        skipped = len(prefix) - len(encode(start))
        for key in self._tindex.keys_from(prefix):
            if not key.startswith(prefix):
                return
            yield decode(key[skipped:])

    def decoded(self, value: bytes) -> Postings:
        """Return the postings that a term's facts, as `items` gives them, tell of."""
        info = W3TermInfo.from_bytes(value)
        if info.is_inlined():
            ids, weights, _ = info.inlined_postings()
            return Postings(np.array(ids, np.int32), _numbers(weights).astype(np.int32))
        offset, length = info.extent()
        if not isinstance(length, int):
            (length,) = length  # as Whoosh reads it back
        # A file of its own over the one term's bytes: its position is nobody else's.
        return _Blocks(
            BufferFile(self._posts[offset : offset + length]), 0, length, FORMAT
        ).arrays()


class _Blocks(W3LeafMatcher):  # type: ignore[misc]  # Whoosh has no types
    """Reads the blocks of a term whole."""

    def arrays(self) -> Postings:
        docs, counts = [], []
        while True:
            self._read_data()
            gaps, weights, _ = self._data
            docs.append(np.cumsum(_numbers(gaps), dtype=np.int32))
            if weights is None or isinstance(weights, float):
                counts.append(np.full(len(gaps), weights or 1, np.int32))
            else:
                counts.append(_numbers(weights).astype(np.int32))
            if self._lastblock:
                break
            self._next_block()
        if len(docs) == 1:
            return Postings(docs[0], counts[0])
        return Postings(np.concatenate(docs), np.concatenate(counts))


def _numbers(found: Any) -> Any:
    return np.frombuffer(found, np.uint8) if isinstance(found, bytes) else np.array(found)
