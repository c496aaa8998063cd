"""What holds of labels and paths for any label."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.format.layout import (
    block_path,
    folded,
    is_block_path,
    is_canonical,
    is_safe_label,
    path_label,
    segment_name,
    segment_number,
)

modest = settings(max_examples=150, deadline=None, database=None)

TRAPS = st.sampled_from(
    ["../x", "..", ".", "/abs", "//host/share", "C:\\x", "a\\b", "a//b", "a/", "", "   ", " a"]
    + ["a ", "a.", ".a", ".git", ".git/config", ".GIT", "git~1", "GIT~1/x", ".gitattributes"]
    + [".gitmodules", ".gitignore", "CON", "nul.md", "aux", "com1.txt", "a:b", "a\nb", "a\0b"]
    + ["a\u202eb", "a\u200bb", "\u00e9", "e\u0301", "Human", "human", "HUMAN", "ß", "SS", "ss"]
    + [
        "ſ",
        "s",
        "İ",
        "i",
        "ı",
        "I",
        "🙂",
        "x" * 300,
        "x" * 5000,
        "notes.md",
        "persona",
        "persona/x",
    ]
    + [
        "Persona/x",
        "persona/X",
        "index",
        "$VAR",
        "%2e%2e",
        "-rf",
        "a;b",
        "a|b",
        "con.x/..",
        "K",
        "K",
    ]
)
PIECES = st.sampled_from(
    ["/", ".", " ", "-", "~", ".md", "a", "A", "é", "e\u0301", "con", "日", "\\"]
)
LABELS = TRAPS | st.text(max_size=30) | st.lists(PIECES, max_size=12).map("".join)

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)


@modest
@given(labels=st.lists(LABELS, unique=True, max_size=12))
def test_labels_of_one_home_never_share_a_file_on_any_file_system(labels: list[str]) -> None:
    taken: list[str] = []
    for label in labels:
        taken.append(block_path(label, taken=taken))
    assert len({folded(path) for path in taken}) == len(labels)
    # One spelling a directory: else one of two would vanish where case is folded.
    directories = {path.rsplit("/", 1)[0] for path in taken}
    assert len({folded(directory) for directory in directories}) == len(directories)


@settings(modest, max_examples=400)
@given(label=LABELS)
def test_path_of_any_label_is_a_plain_file_in_memory_on_every_system(label: str) -> None:
    path = block_path(label)
    names = path.split("/")
    assert names[0] == "memory" and is_block_path(path) and is_canonical(path)
    assert unicodedata.normalize("NFC", path) == path
    assert len(path.encode()) <= 220 and all(len(name.encode()) <= 255 for name in names)
    for name in names:
        assert name not in ("", ".", "..") and name.isprintable()
        assert not re.search(r'[<>:"|?*\\\x00-\x1f\x7f]', name)
        assert name[0] not in ".- " and name[-1] not in ". "
        assert not RESERVED.fullmatch(name)
        assert not re.match(r"\.?git(~1)?([ .:]|$)", name, re.IGNORECASE) or name == "git.md"


@modest
@given(label=LABELS)
def test_safe_label_is_said_by_its_path_and_no_other_label_is(label: str) -> None:
    assert (path_label(block_path(label)) == label) is is_safe_label(label)


@modest
@given(label=LABELS, taken=st.lists(LABELS, max_size=5))
def test_path_is_a_pure_function(label: str, taken: list[str]) -> None:
    paths = [block_path(other) for other in taken]
    assert block_path(label, taken=paths) == block_path(label, taken=reversed(paths))


@modest
@given(path=st.text(max_size=30) | TRAPS.map("memory/{}.md".format))
def test_any_path_is_answered(path: str) -> None:
    is_block_path(path)
    path_label(path)
    folded(path)
    segment_number(path)
    if is_canonical(path):
        assert "\0" not in path and ".." not in path.split("/")
        assert not any(name.lower().startswith(".git") for name in path.split("/")[1:])


@modest
@given(text=st.text(max_size=20))
def test_folding_is_stable_and_blind_to_case_and_composition(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(unicodedata.normalize("NFD", text)) == folded(text)
    assert folded(text.lower().upper().casefold()) == folded(text.upper().lower().casefold())


@modest
@given(number=st.integers(1, 10**12))
def test_segments_sort_by_name_as_by_number_up_to_a_million(number: int) -> None:
    assert segment_number(segment_name(number)) == number
    if number < 999_999:
        assert segment_name(number) < segment_name(number + 1)
