from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lettafs.index.files.ignore import Here, here_at, is_rubbish, rules_of
from lettafs.index.files.patterns import parse, pattern
from lettafs.values.folder import Folder


def belongs(path: str, here: Here) -> bool:
    *above, name = path.split("/")
    for directory in above:
        inner = here.enter(directory)
        if inner is None:
            return False
        here = inner
    return here.has_file(name)


def rules(include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), git: str = "") -> Here:
    here = here_at(Folder("docs", "docs", include=include, exclude=exclude))
    return here.with_gitignore(git) if git else here


@pytest.mark.parametrize(
    "name",
    [".hidden", ".env", ".env.local", ".DS_Store", "id_rsa", "id_rsa.pub", "server.PEM", "a.key"]
    + ["vault.kdbx", "x.p12", "a.pyc", "a.o", "a.so", "notes.md~", "~$report.docx", "Thumbs.db"]
    + ["desktop.ini", "a.swp", "a.tmp", "film.crdownload", "film.part", "#notes#", "Icon\r"],
)
def test_rubbish_and_secrets_are_left_out_by_name(name: str) -> None:
    assert is_rubbish(name, is_directory=False)


@pytest.mark.parametrize(
    "name", ["a.md", "key", "pem.txt", "tmp", "photo.png", "a.bin", "#", "readme", "x.tmp.md", "ü"]
)
def test_other_files_are_not_left_out_by_default(name: str) -> None:
    assert not is_rubbish(name, is_directory=False)


def test_directories_of_programs_are_not_entered_and_others_are() -> None:
    here = rules()
    for name in (".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".x"):
        assert here.enter(name) is None, name
    for name in ("env", "target", "build", "a.tmp", "~$x", "docs"):
        assert here.enter(name) is not None, name


def test_include_leaves_out_what_it_does_not_fit() -> None:
    here = rules(include=("*.md", "data/**/*.csv", "/top.txt", "!draft.md"))
    for path in ("a.md", "x/y/a.md", "data/a.csv", "data/x/y/a.csv", "top.txt"):
        assert belongs(path, here), path
    for path in ("a.txt", "draft.md", "x/draft.md", "a.csv", "other/a.csv", "x/top.txt"):
        assert not belongs(path, here), path


def test_include_brings_back_only_what_it_spells() -> None:
    here = rules(include=(".env.example", "*.log", "*.docx", "secrets/", "*"), git="*.log\n*.txt\n")
    for path in (".env.example", "x/.env.example", "a.log", "x/a.log", "a.docx", "secrets/a.md"):
        assert belongs(path, here), path
    for path in (".env", "~$a.docx", "secrets/id_rsa", "a.txt", ".x/a.log", "a.pem"):
        assert not belongs(path, here), path


def test_a_directory_that_include_spells_is_entered_although_it_would_be_left_out() -> None:
    here = rules(include=(".github/**/*.md", "node_modules/", "/out/*.md", "*.txt"), git="/out/\n")
    for path in (".github/a.md", ".github/x/a.md", "node_modules/a.js", "out/a.md"):
        assert belongs(path, here), path
    for path in (".gitlab/a.txt", "out/x.js", "node_modules/.cache/a.js", "__pycache__/a.txt"):
        assert not belongs(path, here), path


def test_what_keeps_a_history_is_never_entered() -> None:
    here = rules(include=(".git/", ".git/config", ".lettafs/**", ".svn"))
    for path in (".git/config", ".lettafs/x", ".svn/a", "x/.git/config"):
        assert not belongs(path, here), path


def test_exclude_wins_over_include() -> None:
    here = rules(include=("*.md", ".env"), exclude=("old/", "*.draft.md", "!b.draft.md", ".env"))
    assert belongs("a.md", here) and belongs("b.draft.md", here)
    for path in ("old/a.md", "x/old/a.md", "a.draft.md", ".env"):
        assert not belongs(path, here), path


def test_directories_in_which_nothing_can_be_included_are_not_entered() -> None:
    here = rules(include=("docs/en/*.md", "a/**"))
    docs = here.enter("docs")
    assert here.enter("src") is None and docs is not None
    assert docs.enter("en") is not None and docs.enter("de") is None
    assert belongs("a/b/c/d", here)


def test_rules_are_the_same_only_for_folders_that_leave_out_the_same() -> None:
    one = Folder("a", "x", include=("*.md",))
    assert rules_of(one) == rules_of(Folder("b", "y", include=("*.md",)))
    for other in (
        Folder("a", "x"),
        Folder("a", "x", exclude=("*.md",)),
        Folder("a", "x", include=("*.md",), gitignore=False),
        Folder("a", "x", include=("*.md", "")),
    ):
        assert rules_of(one) != rules_of(other)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    patterns = parse("*a" * 60 + "*b\n" + "**/a/" * 60 + "b\n" + "[a]*" * 60 + "c\n")
    begun = time.process_time()
    for _ in range(20):
        assert patterns.decide("a" * 250, is_directory=False) is None
        here = patterns
        for _ in range(60):
            here = here.below("a")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "line", ["", "   ", "# x", "/", "!", "[a", "a\\", "[[:none:]]", "x" * 9999]
)
def test_a_line_that_can_fit_nothing_is_no_pattern(line: str) -> None:
    assert pattern(line) is None


