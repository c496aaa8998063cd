from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lettafs.disk import fingerprint
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem
from lettafs.index.files import sweep as module
from lettafs.index.files.sweep import Found, Swept, looks_the_same, sweep
from lettafs.values.folder import Folder

PLAIN = Folder("docs", "docs")


def plant(root: Path, paths: Iterable[str]) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode("utf-8", "surrogateescape"))
    return root


def settle(root: Path) -> None:
    """Make every directory and file look as if it had been there for long; ctime has to wait."""
    time.sleep(fingerprint.RACY_NS / 1e9 + 0.01)


def paths(swept: Swept) -> list[str]:
    return [found.path for found in swept.files]


def names_looked_into(swept: Swept) -> list[str]:
    return sorted(swept.directories)


def test_a_sweep_finds_the_files_of_a_tree_sorted_with_their_stamps(tmp_path: Path) -> None:
    plant(tmp_path, ["b.md", "a/z.md", "a-b.md", "a.md", "a/b/c.txt", "ü/x", "node_modules/x.js"])
    swept = sweep(tmp_path, PLAIN)
    assert paths(swept) == ["a-b.md", "a.md", "a/b/c.txt", "a/z.md", "b.md", "ü/x"]
    assert paths(swept) == sorted(paths(swept))
    assert swept.files[2] == Found("a/b/c.txt", swept.files[2].stamp)
    for found in swept.files:
        assert found.stamp == fingerprint.stamp(tmp_path / found.path)
    assert names_looked_into(swept) == ["", "a/", "a/b/", "ü/"]
    assert swept.skipped == () and swept.is_whole


def test_links_pipes_and_sockets_are_told_and_never_followed(tmp_path: Path) -> None:
    plant(tmp_path, ["outside/secret.md", "in/a.md", "in/sub/b.md"])
    root = tmp_path / "in"
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "file").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "sub" / "loop").symlink_to("..")
    (root / "broken").symlink_to("nowhere")
    (root / ".hidden").symlink_to("nowhere")
    os.mkfifo(root / "pipe.md")
    held = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)
    try:
        held.bind("sock.md")
    finally:
        os.chdir(here)
        held.close()
    swept = sweep(root, PLAIN)
    assert paths(swept) == ["a.md", "sub/b.md"]
    link = "a symbolic link: what it points to is read only where it lies"
    odd = "a pipe, a socket or a device: it is not opened"
    assert swept.skipped == (
        ("broken", link),
        ("file", link),
        ("out", link),
        ("pipe.md", odd),
        ("sock.md", odd),
        ("sub/loop", link),
    )


def test_a_root_that_is_one_file_gives_it_whatever_it_is_called(tmp_path: Path) -> None:
    plant(tmp_path, [".env"])
    alone = tmp_path / ".env"
    swept = sweep(alone, Folder("one", "x", include=("*.md",)))
    assert swept.files == (Found(".env", swept.files[0].stamp),)
    assert looks_the_same(alone, swept)
    assert sweep(alone, Folder("one", "x", include=("*.md",)), before=swept) == swept
    alone.unlink()
    assert not looks_the_same(alone, swept)
    alone.mkdir()
    assert not looks_the_same(alone, swept)


def test_the_whole_system_can_be_the_root() -> None:
    only = Folder("all", "/", include=("/usr/none-*.md",))
    swept = sweep(Path("/"), only)
    assert {"", "usr/"} <= set(swept.directories) and all("//" not in path for path in paths(swept))
    if None not in swept.directories.values():
        assert looks_the_same(Path("/"), swept)


def test_a_root_that_cannot_be_swept_says_why(tmp_path: Path) -> None:
    plant(tmp_path, ["a"])
    for gone in (tmp_path / "none", tmp_path / "a" / "b"):
        with pytest.raises(FileNotFoundError):
            sweep(gone, PLAIN)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(DiskProblem, match="^it is a symbolic link"):
        sweep(tmp_path / "link", PLAIN)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DiskProblem, match="^it is a pipe"):
        sweep(tmp_path / "pipe", PLAIN)


