"""An index somebody else made is never read: nothing it holds is run.

Whoosh unpickles what it finds. Each fixture is first given to plain Whoosh, which runs the marker,
and then lies where a home keeps its index: every doing of ours leaves the marker out.
"""

from __future__ import annotations

import hmac
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from whoosh import fields as whoosh_fields
from whoosh import index as whoosh_index
from whoosh.codec.whoosh3 import W3Codec, W3TermsReader
from whoosh.columns import CompressedBytesColumn
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Existence

from lettafs.disk.seal import SEAL_NAME, Sealed, read_seal
from lettafs.errors import DiskProblem

from .test_engine import KEY, home, index_of, place, said, write, wrong

OTHER_KEY = b"o" * 32

LEAKS = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""Plain Whoosh leaves files open, above all when it fails."""


class Marker:
    """Unpickled, it makes a directory: that it is there tells that something was run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.makedirs, (str(self.path), 0o777, True))


def ran(marker: Path) -> bool:
    found = marker.is_dir()
    if found:
        marker.rmdir()
    return found


def plain_index(directory: Path) -> None:
    """Make an ordinary index of Whoosh's own."""
    directory.mkdir(parents=True, exist_ok=True)
    schema = whoosh_fields.Schema(text=whoosh_fields.TEXT(stored=True))
    writer = whoosh_index.create_in(str(directory), schema).writer()
    writer.add_document(text="some words to find")
    writer.commit()


def open_plainly(directory: Path) -> None:
    with whoosh_index.open_dir(str(directory)).searcher() as searcher:
        assert list(searcher.documents())


def exchange(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, new))


def toc_of(directory: Path) -> Path:
    return next(directory.glob("*.toc"))


def toc_schema(directory: Path, marker: Path) -> None:
    plain_index(directory)
    storage = FileStorage(str(directory))
    stream = storage.open_file(toc_of(directory).name)
    for _ in range(3):
        stream.read_varint()
    stream.read_int()
    stream.read_int()
    for _ in range(3):
        stream.read_varint()
    before = stream.tell()
    stream.read_string()
    after = stream.tell()
    stream.close()
    raw = toc_of(directory).read_bytes()
    made = storage.create_file("made")
    made.write(raw[:before])
    made.write_string(pickle.dumps(Marker(marker), 2))
    made.write(raw[after:])
    made.close()
    (directory / "made").replace(toc_of(directory))


def toc_segments(directory: Path, marker: Path) -> None:
    plain_index(directory)
    index = whoosh_index.open_dir(str(directory))
    segments = index._segments()
    index.close()
    exchange(toc_of(directory), pickle.dumps(segments, -1), pickle.dumps(Marker(marker), -1))


def compound_directory(directory: Path, marker: Path) -> None:
    plain_index(directory)
    path = next(directory.glob("*.seg"))
    storage = FileStorage(str(directory))
    at = storage.open_file(path.name).read_long()
    raw = path.read_bytes()
    path.write_bytes(raw[:at] + pickle.dumps(Marker(marker), 2))


def stored_column(directory: Path, marker: Path) -> None:
    plain_index(directory)
    index = whoosh_index.open_dir(str(directory))
    (segment,) = index._segments()
    files = segment.open_compound_file(index.storage)
    for name in files.list():
        (directory / name).write_bytes(bytes(files.open_file(name).read()))
    segment.compound = False
    toc = whoosh_index.TOC(index.schema, [segment], index.latest_generation())
    toc_of(directory).unlink()
    toc.write(index.storage, "MAIN")
    (column,) = directory.glob("*_stored.col")
    made = index.storage.create_file("made")
    writer = CompressedBytesColumn().writer(made)
    writer.add(0, pickle.dumps(Marker(marker), 2))
    writer.finish(1)
    made.close()
    (directory / "made").replace(column)


PLAIN = [toc_schema, toc_segments, compound_directory, stored_column]


