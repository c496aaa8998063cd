"""Attached folders: a folder of many text files, and what documents take to convert."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.child import clean_env, repeat, run
from tests.bench.history import made_up
from tests.bench.table import Table, ms

__all__ = ["convert_tables", "folder_tables", "write_texts"]

_LETTAFS = [sys.executable, "-m", "lettafs"]


def write_texts(directory: Path, count: int) -> None:
    """Write made-up text files, a hundred to a directory, of 1 to 8 KB."""
    chance = random.Random(4)
    texts = made_up(4)
    for number in range(count):
        place = directory / f"part-{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        lines = [next(texts) for _ in range(chance.randint(4, 40))]
        (place / f"note-{number:05d}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def folder_tables(scratch: Path, *, sizes: Sequence[int], times: int) -> list[Table]:
    """Return what folders of these many text files take."""
    scratch.mkdir()
    found = [_folder(scratch / f"of-{size}", size, times) for size in sizes]
    return [
        Table(
            "A folder of text files",
            (
                "files",
                "MB",
                "attach, s",
                "files a second",
                "attach again, s",
                "first search of a process, ms",
                "search_file, ms (p50 / p95)",
                "grep_file, ms (p50 / p95)",
                "a change until found, ms (p50 / p95)",
                "RSS, MiB",
            ),
            tuple(
                (
                    f"{size:,}",
                    f"{one['bytes'] / 1e6:.0f}",
                    f"{one['attach_s']:.1f}",
                    f"{size / one['attach_s']:.0f}",
                    f"{one['again_s']:.2f}",
                    f"{one['first_s'] * 1e3:.0f}",
                    ms(one["search_s"]),
                    ms(one["grep_s"]),
                    ms(one["change_s"]),
                    f"{one['rss_mib']:.0f}",
                )
                for size, one in zip(sizes, found, strict=True)
            ),
            note="Attaching ends when every file is found by its words; vectors are not made. "
            "Searches are tool calls: each looks at every file first. A change: a file is saved, "
            "then asked for until it is found.",
        ),
        Table(
            "Start with a folder attached",
            ("files", "`chat -p hi`, wall, ms (p50 / p95)", "CPU, ms (p50 / p95)"),
            tuple(
                (f"{size:,}" if size else "none", ms(one["start_s"]), ms(one["start_cpu_s"]))
                for size, one in zip((0, *sizes), (_start(scratch, times), *found), strict=True)
            ),
            note="Until the reply is shown; a scripted model without latency.",
        ),
    ]


def _folder(place: Path, size: int, times: int) -> dict[str, Any]:
    papers, agent = place / "papers", place / "ada"
    write_texts(papers, size)
    env = _env(place)
    run([*_LETTAFS, "new", str(agent), "--embedding", "none"], env=env)
    found: dict[str, Any] = {
        "bytes": sum(path.stat().st_size for path in papers.rglob("*.txt")),
    }
    for phase in ("attach", "again", "search"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.bench.folders",
                phase,
                str(agent),
                str(papers),
                str(times),
            ],
            check=True,
            capture_output=True,
            text=True,
            env=env,
        )
        found |= json.loads(done.stdout)
    return found | _started(agent, place, env, times)


def _start(scratch: Path, times: int) -> dict[str, Any]:
    place = scratch / "none"
    place.mkdir()
    env = _env(place)
    run([*_LETTAFS, "new", str(place / "ada")], env=env)
    return _started(place / "ada", place, env, times)


def _started(agent: Path, place: Path, env: dict[str, str], times: int) -> dict[str, Any]:
    script = place / "reply.jsonl"
    script.write_text('{"text": "Hello.", "repeat": true}\n', encoding="utf-8")
    command = [*_LETTAFS, "chat", str(agent), "-p", "hi", "--model", f"scripted:{script}"]
    run(command, env=env)
    runs = repeat(command, times=times, env=env)
    return {
        "start_s": [one.first_output_s for one in runs if one.first_output_s is not None],
        "start_cpu_s": [one.cpu_s for one in runs],
    }


def _env(place: Path) -> dict[str, str]:
    return {**clean_env(), "XDG_CONFIG_HOME": str(place / "config"), "HOME": str(place)}


def _attach(agent: Path, papers: Path, times: int) -> dict[str, Any]:
    from lettafs.sdk.open import open_agent

    opened = open_agent(agent)
    begun = time.perf_counter()
    info = opened.attach(papers)
    took = time.perf_counter() - begun
    assert info.ready == info.files, info
    return {"attach_s": took}


def _again(agent: Path, papers: Path, times: int) -> dict[str, Any]:
    from lettafs.sdk.open import open_agent

    opened = open_agent(agent)
    begun = time.perf_counter()
    opened.attach(papers)
    return {"again_s": time.perf_counter() - begun}


def _search(agent: Path, papers: Path, times: int) -> dict[str, Any]:
    from tests.support.file_tools import ask

    asked = [" ".join(text.split()[:5]) for text, _ in zip(made_up(9), range(20), strict=False)]

    def timed(tool: str, **arguments: Any) -> float:
        begun = time.perf_counter()
        ask(agent, tool, **arguments)
        return time.perf_counter() - begun

    first = timed("search_file", query=asked[0])
    for query in asked:
        timed("search_file", query=query)
    search = [timed("search_file", query=query) for _ in range(times // 5 + 1) for query in asked]
    grep = [timed("grep_file", pattern=query.split()[0]) for query in asked[: max(times, 3)]]
    change = list(_changes(agent, papers, times))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    rss = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return {
        "first_s": first,
        "search_s": search,
        "grep_s": grep,
        "change_s": change,
        "rss_mib": rss,
    }


def _changes(agent: Path, papers: Path, times: int) -> Iterator[float]:
    from tests.support.file_tools import ask

    paths = sorted(papers.rglob("*.txt"))
    for number in range(times):
        word = f"zanzibar{number}quokka"
        path = paths[number * 7 % len(paths)]
        begun = time.perf_counter()
        path.write_text(path.read_text(encoding="utf-8") + f"{word}\n", encoding="utf-8")
        while path.name not in ask(agent, "search_file", query=word):
            if time.perf_counter() - begun > 30:
                raise RuntimeError(f"{word} was not found within 30 s")
        yield time.perf_counter() - begun


def convert_tables(scratch: Path, *, documents: Path | None) -> list[Table]:
    """Return what converting documents takes, beside plain markitdown on the same files.

    Args:
        scratch: a place for the agent.
        documents: a directory of documents; None: there is no table.
    """
    if documents is None or not documents.is_dir():
        return []
    scratch.mkdir()
    rows = []
    for name in ("lettafs, cold", "lettafs, cached", "plain markitdown"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.bench.folders",
                name,
                str(scratch / "ada"),
                str(documents),
                "1",
            ],
            check=True,
            capture_output=True,
            text=True,
            env=_env(scratch),
        )
        one = json.loads(done.stdout.splitlines()[-1])
        rows.append(
            (
                name,
                f"{one['files']}",
                f"{one['with_text']}",
                f"{one['took_s']:.2f}",
                f"{one['files'] / one['took_s']:.1f}",
                f"{one['bytes'] / 1e6 / one['took_s']:.2f}",
                f"{one['chars']:,}",
                f"{one['child_mib']:.0f}" if one["child_mib"] else "none",
            )
        )
    return [
        Table(
            "Converting documents",
            (
                "with",
                "files",
                "with text",
                "s",
                "files a second",
                "MB a second",
                "characters",
                "child's RSS at most, MiB",
            ),
            tuple(rows),
            note="Every file below the directory given by --documents. Cold: nothing is known, and "
            "the children start; cached: attached again after detaching. Plain markitdown converts "
            "in one process without limits, its import included; its figure is that process's.",
        )
    ]


def _convert(agent: Path, documents: Path, times: int) -> dict[str, Any]:
    from lettafs.sdk.open import create_agent, open_agent

    opened = open_agent(agent) if agent.exists() else create_agent(agent, embedding="none")
    if opened.folders():
        opened.detach("documents")
    begun = time.perf_counter()
    info = opened.attach(documents, name="documents", include=["*"])
    took = time.perf_counter() - begun
    files = opened.files(look=False)
    return {
        "files": info.files,
        "with_text": info.ready,
        "took_s": took,
        "bytes": info.size,
        "chars": sum(one.chars for one in files),
        "child_mib": opened._home.files.peak_memory_bytes / 2**20,
    }


def _plain(agent: Path, documents: Path, times: int) -> dict[str, Any]:
    import resource

    begun = time.perf_counter()
    from markitdown import MarkItDown

    plain = MarkItDown(enable_plugins=False)
    paths = [path for path in sorted(documents.rglob("*")) if path.is_file()]
    chars = with_text = 0
    for path in paths:
        try:
            text = plain.convert_local(path).text_content
        except Exception:
            continue
        chars += len(text)
        with_text += bool(text.strip())
    took = time.perf_counter() - begun
    return {
        "files": len(paths),
        "with_text": with_text,
        "took_s": took,
        "bytes": sum(path.stat().st_size for path in paths),
        "chars": chars,
        "child_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


_PHASES = {
    "attach": _attach,
    "again": _again,
    "search": _search,
    "lettafs, cold": _convert,
    "lettafs, cached": _convert,
    "plain markitdown": _plain,
}

if __name__ == "__main__":
    print(json.dumps(_PHASES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))))
