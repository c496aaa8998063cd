r"""Seven defects planted one by one: the suite must notice each, or it is not to be trusted.

    python tests/mutants.py              # all seven, about three minutes
    python tests/mutants.py append dir   # some of them

For each, the package and the tests are copied to a directory of their own, one small change is made
to the copy (that it applies is checked), and the tests that watch over that promise are run there.
They must pass without the change, and fail with it. A table says `killed` or `SURVIVED`; the exit
status is 1 when one survived, and 2 when a change did not apply or the tests fail without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: what is replaced by what in which file, and who should notice."""

    name: str
    about: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


_POWER = "tests/crash/test_power_cut.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "append",
        "an append is not synced",
        "lettafs/disk/atomic.py",
        "        calls.fsync(fd, path, data_only=True)\n",
        "        pass\n",
        (f"{_POWER}::test_a_power_cut_during_a_turn_with_a_memory_edit_loses_nothing",),
    ),
    Mutant(
        "temp",
        "a new file is not synced before it takes a name",
        "lettafs/disk/calls.py",
        "            if durable:\n                fsync(fd, path)\n",
        "            pass\n",
        (f"{_POWER}::test_a_power_cut_during_a_turn_with_a_memory_edit_loses_nothing",),
    ),
    Mutant(
        "dir",
        "a directory is not synced",
        "lettafs/disk/calls.py",
        '    faults.check("fsync_dir", path)\n',
        "    return\n",
        (f"{_POWER}::test_a_power_cut_when_a_segment_begins_loses_nothing",),
    ),
    Mutant(
        "ack",
        "a message is said to be kept before it is",
        "lettafs/loop/run.py",
        "        turn.append(MessageRecord(0, message))\n        yield MessageAdded(message)\n",
        "        yield MessageAdded(message)\n        turn.append(MessageRecord(0, message))\n",
        (f"{_POWER}::test_a_power_cut_during_a_turn_with_a_memory_edit_loses_nothing",),
    ),
    Mutant(
        "exchange",
        "what an edit displaced is not looked at",
        "lettafs/disk/exchange.py",
        "        found = _verify(slot, path, expected=expected, data=data)\n",
        "        found = None\n",
        ("tests/crash/test_person_saves.py", "-k", "just_before"),
    ),
    Mutant(
        "tail",
        "half a line at the end is not cut off",
        "lettafs/home/recover.py",
        "    notices = _mend_tails(turn)\n",
        "    notices: list[Notice] = []\n",
        ("tests/stores/test_segments.py", "-k", "cut_in_its_last or put_aside"),
    ),
    Mutant(
        "lock",
        "locks that a crash of ours left stay",
        "lettafs/disk/git_care.py",
        '            for path in [*refs.lock_files(git_dir), *_litter(git_dir / "objects")]:\n',
        '            for path in _litter(git_dir / "objects"):\n',
        ("tests/crash/test_kill.py", "-k", "lock"),
    ),
)


def copy_to(place: Path) -> None:
    for name in ("lettafs", "tests"):
        shutil.copytree(
            ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    shutil.copy(ROOT / "pyproject.toml", place)


def passes(place: Path, tests: Sequence[str]) -> bool:
    """Run tests in a copy; tell whether all passed.

    Raises:
        RuntimeError: no test was run at all.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", *tests]
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def plant(place: Path, mutant: Mutant) -> None:
    path = place / mutant.path
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise RuntimeError(f"{mutant.name}: {mutant.path} does not hold the lines to change once")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def main(names: Sequence[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        print(f"There is no mutant named {', '.join(sorted(unknown))}.")
        return 2
    survived = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as top:
        sound = Path(top) / "sound"
        copy_to(sound)
        checked: set[tuple[str, ...]] = set()
        for mutant in chosen:
            place = Path(top) / mutant.name
            copy_to(place)
            begun = time.monotonic()
            try:
                plant(place, mutant)
                if mutant.tests not in checked and not passes(sound, mutant.tests):
                    raise RuntimeError(f"{mutant.name}: its tests fail without it")
                checked.add(mutant.tests)
                alive = passes(place, mutant.tests)
            except RuntimeError as error:
                print(error)
                return 2
            survived += alive
            fate = "SURVIVED" if alive else "killed"
            print(f"{mutant.name:<9} {fate:<9} {time.monotonic() - begun:5.1f} s  {mutant.about}")
    print(f"{len(chosen) - survived} of {len(chosen)} killed")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
