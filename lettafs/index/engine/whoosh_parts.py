"""The parts of Whoosh the engine is built from, imported in one place."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Whoosh's source has escapes that newer Pythons warn of when they first compile it.
    warnings.simplefilter("ignore")
    from whoosh.codec.whoosh3 import (
        WHOOSH3_HEADER_MAGIC,
        W3Codec,
        W3LeafMatcher,
        W3TermInfo,
        W3TermsReader,
    )
    from whoosh.compat import dumps
    from whoosh.filedb.filestore import Storage
    from whoosh.filedb.filetables import OrderedHashWriter
    from whoosh.filedb.structfile import BufferFile, StructFile
    from whoosh.formats import Existence

__all__ = [
    "WHOOSH3_HEADER_MAGIC",
    "BufferFile",
    "Existence",
    "OrderedHashWriter",
    "Storage",
    "StructFile",
    "W3Codec",
    "W3LeafMatcher",
    "W3TermInfo",
    "W3TermsReader",
    "dumps",
]
