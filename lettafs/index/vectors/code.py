"""A code: what shows that bytes were written by this user, in this directory, for this embedder.

Vectors and their graph are read back into native code, which trusts them. Each block of bytes
therefore carries a code that needs the user's own key, and no byte goes anywhere before its code
holds. The code covers the bytes themselves, so it also finds what a failing disk changed.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

__all__ = ["CODE_BYTES", "Bytes", "Code", "code_for"]

CODE_BYTES = 24

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Code:
    """A maker and checker of codes; equal ones make equal codes."""

    secret: bytes = field(repr=False)

    def of(self, purpose: bytes, parts: Iterable[Bytes]) -> bytes:
        """Return the code of the parts, one after the other."""
        made = blake2b(key=self.secret, digest_size=CODE_BYTES, person=purpose)
        for part in parts:
            made.update(part)
        return made.digest()

    def holds(self, code: bytes, purpose: bytes, parts: Iterable[Bytes]) -> bool:
        """Tell whether it is the code of these parts."""
        return hmac.compare_digest(code, self.of(purpose, parts))


def code_for(directory: Path, *, key: bytes, identity: str, dimensions: int) -> Code | None:
    """Return what vouches for one embedder's vectors in a directory.

    None where the directory is missing, a link, or not a directory.

    Args:
        directory: where the files lie; it is known by its number, so a copy is another one.
        key: the user's.
        identity: the embedder's.
        dimensions: numbers of a vector.
    """
    try:
        status = os.lstat(directory)
    except (OSError, ValueError):
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    about = json.dumps(["lettafs vectors, form 1", identity, dimensions, status.st_ino])
    return Code(blake2b(about.encode("ascii"), key=key[:64], digest_size=32).digest())
