"""Files of vectors that are damaged, planted, copied or somebody else's.

usearch trusts what it reads: the first test shows that it dies of a damaged file, or answers
wrongly without a word. The others show that no such byte reaches it, in children of their own, so
that a signal would be seen.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lettafs.index.vectors import graph as graphs
from lettafs.index.vectors import log
from lettafs.index.vectors.code import code_for
from lettafs.index.vectors.store import VectorStore

ROOT = Path(__file__).resolve().parents[2]
KEY = b"k" * 32
WIDE = 32
COUNT = 600
FEW = 100 * WIDE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each mutant")


def rows() -> NDArray[np.float32]:
    made = np.random.default_rng(1).standard_normal((COUNT, WIDE)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def keys() -> NDArray[np.uint64]:
    return np.arange(1, COUNT + 1, dtype=np.uint64)


def store_at(directory: Path, *, key: bytes = KEY) -> VectorStore:
    store = VectorStore(directory, key=key, few_numbers=FEW)
    store.open("ada", WIDE)
    return store


def fill(directory: Path) -> VectorStore:
    store = store_at(directory)
    for at in range(0, COUNT, 100):
        store.append(keys()[at : at + 100], rows()[at : at + 100])
    store.settle(live=keys())
    return store


def check(directory: Path) -> None:
    """What must hold whatever lies in a directory: true answers, and all of them after a repair."""
    query = rows()[5]
    cosines = dict(zip(keys().tolist(), (rows() @ query).tolist(), strict=True))
    store = store_at(directory)
    for _ in range(2):
        found, near = store.search(query, k=10)
        assert len(found) == min(10, len(store))
        for key, cosine in zip(found.tolist(), near.tolist(), strict=True):
            assert abs(cosines[key] - cosine) < 2e-3
        missing = store.missing(keys())
        store.append(missing, rows()[missing.astype(np.int64) - 1])
        store.settle(live=keys())
    best = sorted(cosines, key=lambda key: -cosines[key])[:10]
    for one in (store, store_at(directory)):
        assert len(one) == COUNT and one.missing(keys()).tolist() == []
        assert len(set(one.search(query, k=10)[0].tolist()) & set(best)) >= 9


CHILD = """
import json, os, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from usearch.index import Index
from tests.index import test_hostile_vectors as t

what, count, seed, place = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])

def mutate(data, random):
    data = bytearray(data)
    kind = random.choice(["bit", "bit", "bits", "word", "zeros", "cut", "longer", "moved"])
    at = random.randrange(len(data))
    if kind == "bit":
        data[at] ^= 1 << random.randrange(8)
    elif kind == "bits":
        for _ in range(30):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif kind == "word":
        data[at:at + 4] = random.randbytes(len(data[at:at + 4]))
    elif kind == "zeros":
        data[at:at + 64] = bytes(len(data[at:at + 64]))
    elif kind == "cut":
        del data[at:]
    elif kind == "longer":
        data += random.randbytes(500)
    else:
        data[at:] = data[:len(data) - at]
    return bytes(data)

def plain(random):
    data = (place / "plain").read_bytes()
    index = Index.restore(mutate(data, random), view=random.random() < 0.5)
    query = t.rows()[5]
    found = index.search(query, 10)
    if len(index) != t.COUNT or 6 not in found.keys.tolist():
        os._exit(3)
    index.search(t.rows(), 5)

directory = place / "index"
if what == "ours":
    t.fill(directory)
    whole = {path: path.read_bytes() for path in directory.glob("archival-*")}

def ours(random):
    # In the directory they were made in: in another one nothing would be read at all.
    for path, data in whole.items():
        changed = mutate(data, random) if random.random() < 0.7 else data
        path.write_bytes(changed)
        if random.random() < 0.05:
            path.unlink()
    t.check(directory)

seen = {"ok": 0, "wrong": 0, "refused": 0, "signal": 0}
for number in range(count):
    child = os.fork()
    if child == 0:
        try:
            {"plain": plain, "ours": ours}[what](random.Random(seed + number))
        except BaseException as error:
            if what == "ours":
                import traceback
                traceback.print_exc()
            os._exit(4)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    kind = "signal" if status < 0 else {0: "ok", 3: "wrong"}.get(status, "refused")
    seen[kind] += 1
