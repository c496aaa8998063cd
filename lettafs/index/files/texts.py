"""Texts: what documents were converted to, kept by the hash of the document's bytes.

Each lies in a Markdown file a person can read. Its first line, a comment, holds what is not text,
and a code that needs the user's key: a text that came with somebody's directory, or was edited, is
not taken for what the document says, and the document is read again.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from lettafs.disk import atomic, derived, fingerprint
from lettafs.errors import DiskProblem
from lettafs.values.file import FileText, PageMark

__all__ = ["Texts"]

_NAME = re.compile(r"([0-9a-f]{64})\.md")
_OPENING, _CLOSING = b"<!-- lettafs ", b" -->\n"
_MAX_BYTES = 64 * 2**20
_REMEMBERED_CHARS = 16_000_000


class Texts:
    """The converted texts of one home.

    Args:
        directory: where they lie; None: they are remembered only, as far as there is room.
        root: the home, below which no link is followed.
        key: the user's; None is like no directory.
        version: changes when the same bytes give another text; a text of another one is not used.
    """

    def __init__(
        self, directory: Path | None, *, root: Path, key: bytes | None, version: str
    ) -> None:
        self._directory = directory if key is not None else None
        self._root = root
        self._key = key or b""
        self._version = version
        self._lock = threading.Lock()
        self._known: OrderedDict[str, FileText] = OrderedDict()
        self._chars = 0

    def get(self, sha256: str) -> FileText | None:
        """Return the text of a document; None: it has not been converted, or cannot be trusted."""
        with self._lock:
            known = self._known.get(sha256)
            if known is not None:
                self._known.move_to_end(sha256)
                return known
        text = self._read(sha256)
        if text is not None:
            self._remember(sha256, text)
        return text

    def has(self, sha256: str) -> bool:
        """Tell whether there seems to be a text, without reading it."""
        with self._lock:
            if sha256 in self._known:
                return True
        if self._directory is None:
            return False
        # A link is no text of ours, whatever it leads to.
        return fingerprint.stamp(self._directory / f"{sha256}.md") is not None

    def put(self, sha256: str, text: FileText) -> None:
        """Keep the text of a document; where it cannot be written it is remembered for a while."""
        self._remember(sha256, text)
        if self._directory is None:
            return
        with suppress(DiskProblem, OSError):
            derived.make(self._directory, root=self._root)
            body = text.text.encode("utf-8", "replace")
            head = {
                "form": 1,
                "version": self._version,
                "kind": text.kind,
                "note": text.note,
                "pages": [list(mark) for mark in text.pages],
            }
            told = json.dumps(head | {"code": self._code(sha256, head, body)}, sort_keys=True)
            # So that nothing in it ends the comment.
            line = _OPENING + told.replace(">", "\\u003e").encode("ascii") + _CLOSING
            path = self._directory / f"{sha256}.md"
            if fingerprint.stamp(path) is None:
                # What a stranger put in its place would keep it from ever being written.
                derived.drop(self._directory, [path.name])
            atomic.replace(path, line + body, mode=0o600, durable=False)

    def keep_only(self, live: Collection[str]) -> int:
        """Take away the texts of all other documents; return how many."""
        if self._directory is None or not derived.is_safe(self._directory, root=self._root):
            return 0
        gone = [
            name
            for name in derived.names(self._directory)
            if (found := _NAME.fullmatch(name)) is not None and found[1] not in live
        ]
        derived.drop(self._directory, gone)
        return len(gone)

    def discard(self) -> None:
        """Forget every text, on disk too."""
        with self._lock:
            self._known.clear()
            self._chars = 0
        self.keep_only(())

    def _remember(self, sha256: str, text: FileText) -> None:
        with self._lock:
            before = self._known.pop(sha256, None)
            self._chars -= 0 if before is None else len(before.text)
            self._known[sha256] = text
            self._chars += len(text.text)
            while self._chars > _REMEMBERED_CHARS and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                self._chars -= len(oldest.text)

    def _read(self, sha256: str) -> FileText | None:
        if self._directory is None or not derived.is_safe(self._directory, root=self._root):
            return None
        try:
            data = atomic.read_bytes(self._directory / f"{sha256}.md", max_bytes=_MAX_BYTES)
            line, _, body = data.partition(b"\n")
            if not line.startswith(_OPENING) or not line.endswith(_CLOSING[:-1]):
                return None
            head = json.loads(line[len(_OPENING) : -len(_CLOSING) + 1])
            code = head.pop("code")
            if head["version"] != self._version:
                return None
            if not hmac.compare_digest(str(code), self._code(sha256, head, body)):
                return None
            pages = tuple(PageMark(int(start), str(label)) for start, label in head["pages"])
            return FileText(body.decode("utf-8"), pages, str(head["kind"]), str(head["note"]))
        except (OSError, DiskProblem, ValueError, LookupError, TypeError, RecursionError):
            return None

    def _code(self, sha256: str, head: object, body: bytes) -> str:
        """Return the code of a text: for this user, in this directory, of this document."""
        assert self._directory is not None, "only a text on disk has a code"
        status = os.lstat(self._directory)
        number = status.st_ino if stat.S_ISDIR(status.st_mode) else -1
        about = json.dumps(["lettafs text, form 1", number, sha256, head], sort_keys=True)
        made = blake2b(about.encode("ascii"), key=self._key[:64], digest_size=24)
        made.update(body)
        return made.hexdigest()