def ours(directory: Path, marker: Path, *, key: bytes = OTHER_KEY) -> tuple[Path, Path]:
    """Make an index of our own form, sealed by somebody else; return its terms and postings."""
    root = home(directory.parent / "elsewhere")
    write(root, 1, [said(*["common"] * 3)] * 50)
    index_of(root, directory=directory, key=key).catch_up()
    assert not marker.exists()
    return next(directory.glob("*.trm")), next(directory.glob("*.pst"))


def posting_block(directory: Path, marker: Path) -> None:
    _, postings = ours(directory, marker)
    raw = postings.read_bytes()
    at = raw.index(b"W3Bl")
    payload = pickle.dumps(Marker(marker), 2)
    length = (-len(payload)).to_bytes(4, "big", signed=True)
    postings.write_bytes(raw[: at + 4] + length + payload + raw[at + 8 + len(payload) :])


def terms_extras(directory: Path, marker: Path) -> None:
    terms, _ = ours(directory, marker)
    raw = terms.read_bytes()
    at = raw.rindex(b"\x80")
    payload = pickle.dumps(Marker(marker), 2)
    # Whoosh finds the end of this pickle by its length, which stands at the end of the file.
    terms.write_bytes(raw[:at] + payload + len(payload).to_bytes(4, "big"))


def read_terms_plainly(directory: Path) -> None:
    terms, postings = next(directory.glob("*.trm")), next(directory.glob("*.pst"))
    storage = FileStorage(str(directory))
    reader = W3TermsReader(
        W3Codec(),
        storage.open_file(terms.name),
        storage.file_length(terms.name),
        storage.open_file(postings.name),
    )
    for field, term in list(reader.terms()):
        reader.matcher(field, term, Existence()).all_ids()


OWN = [posting_block, terms_extras]


def doings(root: Path, *, key: bytes = KEY) -> None:
    """Do everything that touches an index."""
    index = index_of(root, key=key)
    assert wrong(index, root) == []
    index.pending()
    index.catch_up()
    assert wrong(index_of(root, key=key), root) == []
    index.discard()
    assert wrong(index, root) == []


@LEAKS
@pytest.mark.parametrize("vector", PLAIN + OWN)
def test_plain_whoosh_runs_what_a_foreign_index_holds_and_we_do_not(
    tmp_path: Path, vector: Callable[[Path, Path], None]
) -> None:
    marker = tmp_path / "marker"
    control = tmp_path / "control"
    vector(control, marker)
    ran(marker)
    with_whoosh = open_plainly if vector in PLAIN else read_terms_plainly
    try:
        with_whoosh(control)
    except Exception:
        pass  # it fails over what the payload returned, after it was run
    assert ran(marker), "the fixture does nothing: this test would show nothing"

    root = home(tmp_path / "home")
    place(root).parent.mkdir(parents=True)
    shutil.copytree(control, place(root))
    doings(root)
    assert not ran(marker)


@LEAKS
@pytest.mark.parametrize("vector", PLAIN + OWN)
def test_a_foreign_index_under_a_link_is_neither_read_nor_changed(
    tmp_path: Path, vector: Callable[[Path, Path], None]
) -> None:
    marker = tmp_path / "marker"
    foreign = tmp_path / "foreign"
    vector(foreign / "lines", marker)
    ran(marker)
    before = {path.name: path.read_bytes() for path in (foreign / "lines").iterdir()}
    root = home(tmp_path / "home")
    (root / ".lettafs").mkdir()
    (root / ".lettafs" / "index").symlink_to(foreign)
    index = index_of(root)
    assert wrong(index, root) == []
    with pytest.raises(DiskProblem):
        index.catch_up()
    index.discard()
    assert wrong(index, root) == []
    assert not ran(marker)
    assert {path.name: path.read_bytes() for path in (foreign / "lines").iterdir()} == before


