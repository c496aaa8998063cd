"""Start-up: how soon the command answers, and which imports that takes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.bench.child import Run, clean_env, repeat, run
from tests.bench.machine import Machine
from tests.bench.table import Table, ms, ratio

__all__ = ["first_reply_table", "imports_table", "start_table"]

_LETTAFS = [sys.executable, "-m", "lettafs"]
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")


def start_table(machine: Machine, *, times: int) -> Table:
    """Return what `--help` and `--version` take."""
    rows = []
    for option in ("--version", "--help"):
        run([*_LETTAFS, option], env=clean_env())  # compiles
        runs = repeat([*_LETTAFS, option], times=times, env=clean_env())
        rows.append((f"`lettafs {option}`", *_figures(runs, machine)))
    return Table(
        "Start", ("command", "wall, ms (p50 / p95)", "CPU, ms (p50 / p95)", _THAN), rows=tuple(rows)
    )


_THAN = "CPU, of a bare Python start"


def _figures(runs: Sequence[Run], machine: Machine) -> tuple[str, str, str]:
    cpu = [each.cpu_s for each in runs]
    bare = [each.cpu_s for each in machine.python]
    return ms([each.wall_s for each in runs]), ms(cpu), ratio(cpu, bare)


def _models(scratch: Path) -> dict[str, str]:
    script = scratch / "reply.jsonl"
    script.write_text('{"text": "Hello.", "repeat": true}\n', encoding="utf-8")
    return {"scripted, no latency": f"scripted:{script}", "offline": "lettafs/offline"}


def first_reply_table(scratch: Path, machine: Machine, *, times: int) -> Table:
    """Return what one turn takes in a process of its own."""
    scratch.mkdir()
    env = clean_env()
    agent = scratch / "ada"
    run([*_LETTAFS, "new", str(agent)], env=env)
    rows = []
    for name, handle in _models(scratch).items():
        command = [*_LETTAFS, "chat", str(agent), "-p", "hi", "--model", handle]
        run(command, env=env)
        runs = repeat(command, times=times, env=env)
        shown = [each.first_output_s for each in runs if each.first_output_s is not None]
        rows.append((f"`lettafs chat DIR -p hi`, {name}", ms(shown), *_figures(runs, machine)))
    return Table(
        "First reply",
        (
            "command",
            "reply shown, ms (p50 / p95)",
            "ended, ms (p50 / p95)",
            "CPU, ms (p50 / p95)",
            _THAN,
        ),
        tuple(rows),
        note="One turn in a process of its own, checkpoint included. CPU includes git's processes.",
    )


def imports_table(scratch: Path, *, times: int) -> Table:
    """Return which packages' imports cost most, of themselves: the least of several starts."""
    scratch.mkdir()
    env = clean_env()
    agent = scratch / "ada"
    run([*_LETTAFS, "new", str(agent)], env=env)
    offline = _models(scratch)["offline"]
    commands = {
        "`--help`": ["--help"],
        "`chat -p`, offline": ["chat", str(agent), "-p", "hi", "--model", offline],
    }
    costs = {name: _imports(command, times=times) for name, command in commands.items()}
    top = [package for package, _ in costs["`chat -p`, offline"].most_common(14)]
    rows = [(p, *(f"{cost[p] / 1000:.1f}" for cost in costs.values())) for p in top]
    rows.append(("all", *(f"{cost.total() / 1000:.1f}" for cost in costs.values())))
    return Table("Imports", ("package", *(f"{name}, ms" for name in costs)), tuple(rows))


def _imports(command: list[str], *, times: int) -> Counter[str]:
    """Return microseconds a package; modules of lettafs by their room."""
    least: dict[str, int] = {}
    for _ in range(times):
        listed = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "lettafs", *command],
            capture_output=True,
            text=True,
            env=clean_env(),
            check=True,
        )
        for line in listed.stderr.splitlines():
            found = _LINE.match(line)
            if found is not None:
                micros, module = int(found[1]), found[2]
                least[module] = min(micros, least.get(module, micros))
    costs: Counter[str] = Counter()
    for module, micros in least.items():
        names = module.split(".")
        costs[".".join(names[:2]) if names[0] == "lettafs" else names[0]] += micros
    return costs
