from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from lettafs.sdk.open import open_agent

Run = Callable[..., Result]


def test_remember_prints_the_id_that_forget_takes(lettafs: Run, ada: Path) -> None:
    kept = lettafs("remember", ada, "Brad likes tea", "--tag", "food", "--tag", "brad")
    (passage,) = open_agent(ada).passages()

    gone = lettafs("forget", ada, kept.stdout.strip())

    assert kept.stdout == f"{passage.id}\n"
    assert (passage.text, passage.tags) == ("Brad likes tea", ("food", "brad"))
    assert gone.stdout == f"forgot {passage.id}: Brad likes tea\n"
    assert open_agent(ada).passages() == []


def test_remember_reads_stdin(lettafs: Run, ada: Path) -> None:
    lettafs("remember", ada, "-", stdin="two\nlines\n")

    assert open_agent(ada).passages()[0].text == "two\nlines"


def test_nothing_to_remember_is_wrong_usage(lettafs: Run, ada: Path) -> None:
    assert lettafs("remember", ada, "  ").exit_code == 2
    assert lettafs("remember", ada, "-", stdin="\n").exit_code == 2


def test_forgetting_what_is_not_there_is_wrong_usage(lettafs: Run, ada: Path) -> None:
    done = lettafs("forget", ada, "passage-\x1b[2Jnone")

    assert done.exit_code == 2
    assert "\x1b" not in done.stderr
