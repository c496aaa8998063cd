from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lettafs.disk import beneath, fingerprint
from lettafs.disk.beneath import BeingWritten, is_sure, read_beneath, stamp_beneath
from lettafs.disk.fingerprint import Stamp
from lettafs.errors import DiskProblem

SECRET = b"a secret that lies outside"


@pytest.fixture(params=["from directory to directory", "by whole paths"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways down: the second is that of systems that cannot open from a directory."""
    if request.param == "by whole paths":
        monkeypatch.setattr(beneath, "_STEPWISE", False)
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder, with something outside that must not be read."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(SECRET)
    made = tmp_path / "folder"
    (made / "sub" / "deeper").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"hello")
    (made / "sub" / "deeper" / "b.txt").write_bytes(b"\x00\xff" * 5000)
    return made


def read(root: Path, path: str, *, max_bytes: int = 10**6) -> bytes:
    return read_beneath(root, path, max_bytes=max_bytes)[0]


def refusal(root: Path, path: str, *, max_bytes: int = 10**6) -> str:
    with pytest.raises(DiskProblem) as caught:
        read_beneath(root, path, max_bytes=max_bytes)
    assert "more than" in str(caught.value) or stamp_beneath(root, path) is None
    return str(caught.value)


@pytest.mark.usefixtures("way")
def test_a_file_is_read_whole_with_its_stamp(root: Path) -> None:
    data, seen = read_beneath(root, "sub/deeper/b.txt", max_bytes=10_000)
    assert data == b"\x00\xff" * 5000
    assert seen == fingerprint.stamp(root / "sub/deeper/b.txt")
    assert stamp_beneath(root, "sub/deeper/b.txt") == seen
    (root / "empty").touch()
    assert read(root, "empty", max_bytes=0) == b""


@pytest.mark.usefixtures("way")
def test_a_root_that_is_one_file_is_read_by_its_name(root: Path) -> None:
    alone = root / "a.txt"
    assert read(alone, "a.txt") == read(root, "a.txt") == b"hello"
    assert stamp_beneath(alone, "a.txt") == fingerprint.stamp(alone)
    with pytest.raises(FileNotFoundError):
        read(alone, "b.txt")
    (root / "link").symlink_to(alone)
    with pytest.raises(DiskProblem):
        read(root / "link", "link")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", ["b.txt", "sub/b.txt", "none/b.txt", "a.txt/b.txt", "sub/a.txt/b"])
def test_what_is_not_there_is_not_found(root: Path, path: str) -> None:
    assert stamp_beneath(root, path) is None
    with pytest.raises(FileNotFoundError):
        read(root, path)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "path",
    ["..", "../outside/secret.txt", "sub/../../outside/secret.txt", "/etc/passwd", "", "."]
    + ["./a.txt", "sub//a.txt", "sub/", "a.txt/", "sub/./a.txt", "a\0.txt", "\0", "//a.txt"],
)
def test_a_path_that_does_not_lead_down_is_refused(root: Path, path: str) -> None:
    assert refusal(root, path) == "its path is not one that leads down into the folder"


@pytest.mark.usefixtures("way")
def test_no_link_is_followed_wherever_it_is_on_the_way(root: Path, tmp_path: Path) -> None:
    (root / "file").symlink_to(tmp_path / "outside" / "secret.txt")
    (root / "inside").symlink_to("a.txt")
    (root / "dir").symlink_to(tmp_path / "outside")
    (root / "sub" / "up").symlink_to("../..")
    (root / "self").symlink_to("self")
    (root / "gone").symlink_to("nothing")
    for path in ("file", "inside", "self", "gone"):
        assert refusal(root, path) == "it is a symbolic link, and links are not followed"
    for path in ("dir/secret.txt", "sub/up/outside/secret.txt", "self/a"):
        assert refusal(root, path) == "it lies behind a symbolic link, and links are not followed"
    (tmp_path / "way").symlink_to(root)
    with pytest.raises(DiskProblem, match="behind a symbolic link"):
        read(tmp_path / "way", "a.txt")


@pytest.mark.usefixtures("way")
def test_pipes_sockets_devices_and_directories_are_refused_at_once(root: Path) -> None:
    os.mkfifo(root / "pipe")
    held = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # a socket's path is short
    try:
        held.bind("sock")
    finally:
        os.chdir(here)
    begun = time.monotonic()
    try:
        assert refusal(root, "pipe") == "it is a pipe, a socket or a device"
        assert refusal(root, "sock") == "it is a pipe, a socket or a device"
        assert refusal(Path("/dev"), "zero") == "it is a pipe, a socket or a device"
        assert refusal(root, "sub") == "it is a directory"
    finally:
        held.close()
    assert time.monotonic() - begun < 5


def test_a_pipe_that_somebody_writes_to_is_not_touched(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(DiskProblem):
        read(root, "pipe")
    with pytest.raises(OSError):  # ENXIO: nobody reads, and nobody did
        os.close(os.open(root / "pipe", os.O_WRONLY | os.O_NONBLOCK))


@pytest.mark.usefixtures("way")
def test_a_file_that_is_too_large_is_not_read(root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(10 * 2**30)
    begun = time.process_time()
    said = refusal(root, "huge", max_bytes=50_000_000)
    assert said == "it has 10.7 GB, more than the 50 MB that are read"
    assert time.process_time() - begun < 1
    (root / "just").write_bytes(b"x" * 101)
    said = refusal(root, "just", max_bytes=100)
    assert said == "it has 101 bytes, more than the 100 bytes that are read"
    assert len(read(root, "just", max_bytes=101)) == 101


@pytest.mark.usefixtures("way")
def test_strange_names_are_read_as_they_are(root: Path) -> None:
    names = (b"new\nline", b"\x1b[31mred", b"\xff bytes", "ü\u202e".encode(), b"-rf", b"a\\b")
    for name in names:
        (root / os.fsdecode(name)).write_bytes(name)
        assert read(root, os.fsdecode(name)) == name
    for odd in ("\ud800", "x" * 300):
        with pytest.raises((DiskProblem, FileNotFoundError)):
            read(root, odd)
        assert stamp_beneath(root, odd) is None


def test_a_file_hundreds_of_directories_down_is_read(tmp_path: Path) -> None:
    names = ["d" * 100] * 60  # longer than the longest path the system takes
    fd = os.open(tmp_path, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=fd)
        deeper = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    file = os.open("a.txt", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
    os.write(file, b"deep")
    os.close(file)
    os.close(fd)
    assert read(tmp_path, "/".join([*names, "a.txt"])) == b"deep"
    open_now = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert open_now < 50
    subprocess.run(["rm", "-rf", str(tmp_path / names[0])], check=True)


def test_no_descriptor_stays_open(root: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("there is no list of descriptors here")
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("a.txt")
    before = os.listdir("/proc/self/fd")
    for path in ("a.txt", "pipe", "link", "none", "sub", "sub/none/x", "a.txt/x", "link/x"):
        stamp_beneath(root, path)
        with suppress(DiskProblem, FileNotFoundError):
            read(root, path, max_bytes=3)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_link_put_in_the_place_of_a_directory_never_leads_out(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "b.txt").write_bytes(SECRET)
    (root / "real").mkdir()
    (root / "real" / "b.txt").write_bytes(b"inside")
    (root / "link").symlink_to(tmp_path / "outside")
    os.rename(root / "real", root / "place")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(root / "place", root / "real")
            os.rename(root / "link", root / "place")
            os.rename(root / "place", root / "link")
            os.rename(root / "real", root / "place")

    other = threading.Thread(target=swap)
    other.start()
    seen = set()
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with suppress(FileNotFoundError, DiskProblem):
                seen.add(read(root, "place/b.txt"))
    finally:
        done.set()
        other.join()
    assert seen <= {b"inside"}


def test_a_file_that_never_keeps_still_is_being_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root / "a.txt"
    begun: list[int] = []
    real = os.read

    def reading(fd: int, count: int) -> bytes:
        begun.append(count)
        with file.open("ab") as other:
            other.write(b"more")
        return real(fd, count)

    monkeypatch.setattr(os, "read", reading)
    with pytest.raises(BeingWritten, match="^it is being written$"):
        read(root, "a.txt")
    assert len(begun) > 1


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root / "a.txt"
    real = os.read
    times: list[int] = []

    def reading(fd: int, count: int) -> bytes:
        if not times:
            (root / "new").write_bytes(b"HELLO, longer")
            os.replace(root / "new", file)
        times.append(count)
        return real(fd, count)

    monkeypatch.setattr(os, "read", reading)
    data, seen = read_beneath(root, "a.txt", max_bytes=100)
    monkeypatch.undo()
    assert data == b"HELLO, longer"
    assert seen == fingerprint.stamp(file)


def test_a_file_that_says_it_is_empty_and_is_not_is_not_read_without_end() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("there is no such file system here")
    with pytest.raises(DiskProblem):
        read(Path("/proc/self"), "status")


NOBODY = """
import os, sys
from pathlib import Path
from lettafs.disk.beneath import read_beneath, stamp_beneath
from lettafs.errors import DiskProblem
if os.geteuid() == 0:
    os.setuid(65534)  # modes do not bind root
for path in ("a.txt", "shut.txt", "shut/a.txt"):
    try:
        print(read_beneath(Path(), path, max_bytes=100)[0])
    except DiskProblem as problem:
        print(problem)
"""


def test_what_may_not_be_read_says_that_permission_was_denied(root: Path) -> None:
    root.chmod(0o755)
    (root / "shut.txt").write_bytes(b"x")
    (root / "shut").mkdir()
    (root / "shut" / "a.txt").write_bytes(b"x")
    (root / "shut.txt").chmod(0)
    (root / "shut").chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", NOBODY],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
        )
    finally:
        (root / "shut").chmod(0o755)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "b'hello'",
        "permission was denied",
        "permission was denied",
    ]


def test_a_stamp_of_whole_seconds_is_sure_only_after_a_while() -> None:
    second = 10**9
    fine = Stamp(1, 5 * second + 7, 5 * second + 7, 1)
    assert is_sure(fine, taken_at_ns=5 * second + 7 + fingerprint.RACY_NS + 1)
    assert not is_sure(fine, taken_at_ns=5 * second + 7 + fingerprint.RACY_NS)
    coarse = Stamp(1, 5 * second, 4 * second, 1)
    assert not is_sure(coarse, taken_at_ns=7 * second)
    assert is_sure(coarse, taken_at_ns=9 * second)
    assert not is_sure(Stamp(1, 99 * second, 1, 1), taken_at_ns=9 * second)
