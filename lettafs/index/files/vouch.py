"""What vouches for files that are derived of attached folders."""

from __future__ import annotations

import json
import os
import stat
from hashlib import blake2b
from pathlib import Path

from lettafs.index.vectors.code import Code

__all__ = ["code_in"]


def code_in(directory: Path, *, key: bytes) -> Code:
    """Return what vouches for files in a directory, known by its number: a copy is another.

    Raises:
        OSError: it is missing, or no directory.
    """
    status = os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(directory)
    about = json.dumps(["lettafs files, form 1", status.st_ino])
    return Code(blake2b(about.encode("ascii"), key=key[:64], digest_size=32).digest())
