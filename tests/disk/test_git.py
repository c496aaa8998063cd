from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from lettafs.disk import objects
from lettafs.disk.git import Git, Person
from lettafs.errors import HistoryProblem, UsageProblem

ADA = Person("Ada", "ada@lettafs.local")
WHEN = "2026-03-01T09:00:00+02:00"


def plain(root: Path, *command: str, stdin: bytes = b"") -> str:
    """Run the person's own git, as they would."""
    surroundings = {
        **os.environ,
        "GIT_AUTHOR_NAME": "Pat",
        "GIT_AUTHOR_EMAIL": "pat@example.com",
        "GIT_COMMITTER_NAME": "Pat",
        "GIT_COMMITTER_EMAIL": "pat@example.com",
        "GIT_EDITOR": "true",
    }
    done = subprocess.run(
        ["git", "-C", str(root), *command],
        input=stdin,
        capture_output=True,
        env=surroundings,
        timeout=30,
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.decode()


def write(root: Path, changes: dict[str, bytes | None]) -> dict[str, bytes | None]:
    for path, data in changes.items():
        if data is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return changes


def commit(git: Git, changes: dict[str, bytes | None], message: str = "Say more\n") -> str:
    made = git.commit(write(git.root, changes), message=message, author=ADA, when=WHEN)
    assert made is not None
    return made


def begun(tmp_path: Path) -> Git:
    git = Git(tmp_path)
    git.init()
    commit(git, {".gitignore": b"/.lettafs/\n", "memory/human.md": b"one\n"})
    return git


def clean(root: Path) -> bool:
    return plain(root, "status", "--porcelain") == ""


def test_a_fresh_directory_gets_a_repository_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    git = Git(tmp_path)
    assert git.available and not git.exists()
    assert git.state().unborn and git.state().settled
    assert git.log(limit=1) == [] if git.exists() else True
    git.init()
    assert git.exists()
    assert plain(tmp_path, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert plain(tmp_path, "config", "gc.auto") == "0\n"
    assert list((tmp_path / ".git").glob("hooks/*")) == []
    assert git.log(limit=None) == []
    config = (tmp_path / ".git" / "config").read_bytes()
    git.init()
    assert (tmp_path / ".git" / "config").read_bytes() == config


def test_a_commit_says_who_when_and_why(tmp_path: Path) -> None:
    git = begun(tmp_path)
    message = "Remember the dog\n\nIts name is Rex: a good one.\n\nLettafs-Run: run-1\nX: a\nX: b\n"
    made = commit(git, {"memory/human.md": b"one\ndog\n"}, message)
    (last, first) = git.log(limit=None)
    assert last.id == made == git.state().head
    assert last.parents == (first.id,)
    assert last.author == ADA
    assert last.time == WHEN
    assert last.subject == "Remember the dog"
    assert last.trailers == {"Lettafs-Run": "run-1", "X": "b"}
    raw = plain(tmp_path, "cat-file", "commit", made)
    assert "author Ada <ada@lettafs.local> 1772348400 +0200\n" in raw
    assert "committer Ada <ada@lettafs.local> 1772348400 +0200\n" in raw


def test_a_commit_holds_the_given_bytes_and_not_what_lies_in_the_directory(tmp_path: Path) -> None:
    git = begun(tmp_path)
    (tmp_path / "memory" / "human.md").write_bytes(b"half sav")
    (tmp_path / "memory" / "other.md").write_bytes(b"not given")
    made = git.commit({"memory/human.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    assert made is not None
    assert git.read(made, "memory/human.md") == b"two\n"
    assert sorted(git.files(made)) == [".gitignore", "memory/human.md"]


def test_no_change_is_no_commit_unless_asked_for(tmp_path: Path) -> None:
    git = begun(tmp_path)
    same: dict[str, bytes | None] = {"memory/human.md": b"one\n", "memory/none.md": None}
    assert git.commit(same, message="x", author=ADA, when=WHEN) is None
    assert git.commit({}, message="x", author=ADA, when=WHEN) is None
    assert git.commit({}, message="x", author=ADA, when=WHEN, allow_empty=True) is not None


def test_paths_of_any_kind_go_in_and_come_out(tmp_path: Path) -> None:
    names = [
        "memory/a b.md",
        "memory/ü/ñ.md",
        "memory/new\nline.md",
        "memory/:(top)x",
        "--",
        "a\\b",
    ]
    names += ["memory/tab\t\"q'.md", "memory/*.md", "-x", "memory/human.md.d/x", "z" * 200]
    git = begun(tmp_path)
    made = commit(git, {name: name.encode() for name in names})
    assert set(names) < set(git.files(made))
    assert git.read_many(made, names) == {name: name.encode() for name in names}
    assert clean(tmp_path)
    assert [change.path for change in git.changes(None, made, paths=["memory/*.md"])] == [
        "memory/*.md"
    ]
    assert git.blame(made, "memory/new\nline.md") == [
        (made, "memory/new"),
        (made, "line.md"),
    ]
    gone = commit(git, dict.fromkeys(names))
    assert sorted(git.files(gone)) == [".gitignore", "memory/human.md"]
    assert "memory/ü" not in plain(tmp_path, "ls-tree", "-r", "-t", "-z", "--name-only", gone)
    assert clean(tmp_path)


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", ".git/config", "a/.GIT/x", "", "a/", "a\0b"]
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    git = begun(tmp_path)
    with pytest.raises(UsageProblem):
        git.commit({path: b"x"}, message="x", author=ADA, when=WHEN)


def test_a_file_may_become_a_directory_and_back(tmp_path: Path) -> None:
    git = begun(tmp_path)
    first = git.commit(
        {"memory/human.md": None, "memory/human.md/deep/x.md": b"x"},
        message="x",
        author=ADA,
        when=WHEN,
    )
    assert first is not None
    assert "memory/human.md/deep/x.md" in git.files(first)
    second = git.commit({"memory/human.md": b"back"}, message="x", author=ADA, when=WHEN)
    assert second is not None
    assert sorted(git.files(second)) == [".gitignore", "memory/human.md"]
    assert plain(tmp_path, "fsck", "--strict") == ""


def test_modes_links_and_files_of_others_are_kept(tmp_path: Path) -> None:
    git = begun(tmp_path)
    (tmp_path / "run.sh").write_bytes(b"echo\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    plain(tmp_path, "add", "-A")
    plain(tmp_path, "commit", "-qm", "theirs")
    made = commit(git, {"run.sh": b"echo 2\n"})
    listed = plain(tmp_path, "ls-tree", "-r", made)
    assert "100755 blob" in listed and "120000 blob" in listed
    assert "link" not in git.files(made)
    assert git.read(made, "link") is None
    assert clean(tmp_path)


def test_somebody_elses_commit_at_this_moment_is_not_lost(tmp_path: Path) -> None:
    """The branch moves only from where it was when the commit was made."""
    git = begun(tmp_path)
    state = git.state()
    write(tmp_path, {"memory/theirs.md": b"x"})
    plain(tmp_path, "add", "-A")
    plain(tmp_path, "commit", "-qm", "theirs")
    theirs = git.state().head
    late = Git(tmp_path)
    late.state = lambda: state  # type: ignore[method-assign]  # what it saw before their commit
    with pytest.raises(HistoryProblem):
        late.commit({"memory/human.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    assert git.state().head == theirs
    assert not (tmp_path / ".lettafs" / "checkpoint.pending").exists()


def test_what_a_person_has_staged_stays_staged(tmp_path: Path) -> None:
    git = begun(tmp_path)
    write(tmp_path, {"memory/human.md": b"staged\n", "memory/new.md": b"new\n"})
    plain(tmp_path, "add", "-A")
    made = commit(git, {"memory/human.md": b"agent\n", "memory/b.md": b"b\n"})
    assert git.read(made, "memory/human.md") == b"agent\n"
    assert plain(tmp_path, "show", ":memory/human.md") == "staged\n"
    status = plain(tmp_path, "status", "--porcelain").splitlines()
    assert "A  memory/new.md" in status
    assert not [line for line in status if "memory/b.md" in line]


def test_a_staged_directory_where_a_file_is_committed_leaves_a_sound_index(tmp_path: Path) -> None:
    git = begun(tmp_path)
    write(tmp_path, {"memory/a/staged.md": b"x", "memory/f": b"x"})
    plain(tmp_path, "add", "-A")
    changes: dict[str, bytes | None] = {"memory/a": b"a file", "memory/f/deep.md": b"y"}
    assert git.commit(changes, message="x", author=ADA, when=WHEN)
    assert plain(tmp_path, "fsck", "--strict", "--no-dangling") == ""
    assert "memory/a/staged.md" in plain(tmp_path, "ls-files")


def test_a_change_within_one_tick_of_the_clock_is_still_seen_by_git(tmp_path: Path) -> None:
    """Bringing the index along must not make git trust what it had reason to doubt."""
    git = begun(tmp_path)
    plain(tmp_path, "config", "core.trustctime", "false")
    notes, index, moment = tmp_path / "notes.md", tmp_path / ".git" / "index", 10**18
    notes.write_bytes(b"aaaa")
    os.utime(notes, ns=(moment, moment))
    plain(tmp_path, "add", "notes.md")
    plain(tmp_path, "commit", "-qm", "theirs")
    os.utime(index, ns=(moment, moment))  # the index is as young as the file, and then
    with notes.open("r+b") as file:
        file.write(b"bbbb")
    os.utime(notes, ns=(moment, moment))  # the file changed, but not its size or time
    commit(git, {"memory/human.md": b"two\n"})
    assert plain(tmp_path, "status", "--porcelain").strip() == "M notes.md"


def test_a_locked_or_odd_index_of_a_person_is_left_alone(tmp_path: Path) -> None:
    git = begun(tmp_path)
    index = tmp_path / ".git" / "index"
    before = index.read_bytes()
    (tmp_path / ".git" / "index.lock").write_bytes(b"")
    commit(git, {"memory/human.md": b"two\n"})
    assert index.read_bytes() == before
    (tmp_path / ".git" / "index.lock").unlink()
    index.write_bytes(b"damaged")
    commit(git, {"memory/human.md": b"three\n"})
    assert index.read_bytes() == b"damaged"
    index.unlink()
    commit(git, {"memory/human.md": b"four\n"})
    assert clean(tmp_path)
    assert not (tmp_path / ".lettafs" / "git-index").exists()


def test_a_locked_branch_postpones_the_commit_and_names_the_lock(tmp_path: Path) -> None:
    git = begun(tmp_path)
    lock = tmp_path / ".git" / "HEAD.lock"
    lock.write_bytes(b"")
    with pytest.raises(HistoryProblem, match=r"HEAD\.lock"):
        git.commit({"memory/human.md": b"two\n"}, message="x", author=ADA, when=WHEN)
    assert git.heal() == []
    assert lock.exists()
    assert ("git-lock", ".git/HEAD.lock") in [(p.code, p.path) for p in git.problems()]
    lock.unlink()
    commit(git, {"memory/human.md": b"two\n"})


def test_our_own_stale_locks_are_healed_and_older_ones_are_not(tmp_path: Path) -> None:
    git = begun(tmp_path)
    marker = tmp_path / ".lettafs" / "checkpoint.pending"
    old = tmp_path / ".git" / "refs" / "heads" / "old.lock"
    old.write_bytes(b"")
    os.utime(old, (1, 1))
    marker.write_bytes(b"")
    for name in ("HEAD.lock", "refs/heads/main.lock", "packed-refs.lock"):
        (tmp_path / ".git" / name).write_bytes(b"")
    (tmp_path / ".git" / "index.lock").write_bytes(b"a person's")
    (tmp_path / ".git" / "objects" / "tmp_obj_abc").write_bytes(b"")
    assert sorted(git.heal()) == [
        ".git/HEAD.lock",
        ".git/packed-refs.lock",
        ".git/refs/heads/main.lock",
    ]
    assert old.exists()
    assert (tmp_path / ".git" / "index.lock").read_bytes() == b"a person's"
    assert not (tmp_path / ".git" / "objects" / "tmp_obj_abc").exists()
    assert not marker.exists()
    assert git.heal() == []
    (tmp_path / ".git" / "index.lock").unlink()
    private = tmp_path / ".lettafs" / "git-index"
    private.write_bytes(b"ours")
    os.link(private, tmp_path / ".git" / "index.lock")
    assert git.heal() == [".git/index.lock"]


def test_the_past_can_be_listed_compared_and_blamed(tmp_path: Path) -> None:
    git = begun(tmp_path)
    second = commit(git, {"memory/human.md": b"one\r\ntwo", "memory/b.md": b"b"})
    third = commit(git, {"memory/human.md": b"zero\none\r\ntwo", "memory/b.md": None})
    first = git.log(limit=None)[-1].id
    assert [c.id for c in git.log(limit=2)] == [third, second]
    assert [c.id for c in git.log(limit=None, paths=["memory/b.md"])] == [third, second]
    assert [c.id for c in git.log(limit=None, start=second)] == [second, first]
    (b, human) = git.changes(second, third)
    assert (b.path, b.after, human.before) == (
        "memory/b.md",
        None,
        git.files(second)["memory/human.md"],
    )
    assert git.blame(third, "memory/human.md") == [
        (third, "zero"),
        (first, "one\r"),  # only its line end changed
        (second, "two"),
    ]
    with pytest.raises(HistoryProblem):
        git.blame(third, "memory/b.md")
    assert git.read(third, "memory/b.md") is None
    assert git.read(third, "memory") is None


def test_a_persons_words_for_a_checkpoint_are_understood_and_nothing_else(tmp_path: Path) -> None:
    git = begun(tmp_path)
    first = git.state().head
    assert first is not None
    commit(git, {"memory/human.md": b"two\n"})
    for name in ("HEAD~1", "main^", first, first[:8], "main@{1}"):
        assert git.resolve(name) == first
    for name in ("nope", "--all", "-h", "HEAD:agent.toml", "a b", "HEAD\n", "", "x" * 300, "$(id)"):
        with pytest.raises(HistoryProblem):
            git.resolve(name)
    for call in (git.files, lambda name: git.log(limit=1, start=name)):
        with pytest.raises(HistoryProblem):
            call("--output=x")


def test_three_texts_are_joined_where_they_do_not_overlap(tmp_path: Path) -> None:
    git = Git(tmp_path)
    assert git.merge3(b"a\nb\nc\n", b"A\nb\nc\n", b"a\nb\nC\n") == (b"A\nb\nC\n", True)
    joined, whole = git.merge3(b"a\n", b"b\n", b"c\n")
    assert not whole
    assert joined == b"<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"
    assert git.merge3(b"\0a", b"\0b", b"\0c") == (b"\0b", False)
    assert list((tmp_path / ".lettafs").iterdir()) == []


def test_identity_comes_from_the_environment_then_the_repository_then_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    git = begun(home)
    assert git.identity() == Person("Owner", "owner@localhost")
    (user / ".gitconfig").write_text("[user]\n\tname = Pat\n\temail = pat@x.y\n", "utf-8")
    assert git.identity() == Person("Pat", "pat@x.y")
    plain(home, "config", "user.name", "Patricia")
    assert git.identity() == Person("Patricia", "pat@x.y")
    assert git.identity({"GIT_AUTHOR_NAME": "P", "GIT_AUTHOR_EMAIL": "p@p"}) == Person("P", "p@p")


def test_a_persons_odd_configuration_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    (user / "template" / "hooks").mkdir(parents=True)
    (user / "template" / "hooks" / "post-commit").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (user / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n\tquotePath = true\n\thooksPath = /nonexistent\n"
        "\tlogAllRefUpdates = false\n"
        "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /bin/false\n"
        f"[init]\n\ttemplateDir = {user}/template\n\tdefaultBranch = other\n"
        "[log]\n\tshowSignature = true\n\tdate = relative\n[format]\n\tpretty = oneline\n"
        "[diff]\n\trenames = copies\n\tnoprefix = true\n\texternal = /bin/false\n"
        "[merge]\n\tconflictStyle = diff3\n[feature]\n\tmanyFiles = true\n"
        "[blame]\n\tignoreRevsFile = /nonexistent\n\tdate = relative\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    home = tmp_path / "home"
    home.mkdir()
    git = begun(home)
    made = commit(git, {"memory/ü.md": b"a\r\nb\n"})
    assert git.state().branch == "main"
    assert git.read(made, "memory/ü.md") == b"a\r\nb\n"
    assert git.log(limit=1)[0].subject == "Say more"
    assert git.blame(made, "memory/ü.md") == [(made, "a\r"), (made, "b")]
    assert [change.path for change in git.changes(None, made)][-1] == "memory/ü.md"
    assert git.merge3(b"a\n", b"b\n", b"c\n")[0].count(b"|||||||") == 0
    git.pack()
    assert git.problems() == []


def test_packing_keeps_everything_and_commits_go_on(tmp_path: Path) -> None:
    git = begun(tmp_path)
    made = [commit(git, {"memory/human.md": b"%d\n" % n}) for n in range(5)]
    assert git.loose_count() > 10
    git.pack()
    assert git.loose_count() == 0
    assert not (tmp_path / ".git" / "refs" / "heads" / "main").exists()
    again = Git(tmp_path)
    assert again.state().head == made[-1]
    assert again.read(made[0], "memory/human.md") == b"0\n"
    commit(again, {"memory/human.md": b"more\n"})
    assert len(again.log(limit=None)) == 7
    assert again.problems() == []


def test_a_fork_has_the_whole_history_and_a_clean_status(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    git = begun(tmp_path / "a")
    git.pack()
    last = commit(git, {"memory/human.md": b"two\n"})
    git.copy_objects_to(tmp_path / "b", commit=last)
    fork = Git(tmp_path / "b")
    assert fork.state().head == last
    write(tmp_path / "b", {".gitignore": b"/.lettafs/\n", "memory/human.md": b"two\n"})
    assert clean(tmp_path / "b")
    assert len(fork.log(limit=None)) == 2
    assert fork.problems() == []
    with pytest.raises(HistoryProblem, match="history of its own"):
        git.copy_objects_to(tmp_path / "b", commit=last)


@pytest.mark.parametrize(
    "name, word",
    [
        ("shallow", "shallow"),
        ("objects/info/alternates", "borrows"),
        ("objects/pack/pack-1.promisor", "partial"),
    ],
)
def test_a_history_that_is_not_all_here_is_not_forked(tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    git = begun(tmp_path / "a")
    last = git.state().head
    assert last is not None
    place = tmp_path / "a" / ".git" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("/x\n", encoding="utf-8")
    with pytest.raises(HistoryProblem, match=f"{word}.*git fetch --unshallow"):
        git.copy_objects_to(tmp_path / "b", commit=last)
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", ".", "..", ".git", ".GIT", "x/y"])
def test_a_crafted_tree_is_a_damaged_history(tmp_path: Path, name: str) -> None:
    git = begun(tmp_path)
    blob = bytes.fromhex(git.files(str(git.state().head))["memory/human.md"])
    content = b"100644 " + name.encode() + b"\0" + blob
    raw = b"tree %d\0" % len(content) + content
    tree = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    place = tmp_path / ".git" / "objects" / tree[:2]
    place.mkdir(exist_ok=True)
    (place / tree[2:]).write_bytes(zlib.compress(raw))
    crafted = plain(tmp_path, "commit-tree", tree, "-m", "x").strip()
    plain(tmp_path, "update-ref", "HEAD", crafted)
    for ask in (
        lambda: git.files(crafted),
        lambda: git.read(crafted, "a/b"),
        lambda: git.commit({"a.md": b"a"}, message="x", author=ADA, when=WHEN),
    ):
        with pytest.raises(HistoryProblem, match="damaged"):
            ask()


@pytest.mark.parametrize(
    "raw",
    [
        b"100644 blob 1\t\0",
        b"100644 blob 1\tunknown/a\0",
        b"100644 blob 1\ta\0" + b"100644 blob 2\ta\0",
    ],
)
def test_an_odd_listing_is_a_damaged_history(raw: bytes) -> None:
    with pytest.raises(HistoryProblem, match="damaged"):
        objects.parse_listing(raw)


def test_a_failure_says_its_reason_without_hints(tmp_path: Path) -> None:
    git = begun(tmp_path)
    with pytest.raises(HistoryProblem) as caught:
        git.log(limit=1, start="1" * 40)
    assert "hint" not in str(caught.value)


def test_a_damaged_object_is_reported_and_nothing_is_deleted(tmp_path: Path) -> None:
    git = begun(tmp_path)
    made = commit(git, {"memory/human.md": b"two\n"})
    blob = git.files(made)["memory/human.md"]
    path = tmp_path / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(HistoryProblem):
        Git(tmp_path).read(made, "memory/human.md")
    assert any(p.code == "history-damaged" for p in git.problems())
    assert path.exists()


def test_importing_this_room_does_not_load_gitpython(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from lettafs.disk.git import Git; "
        f"g = Git(pathlib.Path({str(tmp_path)!r})); g.available; g.state(); "
        "sys.exit('git' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