NOBODY = """
import os, sys
from pathlib import Path
from lettafs.errors import DiskProblem
from lettafs.index.files.sweep import sweep
from lettafs.values.folder import Folder
if os.geteuid() == 0:
    os.setuid(65534)  # modes do not bind root
swept = sweep(Path(), Folder("docs", "docs"))
again = sweep(Path(), Folder("docs", "docs"), before=swept)
print([found.path for found in swept.files], swept.skipped, again.skipped == swept.skipped)
try:
    sweep(Path("shut"), Folder("docs", "docs"))
except DiskProblem as problem:
    print(problem)
"""


def test_directories_that_may_not_be_read_are_told_and_the_others_are_swept(tmp_path: Path) -> None:
    root = plant(tmp_path / "in", ["a.md", "shut/b.md", "listed/c.md", "open/d.md"])
    (root / "open" / ".gitignore").write_text("d.md\n", encoding="utf-8")
    root.chmod(0o755)
    (root / "shut").chmod(0o000)
    (root / "listed").chmod(0o644)
    (root / "open" / ".gitignore").chmod(0o000)
    try:
        done = subprocess.run(
            [sys.executable, "-c", NOBODY],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
        )
    finally:
        for name in ("shut", "listed"):
            (root / name).chmod(0o755)
    assert done.stderr == ""
    skipped = (
        ("listed/c.md", "it cannot be looked at: permission was denied"),
        ("open/.gitignore", "what it says is not heeded: permission was denied"),
        ("shut", "a directory that cannot be listed: permission was denied"),
    )
    assert done.stdout.splitlines() == [
        f"['a.md', 'open/d.md'] {skipped} True",
        "permission was denied",
    ]


def test_strange_names_come_as_the_system_gives_them(tmp_path: Path) -> None:
    names = [
        b"new\nline.md",
        b"\x1b[31mred.md",
        b"\xff\xfe.md",
        "\u202egnp.md".encode(),
        b"a\\b.md",
    ]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    assert sorted(os.fsencode(path) for path in paths(sweep(tmp_path, PLAIN))) == sorted(names)


def test_directories_that_lie_too_deep_are_told(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=fd)
        os.close(os.open("f.md", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
        deeper = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)
    swept = sweep(tmp_path, PLAIN)
    assert len(swept.files) == module.MAX_DEPTH + 1
    deep = "/".join(["d"] * (module.MAX_DEPTH + 1))
    assert swept.skipped == ((deep, "it lies more than 64 directories deep"),)
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert sweep(tmp_path, PLAIN, before=swept) == swept


def test_paths_longer_than_the_system_takes_end_with_a_reason(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=fd)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)
    swept = sweep(tmp_path, PLAIN)
    assert [reason for _, reason in swept.skipped] == [
        "a directory that cannot be listed: its path is too long"
    ]
    subprocess.run(["rm", "-rf", str(tmp_path / ("d" * 200))], check=True)


def test_of_too_many_files_the_first_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 10)
    plant(tmp_path, [f"{d}/{f:02}.md" for d in "abc" for f in range(7)])
    plant(tmp_path, [f"b/x/{f:02}.md" for f in range(40)])
    everything = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.md"))
    swept = sweep(tmp_path, PLAIN)
    assert paths(swept) == everything[:10]
    assert swept.skipped == (
        ("b/03.md", "there are more than 10 files: it and those after it are left out"),
    )
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert sweep(tmp_path, PLAIN, before=swept) == swept
    (tmp_path / "a" / "00.md").unlink()
    assert paths(sweep(tmp_path, PLAIN, before=swept)) == everything[1:11]
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "c")
    monkeypatch.setattr(module, "MAX_FILES", 50)
    assert paths(sweep(tmp_path, PLAIN, before=swept)) == [p for p in everything if p[0] == "b"]


