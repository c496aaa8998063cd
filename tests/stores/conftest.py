"""Where the loops of this room work: in memory where there is such a place, for their speed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Give a directory that needs no disk to be durable; an ordinary one where there is none.

    What a kill or a failing call leaves does not depend on how durable the bytes below are.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    found = Path(tempfile.mkdtemp(prefix="lettafs-test-", dir=memory))
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)