# -- held against git itself -------------------------------------------------------------------

NAMES = st.sampled_from(
    ["a", "b", "foo", "a.log", "b.log", "x y", "[", "a]", "-", "!a", "#a", "\\"]
)
SEGMENTS = st.sampled_from(
    ["a", "b", "foo", "*", "**", "***", "*.log", "a*", "*o*", "?", "f?o", "[ab]", "[!a]", "[^b]*"]
    + ["[a-f]oo", "[]a]", "[!]a]", "[a", "[[:alpha:]]", "[[:digit:][:punct:]]", "[[:x:]]", "\\a"]
    + ["a\\", "\\#a", "\\!a", "x y", "[a-]", "[-a]", "[\\]]", "[[]", "a**o", "**o", "f**", "[x/b]"]
    + ["[[:a]", "\\*", "\\[", "[b-a]", ""]
)
LINES = st.builds(
    lambda bang, slash, parts, end, tail: bang + slash + "/".join(parts) + end + tail,
    st.sampled_from(["", "", "", "!", "!", "#"]),
    st.sampled_from(["", "", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
    st.sampled_from(["", "", "", " ", "\t", "\r", "\\ ", "  "]),
)
GITIGNORES = st.lists(LINES, max_size=5).map("\n".join)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def ours(root: Path, path: str) -> bool:
    here = Here(None, None)
    *above, name = path.split("/")
    at = root
    for directory in [None, *above]:
        if directory is not None:
            at /= directory
            if here._ignored(directory, True):
                return True
            # As `enter`, but for the defaults, which git does not have.
            here = Here(None, None, False, tuple(p.below(directory) for p in here.gitignores))
        if (at / ".gitignore").is_file():
            here = here.with_gitignore(os.fsdecode((at / ".gitignore").read_bytes()))
    return here._ignored(name, False)


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(st.sampled_from(["", "a/", "foo/", "a/b/", "foo/a/"]), GITIGNORES, min_size=1),
    st.sets(PATHS, min_size=8, max_size=20),
)
@example({"": "foo/**\n!foo/b\n"}, {"foo/a", "foo/b", "foo/b/a"})
@example({"": "*.log\n", "foo/": "!a/\n"}, {"foo/a/a.log", "a.log"})
@example({"": "a\t\nb \nfoo\\ \n"}, {"a", "b", "foo"})
@example({"": "\ufeffa\n!b\n/**/foo\nb/**/a\n"}, {"a", "x y/foo", "b/a", "b/foo/b/a"})
def test_gitignore_files_mean_what_they_mean_to_git(
    tmp_path_factory: pytest.TempPathFactory, gitignores: dict[str, str], paths: set[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    made = []
    for path in sorted(paths, key=len, reverse=True):
        file = root / path
        if not file.exists():
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
            except (FileExistsError, NotADirectoryError):
                continue
            made.append(path)
    for directory, text in gitignores.items():
        if (root / directory).is_dir():
            (root / directory / ".gitignore").write_bytes(text.encode())
    done = subprocess.run(
        ["git", "-C", str(root), "check-ignore", "-z", "--stdin", "--no-index"],
        input="\0".join(made).encode(),
        capture_output=True,
    )
    assert done.returncode in (0, 1), done.stderr
    git = set(filter(None, done.stdout.decode().split("\0")))
    assert {path for path in made if ours(root, path)} == git