def test_a_directory_with_far_too_many_files_is_cut_at_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 5)
    plant(tmp_path, [f"{f:03}.md" for f in range(200)] + [f"00{f}/x.md" for f in range(3)])
    first = ["000.md", "000/x.md", "001.md", "001/x.md", "002.md"]
    assert paths(sweep(tmp_path, PLAIN)) == first


def test_of_very_much_that_is_no_file_only_some_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SKIPPED", 4)
    for directory in "abc":
        (tmp_path / directory).mkdir()
        for number in range(3):
            (tmp_path / directory / f"{number}").symlink_to("x")
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert [path for path, _ in swept.skipped] == ["a/0", "a/1", "a/2", "b/0", ""]
    assert swept.skipped[-1][1] == "and 5 more that are no files to read"
    assert sweep(tmp_path, PLAIN, before=swept) == swept
    (tmp_path / "a" / "0").unlink()
    assert sweep(tmp_path, PLAIN, before=swept) == sweep(tmp_path, PLAIN)
    (tmp_path / "0").symlink_to("x")
    assert sweep(tmp_path, PLAIN, before=swept) == sweep(tmp_path, PLAIN)


def test_gitignore_files_are_heeded_at_every_level_unless_the_folder_says_no(
    tmp_path: Path,
) -> None:
    plant(tmp_path, ["a.log", "sub/a.log", "sub/keep.log", "out/a.md", "sub/out/b.md"])
    (tmp_path / ".gitignore").write_text("*.log\n/out/\n", encoding="utf-8")
    (tmp_path / "sub" / ".gitignore").write_text("!keep.log\n", encoding="utf-8")
    assert paths(sweep(tmp_path, PLAIN)) == ["sub/keep.log", "sub/out/b.md"]
    assert names_looked_into(sweep(tmp_path, PLAIN)) == [
        "",
        ".gitignore",
        "sub/",
        "sub/.gitignore",
        "sub/out/",
    ]
    assert len(sweep(tmp_path, Folder("d", "d", gitignore=False)).files) == 5


def test_a_gitignore_file_that_changes_counts_in_directories_that_have_not(tmp_path: Path) -> None:
    plant(tmp_path, ["a.log", "sub/a.log", "sub/deep/a.log", "sub/deep/b.md"])
    patterns = tmp_path / ".gitignore"
    patterns.write_text("*.md\n", encoding="utf-8")
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert paths(swept) == ["a.log", "sub/a.log", "sub/deep/a.log"]
    patterns.write_text("*.log\n", encoding="utf-8")
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN, before=swept)
    assert paths(swept) == ["sub/deep/b.md"]
    patterns.unlink()
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN, before=swept)
    assert len(swept.files) == 4
    (tmp_path / "sub" / ".gitignore").write_text("deep/\n", encoding="utf-8")
    assert paths(sweep(tmp_path, PLAIN, before=swept)) == ["a.log", "sub/a.log"]


def test_a_gitignore_file_that_is_a_link_or_huge_says_nothing(tmp_path: Path) -> None:
    plant(tmp_path, ["a.log", "big/a.log"])
    (tmp_path / "patterns").write_text("*.log\n", encoding="utf-8")
    (tmp_path / ".gitignore").symlink_to("patterns")
    (tmp_path / "big" / ".gitignore").write_bytes(b"*.log\n" + b"#" * 2**20)
    swept = sweep(tmp_path, PLAIN)
    assert paths(swept) == ["a.log", "big/a.log", "patterns"]
    assert [path for path, _ in swept.skipped] == ["big/.gitignore"]
    assert "not heeded: it has 1 MB" in swept.skipped[0][1]