def test_a_link_to_an_index_of_ones_own_is_not_read_either(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    assert index_of(root).pending() == 0
    other = tmp_path / "linked"
    shutil.copytree(root / "lines", other / "lines")
    place(other).parent.mkdir(parents=True)
    place(other).symlink_to(place(root))
    assert index_of(other).pending() == 120
    assert wrong(index_of(other), other) == []


def test_a_copied_home_makes_its_own_index(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    shutil.copytree(root, tmp_path / "copy")
    assert index_of(root).pending() == 0
    copied = index_of(tmp_path / "copy")
    assert copied.pending() == 120
    assert wrong(copied, tmp_path / "copy") == []
    assert copied.catch_up() == 120
    assert copied.pending() == 0


def test_another_users_index_is_made_anew(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root, key=OTHER_KEY).catch_up()
    assert index_of(root).pending() == 120
    doings(root)


def test_an_index_with_a_changed_time_is_not_read(tmp_path: Path) -> None:
    root = home(tmp_path / "home")
    index_of(root).catch_up()
    path = next(place(root).glob("*.pst"))
    os.utime(path, ns=(1, 1))
    assert index_of(root).pending() == 120
    doings(root)


WAYS = ("flip", "flip", "flip", "flip", "cut", "empty", "longer", "zeros", "delete")


def damage(path: Path, *, way: str, at: float) -> None:
    """Damage a file in one way, at some part of it."""
    raw = bytearray(path.read_bytes())
    here = int(at * len(raw))
    match way:
        case "flip" if raw:
            raw[here] ^= 1 << int(at * 1000) % 8
        case "cut":
            del raw[here:]
        case "empty":
            raw.clear()
        case "longer":
            raw += b"\0more"
        case "zeros":
            raw[here : here + 64] = bytes(len(raw[here : here + 64]))
    if way == "delete":
        path.unlink()
    else:
        path.write_bytes(raw)


def reseal(directory: Path, sealed: Sealed, *, digests: bool) -> None:
    """Make the seal hold over what was damaged, as if the disk had changed it unseen.

    Without digests whatever the files hold by then reaches Whoosh.
    """
    files = {}
    for name, before in sealed.files.items():
        if not (directory / name).exists():
            return
        now = (directory / name).stat()
        looks = [now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns]
        files[name] = [*looks, before.sha256 if digests else None]
    _, _, body = (directory / SEAL_NAME).read_bytes().partition(b"\n")
    told = json.loads(body)
    again = json.dumps({**told, "files": files}, sort_keys=True, separators=(",", ":")).encode()
    (directory / SEAL_NAME).write_bytes(
        hmac.new(KEY, again, "sha256").hexdigest().encode() + b"\n" + again
    )
    assert read_seal(directory, key=KEY) is not None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seal", ["as it was", "holds", "holds without digests"])
def test_whatever_is_damaged_the_answers_are_those_of_the_text(
    tmp_path: Path, long: bool, seal: str
) -> None:
    root = home(tmp_path / "home", segments=2, lines=12)
    chance = random.Random(seal)
    for number in range(240 if long else 14):
        index_of(root).discard()
        index_of(root).catch_up()
        sealed = read_seal(place(root), key=KEY)
        assert sealed is not None
        names = [*sorted(sealed.files), *([SEAL_NAME] if seal == "as it was" else [])]
        way, at, name = chance.choice(WAYS), chance.random(), names[number % len(names)]
        reader = index_of(root)
        reader.snapshot()
        damage(place(root) / name, way=way, at=at)
        if seal != "as it was":
            reseal(place(root), sealed, digests=seal == "holds")
        told = f"{way} {name} at {at}"
        for index in (reader, index_of(root)):
            found = wrong(index, root)
            # Nothing but a digest tells a number from another one: then it is enough to survive.
            assert found == [] or seal == "holds without digests", told
        if seal != "holds without digests":
            index_of(root).catch_up()
            assert index_of(root).pending() == 0, told
            assert wrong(index_of(root), root) == [], told
