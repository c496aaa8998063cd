"""A person at an editor, in a process of their own: `python -m tests.support.editor`.

Every so often they add a line of their own to a file and save it, in the way their editor does:
`rename` (a new file takes the name), `in-place` (emptied, then written) or `delete` (deleted, then
made anew). They see what is in the file just before they save, as editors that look again do. Each
line that was saved is told on the output.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["STYLES", "editing"]

STYLES = ("rename", "in-place", "delete")


def save(path: Path, data: bytes, style: str) -> None:
    if style == "rename":
        temp = path.with_name(f".{path.name}.swp")
        temp.write_bytes(data)
        os.replace(temp, path)
        return
    if style == "delete":
        path.unlink(missing_ok=True)
    with path.open("wb", buffering=0) as file:
        half = len(data) // 2
        file.write(data[:half])
        file.write(data[half:])


def edit(path: Path, style: str, times: int, every_s: float) -> None:
    chance = random.Random(style)
    for number in range(times):
        time.sleep(every_s * chance.uniform(0.6, 1.4))
        text = path.read_bytes() if path.exists() else b""
        line = f"person {number}"
        joint = b"" if not text or text.endswith(b"\n") else b"\n"
        save(path, text + joint + line.encode() + b"\n", style)
        print(line, flush=True)


def editing(path: Path, *, style: str, times: int, every_s: float) -> subprocess.Popen[str]:
    """Return the process of a person who begins to edit a file now."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.editor", str(path), style, str(times), str(every_s)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parent.parent.parent,
    )


if __name__ == "__main__":
    edit(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