def test_a_look_sees_names_that_come_and_go_and_not_bytes_that_change(tmp_path: Path) -> None:
    plant(tmp_path, ["a.md", "sub/b.md", "sub/deep/c.md", "node_modules/x/y.js"])
    (tmp_path / "sub" / ".gitignore").write_text("*.log\n", encoding="utf-8")
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert looks_the_same(tmp_path, swept)
    (tmp_path / "sub" / "b.md").write_bytes(b"longer than it was")
    (tmp_path / "node_modules" / "x" / "z.js").touch()
    assert looks_the_same(tmp_path, swept)
    assert looks_the_same(tmp_path, swept, folder=PLAIN)
    assert not looks_the_same(tmp_path, swept, folder=Folder("d", "d", include=("*.md",)))
    new = tmp_path / "sub" / "deep" / "new.md"
    new.touch()
    assert not looks_the_same(tmp_path, swept)
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    assert looks_the_same(tmp_path, swept)
    (tmp_path / "sub" / ".gitignore").write_text("*.md\n", encoding="utf-8")
    assert not looks_the_same(tmp_path, swept)
    settle(tmp_path)
    swept = sweep(tmp_path, PLAIN)
    shutil.rmtree(tmp_path / "sub")
    assert not looks_the_same(tmp_path, swept)


def test_a_directory_that_has_become_a_link_does_not_look_the_same(tmp_path: Path) -> None:
    plant(tmp_path, ["in/sub/a.md"])
    settle(tmp_path)
    root = tmp_path / "in"
    swept = sweep(root, PLAIN)
    assert looks_the_same(root, swept)
    os.rename(root / "sub", tmp_path / "moved")
    (root / "sub").symlink_to(tmp_path / "moved")
    status = os.lstat(tmp_path / "moved")
    seen = Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    only_sub = Swept(swept.files, (), {"sub/": seen}, swept.rules)
    assert not looks_the_same(root, only_sub)
    assert not looks_the_same(root, swept)
    again = sweep(root, PLAIN, before=swept)
    assert again.files == () and [path for path, _ in again.skipped] == ["sub"]


def test_a_directory_that_changed_just_now_is_not_trusted(tmp_path: Path) -> None:
    plant(tmp_path, ["a.md"])
    swept = sweep(tmp_path, PLAIN)
    assert swept.directories[""] is None
    assert not looks_the_same(tmp_path, swept)


def test_an_earlier_sweep_under_other_rules_is_not_used(tmp_path: Path) -> None:
    plant(tmp_path, ["a.md", "sub/a.txt", "sub/b.md"])
    settle(tmp_path)
    only_text = Folder("d", "d", include=("*.txt",))
    before = sweep(tmp_path, only_text)
    assert paths(before) == ["sub/a.txt"]
    assert sweep(tmp_path, PLAIN, before=before) == sweep(tmp_path, PLAIN)


def test_unchanged_directories_are_not_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, ["a.md", "one/b.md", "two/c.md"])
    settle(tmp_path)
    before = sweep(tmp_path, PLAIN)
    (tmp_path / "two" / "d.md").touch()
    (tmp_path / "one" / "b.md").write_bytes(b"changed")
    listed: list[str] = []
    real = os.scandir

    def listing(path: str) -> object:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", listing)
    swept = sweep(tmp_path, PLAIN, before=before)
    monkeypatch.undo()
    assert listed == [str(tmp_path / "two")]
    assert paths(swept) == ["a.md", "one/b.md", "two/c.md", "two/d.md"]
    assert swept.files[1].stamp == fingerprint.stamp(tmp_path / "one" / "b.md")
    assert swept.files[0] is before.files[0]


def test_a_sweep_that_is_stopped_gives_back_what_was_known_before(tmp_path: Path) -> None:
    plant(tmp_path, [f"{d}/{f}.md" for d in "abc" for f in range(5)])
    settle(tmp_path)
    whole = sweep(tmp_path, PLAIN)
    assert sweep(tmp_path, PLAIN, before=whole, stop=lambda: True) is whole
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 2

    part = sweep(tmp_path, PLAIN, stop=stop)
    assert not part.is_whole and 0 < len(part.files) < len(whole.files)
    assert not looks_the_same(tmp_path, part)
    assert sweep(tmp_path, PLAIN, before=part) == whole


