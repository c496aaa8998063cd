"""Terms and postings of a segment: Whoosh's files, written and read a term at a time.

Whoosh takes a document apart and looks at each posting by itself; over a long history that is where
its time goes. Here a term's postings are written as one block from arrays, and read back into them.
The files remain what Whoosh's own readers understand.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import sub
from struct import Struct
from typing import Any
from zlib import compress

import numpy as np

from lettafs.index.corpus import Postings
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

    def add_term(self, term: str, postings: Postings) -> None:
        """Write a term of the field that was started."""
        ids, said = postings.docs.tolist(), postings.counts.tolist()
        inlined = len(ids) <= _INLINE
        most = max(said, default=0)
        first, last = (ids[0], ids[-1]) if ids else (_NO_ID, _NO_ID)
        # Flags, sum, documents, lengths (not kept), most in one document, first and last one.
        facts = W3TermInfo._struct.pack(inlined, sum(said), len(ids), 0, 0, most, first, last)
        if inlined:
            weights: object = bytes(said) if most < 256 else tuple(map(float, said))
            where = dumps((tuple(ids), weights, ()), _PROTOCOL)
        else:
            where = _EXTENT.pack(*self._write_block(ids, said, most=most))
        self._terms.add(self._prefix + encode(term), facts + where)

    def close(self) -> None:
        """Complete the files."""
        self._terms.close()
        self._postings.close()

    def abandon(self) -> None:
        """Close the files as they are: nobody will read them."""
        for file in (self._terms.dbfile, self._postings):
            if not file.is_closed:
                file.close()

    def _write_block(self, ids: list[int], said: list[int], *, most: int) -> tuple[int, int]:
        """Write all postings of a term as one block; return where it lies."""
        # Bytes are numbers to whoever goes through them, and need no decoding at all here.
        gaps = [ids[0], *map(sub, ids[1:], ids)]
        few: object = bytes(gaps) if max(gaps) < 256 else tuple(gaps)
        weights: object = None
        if most > 1:
            weights = bytes(said) if most < 256 else tuple(map(float, said))
        data = dumps((few, weights, None), _PROTOCOL)
        packing = 0
        if len(data) > _WORTH_PACKING:
            packing = 1
            data = compress(data, packing)
        about = dumps((len(ids), ids[-1], float(most), packing, 0, 0), _PROTOCOL)
        length = len(about) + len(data)
        # The length is negative in a term's last block.
        block = b"".join((WHOOSH3_HEADER_MAGIC, _LENGTH.pack(-length), about, data))
        offset = self._written
        self._postings.write(block)
        self._written += len(block)
        return offset, len(block)


class _TermFile(OrderedHashWriter):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's ordered table of keys, written with fewer and larger calls."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self._at: int = file.tell()
        self._last = b""

    def add(self, key: bytes, value: bytes) -> None:
        if key <= self._last:
            raise ValueError(f"{key!r} does not come after {self._last!r}")
        self._last = key
        at = self._at
        self.dbfile.write(b"".join((_LENGTHS.pack(len(key), len(value)), key, value)))
        self._at += 8 + len(key) + len(value)
        self.index.append(at)
        number = self.hashfn(key)
        self.buckets[number & 255].append((number, at))

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
