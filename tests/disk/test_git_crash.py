"""A checkpoint killed at any moment: the history is whole and the next one works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from lettafs.disk import faults
from lettafs.disk.git import Git, Person

ADA = Person("Ada", "ada@lettafs.local")
WHEN = "2026-03-01T09:00:00+02:00"
ROOT = Path(__file__).parents[2]

CHILD = """
import sys
from pathlib import Path
from lettafs.disk.git import Git, Person
root = Path(sys.argv[1])
git = Git(root)
git.heal()
git.log(limit=1)  # what the first command imports takes longer than a commit
print("begin", flush=True)
n = int(sys.argv[2])
while True:
    n += 1
    text = b"%d\\n" % n
    (root / "memory" / "human.md").write_bytes(text)
    changes = {"memory/human.md": text, "recall/%06d.jsonl" % (n % 7): text}
    print(git.commit(changes, message=f"Turn {n}", author=Person("Ada", "a@b"),
          when="2026-03-01T09:00:00+02:00"), flush=True)
"""


def test_kill_at_any_moment_never_stops_the_history(tmp_path: Path, long: bool) -> None:
    git = Git(tmp_path)
    git.init()
    (tmp_path / "memory").mkdir()
    chance = random.Random(7)
    kills = 1000 if long else 30
    acknowledged: list[str] = []
    began = time.monotonic()
    for n in range(4):
        assert git.commit({"memory/human.md": b"%d" % n}, message="x", author=ADA, when=WHEN)
    # On a busy machine a commit takes longer: the kill must fall inside one all the same.
    commit_s = (time.monotonic() - began) / 4
    for n in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(n * 1000)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begin\n"
        time.sleep(chance.uniform(0, 4 * commit_s))
        os.killpg(process.pid, signal.SIGKILL)
        out, errors = process.communicate()
        assert errors == b"", errors.decode()
        acknowledged += out.decode().split()
    assert len(acknowledged) >= kills * 0.5, "a lock that stays would stop all later commits"
    git.heal()
    last = git.commit({"memory/human.md": b"end\n"}, message="End", author=ADA, when=WHEN)
    assert last is not None
    history = {commit.id for commit in git.log(limit=None)}
    assert set(acknowledged) <= history
    assert [p for p in git.problems() if p.code != "git-config"] == []


def test_a_failure_at_any_call_postpones_the_commit_and_the_next_one_works(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    assert git.commit({"a.md": b"start"}, message="x", author=ADA, when=WHEN)
    for n in range(1, 200):
        before = git.state().head
        failed = False
        with faults.installed(faults.fail_nth(n, OSError(28, "No space left on device"))):
            try:
                git.commit({"a.md": b"%d" % n, "b.md": b"b"}, message="x", author=ADA, when=WHEN)
            except Exception as error:
                failed = True
                assert "disk is full" in str(error), error
        if failed and git.state().head != before:
            # The branch had moved: only clearing up failed.
            assert git.read(str(git.state().head), "a.md") == b"%d" % n
        git.heal()
        assert git.commit({"a.md": b"after %d" % n}, message="x", author=ADA, when=WHEN)
        if not failed and n > 30:
            break
    else:
        raise AssertionError("never got through")
    assert git.problems() == []
    assert not list((tmp_path / ".git").rglob("*.lock"))
    assert not list((tmp_path / ".git" / "objects").rglob("tmp_obj_*"))