print(json.dumps(seen))
"""


def mutants(what: str, count: int, place: Path) -> dict[str, int]:
    script = place / "child.py"
    script.write_text(CHILD, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT), what, str(count), "1", str(place)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, int] = json.loads(done.stdout)
    seen["said"] = len(done.stderr)
    return seen


def test_usearch_alone_dies_of_damaged_files_or_answers_wrongly(tmp_path: Path) -> None:
    from usearch.index import Index

    index = Index(ndim=WIDE, metric="cos", dtype="f16")
    index.add(keys(), rows())
    index.save(tmp_path / "plain")
    seen = mutants("plain", 60, tmp_path)
    assert seen["signal"] > 0, "the control is dead: show with other mutants that it matters"
    assert seen["signal"] + seen["wrong"] >= 5, seen


@pytest.mark.parametrize("count", [60, pytest.param(640, marks=pytest.mark.long)])
@pytest.mark.timeout(1_200)
def test_damaged_files_give_true_answers_and_are_made_anew(tmp_path: Path, count: int) -> None:
    seen = mutants("ours", count, tmp_path)
    assert seen["ok"] == count, seen


def graph_bytes(directory: Path) -> bytes:
    return next(directory.glob("*.usearch")).read_bytes()


def test_no_changed_byte_of_a_graph_reaches_usearch(
    tmp_path: Path, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    code = code_for(tmp_path, key=KEY, identity="ada", dimensions=WIDE)
    assert code is not None
    data = graph_bytes(tmp_path)
    assert graphs.load(next(tmp_path.glob("*.usearch")), code=code, dimensions=WIDE) is not None
    opened: list[int] = []
    monkeypatch.setattr(graphs, "_opened", lambda data, count: opened.append(count))
    path = tmp_path / "changed"
    for at in range(0, len(data), 101 if long else 997):
        path.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        assert graphs.load(path, code=code, dimensions=WIDE) is None
        path.write_bytes(data[:at])
        assert graphs.load(path, code=code, dimensions=WIDE) is None
    path.write_bytes(data + b"\0")
    assert graphs.load(path, code=code, dimensions=WIDE) is None
    assert opened == []


def test_a_changed_frame_and_what_follows_it_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path)
    path = next(tmp_path.glob("*.vectors"))
    data = path.read_bytes()
    frame = len(data) // 6
    for at in (0, 4, 9, frame - 1, 2 * frame + 40, len(data) - 1):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert len(store_at(tmp_path)) == at // frame * 100


def test_frames_in_another_order_are_not_read(tmp_path: Path) -> None:
    fill(tmp_path)
    path = next(tmp_path.glob("*.vectors"))
    data = path.read_bytes()
    frame = len(data) // 6
    path.write_bytes(data[frame : 2 * frame] + data[:frame] + data[2 * frame :])
    assert len(store_at(tmp_path)) == 0
    path.write_bytes(data[:frame] * 6)
    assert len(store_at(tmp_path)) == 100


def test_another_users_vectors_are_not_read(tmp_path: Path) -> None:
    fill(tmp_path)
    assert len(store_at(tmp_path, key=b"x" * 32)) == 0
    assert len(store_at(tmp_path)) == COUNT


def test_a_copied_directory_is_not_read_and_a_moved_one_is(tmp_path: Path) -> None:
    fill(tmp_path / "ada")
    shutil.copytree(tmp_path / "ada", tmp_path / "eve")
    assert len(store_at(tmp_path / "eve")) == 0
    check(tmp_path / "eve")
    (tmp_path / "ada").rename(tmp_path / "moved")
    assert len(store_at(tmp_path / "moved")) == COUNT


def test_a_graph_of_another_embedder_is_not_read_under_this_ones_name(tmp_path: Path) -> None:
    fill(tmp_path)
    store = VectorStore(tmp_path, key=KEY, few_numbers=FEW)
    store.open("eve", WIDE)
    ours = {path.name for path in tmp_path.glob("archival-*")}
    store.append(keys()[:200], rows()[:200])
    name = next(path for path in tmp_path.glob("*.vectors") if path.name not in ours)
    name.with_suffix(".usearch").write_bytes(graph_bytes(tmp_path))
    again = VectorStore(tmp_path, key=KEY, few_numbers=FEW)
    again.open("eve", WIDE)
    assert (again.search(rows()[5], k=600)[0] <= 200).all()


def test_a_link_is_neither_followed_nor_written_through(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"words of mine")
    fill(tmp_path / "index")
    for kind in ("vectors", "usearch"):
        for make in (os.symlink, os.link):
            path = next((tmp_path / "index").glob(f"*.{kind}"))
            path.unlink()
            make(target, path)
            check(tmp_path / "index")
            assert target.read_bytes() == b"words of mine"
            found = next((tmp_path / "index").glob(f"*.{kind}"))
            assert stat.S_ISREG(found.lstat().st_mode) and not found.samefile(target)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    fill(tmp_path)
    for kind in ("vectors", "usearch"):
        path = next(tmp_path.glob(f"*.{kind}"))
        path.unlink()
        os.mkfifo(path)
        check(tmp_path)


def test_a_directory_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "index").symlink_to(tmp_path / "elsewhere")
    store = store_at(tmp_path / "index")
    with pytest.raises(Exception, match="not a directory"):
        store.append(keys(), rows())
    assert store.search(rows()[0], k=1)[0].tolist() == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_huge_empty_file_takes_no_memory(tmp_path: Path) -> None:
    store = fill(tmp_path)
    path = next(tmp_path.glob("*.vectors"))
    os.truncate(path, 2**40)
    again = store_at(tmp_path)
    assert len(again) == COUNT
    again.append([9_999], rows()[:1] * -1)
    assert path.stat().st_size < 2**20
    os.truncate(next(tmp_path.glob("*.usearch")), 2**40)
    assert len(again.search(rows()[3], k=5)[0]) == 5
    store.refresh()
    assert len(store) == COUNT + 1


def test_a_log_of_nonsense_is_read_as_nothing(tmp_path: Path) -> None:
    code = code_for(tmp_path, key=KEY, identity="ada", dimensions=WIDE)
    assert code is not None
    path = tmp_path / "log"
    random = np.random.default_rng(4)
    for size in (0, 1, 31, 32, 33, 5_000):
        path.write_bytes(random.bytes(size))
        assert list(log.read(path, code=code, dimensions=WIDE)) == []
        path.write_bytes(b"LFV1" + random.bytes(size))
        assert list(log.read(path, code=code, dimensions=WIDE)) == []
