from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_healthy_agent_has_no_problems_and_code_0(lettafs: Run, ada: Path) -> None:
    done = lettafs("doctor", ada)

    assert (done.exit_code, done.stdout) == (0, "no problems\n")


def test_doctor_lists_each_problem_with_place_and_remedy_and_code_4(
    lettafs: Run, ada: Path
) -> None:
    (ada / "memory/broken.md").write_text("---\na: 1\na: 2\n---\nx", encoding="utf-8")

    done = lettafs("doctor", ada)
    listed = json.loads(lettafs("doctor", ada, "--json").stdout)["problems"]

    assert done.exit_code == 4
    assert done.stdout.startswith("memory/broken.md:")
    assert " — " in done.stdout
    assert "1 problem" in done.stderr
    assert [problem["path"] for problem in listed] == ["memory/broken.md"]


def test_repair_mends_what_can_be_mended_and_says_what(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "hello")
    with (ada / "recall/000001.jsonl").open("ab") as journal:
        journal.write(b'{"seq":99,"ty')

    before = lettafs("doctor", ada)
    repair = lettafs("doctor", ada, "--repair")
    after = lettafs("doctor", ada)

    assert before.exit_code == 4
    assert "--repair" in before.stderr
    assert repair.exit_code == 0
    assert repair.stdout.startswith("mended: ")
    assert after.exit_code == 0


def test_repair_that_leaves_problems_lists_them_and_has_code_4(lettafs: Run, ada: Path) -> None:
    lettafs("chat", ada, "-p", "hello")
    with (ada / "recall/000001.jsonl").open("ab") as journal:
        journal.write(b'{"seq":99,"ty')
    (ada / "memory/broken.md").write_text("---\na: 1\na: 2\n---\nx", encoding="utf-8")

    repair = lettafs("doctor", ada, "--repair")

    first, *rest = repair.stdout.splitlines()
    assert repair.exit_code == 4
    assert first.startswith("mended: ")
    assert rest[-1].startswith("memory/broken.md:")
    assert repair.stderr == "1 problem\n"


def test_rebuild_makes_what_is_derived_anew(lettafs: Run, ada: Path) -> None:
    shutil.rmtree(ada / ".lettafs")

    done = lettafs("rebuild", ada)

    assert done.exit_code == 0
    assert done.stdout
    assert lettafs("doctor", ada).exit_code == 0


def test_gc_packs_the_history_and_says_so(lettafs: Run, ada: Path) -> None:
    done = lettafs("gc", ada)

    assert done.exit_code == 0
    assert list((ada / ".git/objects/pack").glob("*.pack"))
    assert lettafs("log", ada).exit_code == 0
