"""A repository whose configuration, hooks and attributes all try to run a program.

Each names a script of its own that leaves a mark, so that a test can tell what ran.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HOOKS = (
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-checkout",
    "post-index-change",
    "reference-transaction",
    "pre-auto-gc",
    "post-rewrite",
    "fsmonitor-watchman",
)


class Hostile:
    """The directory, the marks, and plain git for comparison."""

    def __init__(self, place: Path) -> None:
        self.root = place / "home"
        self.marks = place / "marks"
        self.marks.mkdir(parents=True)
        self.root.mkdir()
        self._scripts = place / "scripts"
        self._scripts.mkdir()

    def script(self, name: str, *, passes: bool = False) -> str:
        path = self._scripts / name
        then = 'cat "$@" 2>/dev/null || cat' if passes else "exit 0"
        path.write_text(f"#!/bin/sh\ntouch '{self.marks}/{name}'\n{then}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def plain(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "-C", str(self.root), *command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            env={
                **os.environ,
                "GIT_AUTHOR_NAME": "Eve",
                "GIT_AUTHOR_EMAIL": "eve@example.com",
                "GIT_COMMITTER_NAME": "Eve",
                "GIT_COMMITTER_EMAIL": "eve@example.com",
            },
        )

    def ran(self) -> set[str]:
        found = {path.name for path in self.marks.iterdir()}
        for path in self.marks.iterdir():
            path.unlink()
        return found


def hostile(place: Path) -> Hostile:
    """Make it, with two commits of innocent files before it turns hostile."""
    fixture = Hostile(place)
    root = fixture.root
    fixture.plain("init", "-q", "-b", "main")
    for text in ("one\n", "one\ntwo\n"):
        (root / "agent.toml").write_text('name = "Ada"\n', encoding="utf-8")
        (root / "memory").mkdir(exist_ok=True)
        (root / "memory" / "human.md").write_text(text, encoding="utf-8")
        (root / ".gitattributes").write_text(
            "* filter=evil diff=evil merge=evil\n", encoding="utf-8"
        )
        fixture.plain("add", "-A")
        fixture.plain("commit", "-q", "-m", f"Say {text.split()[-1]}")
    settings = {
        "core.fsmonitor": fixture.script("fsmonitor"),
        "core.sshCommand": fixture.script("ssh"),
        "core.pager": fixture.script("pager", passes=True),
        "pager.log": fixture.script("pager-log", passes=True),
        "core.editor": fixture.script("editor"),
        "core.askPass": fixture.script("askpass"),
        "core.alternateRefsCommand": fixture.script("alternate-refs"),
        "core.hooksPath": str(root / ".git" / "hooks"),
        "credential.helper": fixture.script("credential"),
        "diff.external": fixture.script("diff-external"),
        "diff.evil.command": fixture.script("diff-command"),
        "diff.evil.textconv": fixture.script("textconv", passes=True),
        "filter.evil.clean": fixture.script("clean", passes=True),
        "filter.evil.smudge": fixture.script("smudge", passes=True),
        "merge.evil.driver": fixture.script("merge-driver"),
        "gpg.program": fixture.script("gpg"),
        "commit.gpgSign": "true",
        "log.showSignature": "true",
        "uploadpack.packObjectsHook": fixture.script("pack-hook"),
        "trailer.x.cmd": fixture.script("trailer"),
        "trailer.x.key": "X",
        "alias.log": f"!{fixture.script('alias')}",
        "remote.evil.url": f"ext::{fixture.script('ext')}",
        "remote.evil.promisor": "true",
        "remote.evil.uploadpack": fixture.script("uploadpack"),
        "remote.local.url": str(place),
        "remote.local.promisor": "true",
        "remote.local.uploadpack": fixture.script("uploadpack-local"),
        "protocol.ext.allow": "always",
        "protocol.file.allow": "always",
        "extensions.partialClone": "local",
        "core.repositoryformatversion": "1",
        "core.worktree": "/",
        "core.bare": "true",
    }
    for key, value in settings.items():
        fixture.plain("config", "--file", str(root / ".git" / "config"), key, value)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("* diff=evil filter=evil\n", "utf-8")
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_bytes(Path(fixture.script(f"hook-{name}")).read_bytes())
        (hooks / name).chmod(0o755)
    fixture.ran()
    return fixture