def test_files_that_come_and_go_while_it_sweeps_do_no_harm(tmp_path: Path) -> None:
    plant(tmp_path, [f"keep/{n}.md" for n in range(50)])
    (tmp_path / "busy").mkdir()
    done = threading.Event()

    def churn() -> None:
        number = 0
        while not done.is_set():
            number += 1
            place = tmp_path / "busy" / str(number % 7)
            with suppress(OSError):
                if number % 3 == 0:
                    place.mkdir()
                    (place / "x.md").touch()
                elif number % 3 == 1:
                    shutil.rmtree(place)
                else:
                    place.write_bytes(b"x")

    other = threading.Thread(target=churn)
    other.start()
    swept: Swept | None = None
    try:
        for _ in range(60):
            swept = sweep(tmp_path, PLAIN, before=swept)
            assert [path for path in paths(swept) if path.startswith("keep/")] == sorted(
                f"keep/{n}.md" for n in range(50)
            )
    finally:
        done.set()
        other.join()
    assert sweep(tmp_path, PLAIN, before=swept).files == sweep(tmp_path, PLAIN).files


# -- an earlier sweep changes the cost only ----------------------------------------------------

NAMES = ["a", "b.md", "c.log", "d", "node_modules", ".gitignore", "e.txt", "link"]
PLACES = ["", "a/", "d/", "a/d/", "d/a/", "a/node_modules/"]
IGNORES = ["", "*.log\n", "d/\n", "!c.log\n", "a\n*.txt\n", "/b.md\n!d/\n"]
STEPS = st.tuples(
    st.sampled_from(["write", "write", "write", "remove", "mkdir", "link", "rename", "ignore"]),
    st.sampled_from(PLACES),
    st.sampled_from(NAMES),
    st.sampled_from(IGNORES),
)
FOLDERS = st.sampled_from(
    [
        PLAIN,
        Folder("d", "d", include=("*.md", "a/", "*.log")),
        Folder("d", "d", exclude=("d/",), gitignore=False),
    ]
)


def do(root: Path, step: tuple[str, str, str, str]) -> None:
    what, place, name, ignore = step
    path = root / place / name
    with suppress(OSError):
        match what:
            case "write":
                if name == ".gitignore":
                    path.write_text(ignore, encoding="utf-8")
                else:
                    path.write_bytes(os.urandom(3))
            case "remove":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            case "mkdir":
                path.mkdir()
            case "link":
                path.symlink_to("b.md")
            case "rename":
                path.rename(root / "d" / name)
            case _:
                (root / place / ".gitignore").write_text(ignore, encoding="utf-8")


@settings(
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(STEPS, max_size=14),
    st.lists(st.lists(STEPS, min_size=1, max_size=5), max_size=3),
    FOLDERS,
    st.booleans(),
)
def test_a_sweep_with_an_earlier_one_finds_what_a_fresh_one_finds(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[str, str, str, str]],
    rounds: list[list[tuple[str, str, str, str]]],
    folder: Folder,
    waits: bool,
) -> None:
    root = tmp_path_factory.mktemp("tree")
    plant(root, ["a/d/b.md", "d/a/c.log", "e.txt"])
    for step in first:
        do(root, step)
    if waits:
        settle(root)
    before = sweep(root, folder)
    for steps in rounds:
        for step in steps:
            do(root, step)
        if waits:
            settle(root)
        fresh = sweep(root, folder)
        again = sweep(root, folder, before=before)
        assert (again.files, again.skipped) == (fresh.files, fresh.skipped)
        assert set(again.directories) == set(fresh.directories)
        if looks_the_same(root, before):
            assert paths(before) == paths(fresh)
        before = again
