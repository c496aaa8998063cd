"""The tools that change core memory, as a model uses them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lettafs.disk.git import Git
from lettafs.values.message import ToolReturn
from tests.support.talk import Talk, call, calls, talk_with, text
from tests.support.trees import tree_of

ALL = (
    'tools = ["core_memory_append", "core_memory_replace", "memory_replace", "memory_insert",'
    ' "memory_rethink", "memory"]\n'
)


def use(
    root: Path, *made: tuple[str, dict[str, Any]], human: str = "Her name is Chad.", **more: str
) -> tuple[Talk, list[ToolReturn]]:
    """Let an agent make these calls, one a step, on a block `human` with this value."""
    header = more.get("header", "")
    shown = f"---\n{header}---\n{human}" if header else human
    home = f"--- memory/human.md\n{shown}\n\\ no line feed\n" + more.get("home", "")
    script = [call(name, **arguments) for name, arguments in made]
    talk = talk_with(root, *script, text("Done."), home=home, settings=ALL)
    answer = talk.say()
    assert answer.stop_reason == "end_turn"
    return talk, talk.returns()


def one(root: Path, name: str, human: str = "Her name is Chad.", **arguments: Any) -> ToolReturn:
    """Let an agent make one call on the block `human`, and return what it gave."""
    _, (returned,) = use(root, (name, {"label": "human", **arguments}), human=human)
    return returned


def value_after(root: Path) -> str:
    return (root / "memory/human.md").read_bytes().decode()


# -- each tool, once as it should be used ---------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        ("Her name is Chad.", "Her name is Chad.\nLikes tea."),
        ("Her name is Chad.\n", "Her name is Chad.\nLikes tea."),
        ("", "Likes tea."),
        ("a\r\nb", "a\r\nb\r\nLikes tea."),
    ],
)
def test_append_puts_a_line_at_the_end(before: str, after: str, tmp_path: Path) -> None:
    returned = one(tmp_path, "core_memory_append", before, content="Likes tea.")

    assert (returned.status, returned.text) == ("success", after)
    assert value_after(tmp_path) == after


def test_core_memory_replace_replaces_every_occurrence(tmp_path: Path) -> None:
    returned = one(
        tmp_path, "core_memory_replace", "tea, tea.", old_content="tea", new_content="milk"
    )

    assert (returned.status, returned.text) == ("success", "milk, milk.")


def test_core_memory_replace_with_nothing_deletes(tmp_path: Path) -> None:
    one(tmp_path, "core_memory_replace", "a tea b", old_content=" tea", new_content="")

    assert value_after(tmp_path) == "a b"


def test_memory_replace_returns_the_new_value(tmp_path: Path) -> None:
    returned = one(tmp_path, "memory_replace", old_string="Chad", new_string="Sarah")

    assert (returned.status, returned.text) == ("success", "Her name is Sarah.")


def test_memory_replace_with_nothing_deletes(tmp_path: Path) -> None:
    one(tmp_path, "memory_replace", old_string=" is Chad", new_string="")

    assert value_after(tmp_path) == "Her name."


@pytest.mark.parametrize(
    "line, after",
    [
        (0, "new\na\nb\nc"),
        (1, "a\nnew\nb\nc"),
        (3, "a\nb\nc\nnew"),
        (-1, "a\nb\nc\nnew"),
        (None, "a\nb\nc\nnew"),
    ],
)
def test_memory_insert_puts_a_line_where_asked(
    line: int | None, after: str, tmp_path: Path
) -> None:
    where = {} if line is None else {"insert_line": line}
    returned = one(tmp_path, "memory_insert", "a\nb\nc", new_string="new", **where)

    assert (returned.status, returned.text) == ("success", after)


def test_memory_insert_into_an_empty_block_is_its_value(tmp_path: Path) -> None:
    assert one(tmp_path, "memory_insert", "", new_string="First.").text == "First."


def test_memory_insert_counts_lines_as_the_file_has_them(tmp_path: Path) -> None:
    before = "a\u2028still a\x0cand a\nb"

    returned = one(tmp_path, "memory_insert", before, new_string="new", insert_line=1)

    assert returned.text == "a\u2028still a\x0cand a\nnew\nb"


def test_memory_rethink_rewrites_the_block(tmp_path: Path) -> None:
    returned = one(tmp_path, "memory_rethink", new_memory="All new.\n")

    assert (returned.status, returned.text) == ("success", "All new.\n")


# -- what is refused, and with which words ---------------------------------------------------------


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("core_memory_append", {"content": "x"}),
        ("core_memory_replace", {"old_content": "a", "new_content": "b"}),
        ("memory_replace", {"old_string": "a", "new_string": "b"}),
        ("memory_insert", {"new_string": "x"}),
        ("memory_rethink", {"new_memory": "x"}),
    ],
)
def test_unknown_label_is_answered_with_the_labels_there_are(
    name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    _, (returned,) = use(tmp_path, (name, {"label": "Human", **arguments}))

    assert returned.status == "error"
    assert returned.text == (
        "There is no memory block labelled 'Human'. Your blocks: human, persona."
    )


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("core_memory_append", {"label": "human", "content": "x"}),
        ("core_memory_replace", {"label": "human", "old_content": "a", "new_content": "b"}),
        ("memory_replace", {"label": "human", "old_string": "a", "new_string": "b"}),
        ("memory_insert", {"label": "human", "new_string": "x"}),
        ("memory_rethink", {"label": "human", "new_memory": "x"}),
        ("memory", {"command": "delete", "path": "/memories/human"}),
        (
            "memory",
            {"command": "rename", "old_path": "/memories/human", "new_path": "/memories/h"},
        ),
        ("memory", {"command": "rename", "path": "/memories/human", "description": "New."}),
        ("memory", {"command": "insert", "path": "/memories/human", "insert_text": "x"}),
        (
            "memory",
            {"command": "str_replace", "path": "/memories/human", "old_string": "a"},
        ),
    ],
)
def test_read_only_block_is_left_alone_by_every_tool(
    name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    _, (returned,) = use(tmp_path, (name, arguments), human="a", header="read_only: true\n")

    assert returned.status == "error"
    assert "read-only" in returned.text
    assert value_after(tmp_path) == "---\nread_only: true\n---\na"


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("core_memory_append", {"content": "x" * 30}),
        ("core_memory_replace", {"old_content": "Chad", "new_content": "x" * 30}),
        ("memory_replace", {"old_string": "Chad", "new_string": "x" * 30}),
        ("memory_insert", {"new_string": "x" * 30}),
        ("memory_rethink", {"new_memory": "x" * 45}),
    ],
)
def test_growing_beyond_the_limit_is_refused_with_what_to_do(
    name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    _, (returned,) = use(tmp_path, (name, {"label": "human", **arguments}), header="limit: 40\n")

    assert returned.status == "error"
    assert "its limit is 40" in returned.text
    assert "Shorten or remove something in it first" in returned.text
    assert value_after(tmp_path).endswith("---\nHer name is Chad.")


def test_block_over_its_limit_may_shrink_and_change_but_not_grow(tmp_path: Path) -> None:
    _, (shrunk, same, grown) = use(
        tmp_path,
        ("memory_replace", {"label": "human", "old_string": "aaaaa", "new_string": "bb"}),
        ("memory_replace", {"label": "human", "old_string": "bb", "new_string": "cc"}),
        ("memory_insert", {"label": "human", "new_string": "x"}),
        human="aaaaa and much more than ten characters",
        header="limit: 10\n",
    )

    assert [shrunk.status, same.status, grown.status] == ["success", "success", "error"]


def test_limit_counts_characters_and_not_bytes(tmp_path: Path) -> None:
    _, (fits, over) = use(
        tmp_path,
        ("memory_rethink", {"label": "human", "new_memory": "🌍" * 40}),
        ("memory_insert", {"label": "human", "new_string": "x"}),
        header="limit: 40\n",
    )

    assert [fits.status, over.status] == ["success", "error"]


@pytest.mark.parametrize("numbered", ["1→ Her name", "Chad\n  12→x"])
@pytest.mark.parametrize(
    "name, field", [("memory_replace", "new_string"), ("memory_insert", "new_string")]
)
def test_line_numbers_of_a_display_are_refused(
    name: str, field: str, numbered: str, tmp_path: Path
) -> None:
    arguments = {"old_string": "Chad", "new_string": "x"} if name == "memory_replace" else {}

    returned = one(tmp_path, name, **{**arguments, field: numbered})

    assert returned.status == "error"
    assert "Line numbers are for display only" in returned.text
    assert value_after(tmp_path) == "Her name is Chad."


def test_missing_text_is_answered_with_the_block_as_it_reads(tmp_path: Path) -> None:
    _, backs = use(
        tmp_path,
        ("memory_replace", {"label": "human", "old_string": "Sarah", "new_string": "x"}),
        ("core_memory_replace", {"label": "human", "old_content": "Sarah", "new_content": "x"}),
    )

    for returned in backs:
        assert returned.text == (
            "The text 'Sarah' is not in the block 'human'. It must match exactly. The block now "
            "reads:\nHer name is Chad."
        )


def test_ambiguous_text_is_answered_with_its_lines(tmp_path: Path) -> None:
    returned = one(
        tmp_path, "memory_replace", "tea\nmilk\ntea\ntea tea", old_string="tea", new_string="x"
    )

    assert returned.status == "error"
    assert "occurs 4 times in the block 'human' (lines 1, 3, 4)" in returned.text


def test_text_on_many_lines_is_answered_with_the_first_of_them_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()

    returned = one(tmp_path, "memory_replace", "x\n" * 3_000, old_string="x", new_string="y")

    assert "occurs 3000 times" in returned.text
    assert "(lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2990 more)" in returned.text
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("memory_replace", {"old_string": "", "new_string": "x"}),
        ("core_memory_replace", {"old_content": "", "new_content": "x"}),
    ],
)
def test_empty_text_to_replace_is_refused(
    name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    assert "is empty" in one(tmp_path, name, **arguments).text


@pytest.mark.parametrize("line", [-2, 2, 10**18])
def test_line_out_of_range_is_refused_with_the_range(line: int, tmp_path: Path) -> None:
    returned = one(tmp_path, "memory_insert", new_string="x", insert_line=line)

    assert "insert_line must lie in [0, 1], or be -1" in returned.text


def test_rewrite_of_a_block_somebody_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    rewrite = call("memory_rethink", label="human", new_memory="Rewritten.")
    talk = talk_with(tmp_path, text("Hi."), rewrite, rewrite, text("Done."), settings=ALL)
    talk.say()
    stream = talk.model.stream

    def edited_meanwhile(request: Any) -> Any:
        (tmp_path / "memory/human.md").write_text("Edited by a person.", encoding="utf-8")
        talk.model.stream = stream  # type: ignore[method-assign]
        return stream(request)

    talk.model.stream = edited_meanwhile  # type: ignore[method-assign]
    talk.say("Tidy up.")

    refused, done = talk.returns()
    assert refused.status == "error"
    assert "It now reads:\nEdited by a person." in refused.text
    assert done.status == "success"  # the second time it knew
    assert [entry.subject for entry in talk.agent.log(2)][1] == "Edit human"


def test_small_edit_keeps_what_a_person_saved_meanwhile(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Hi."),
        call("memory_replace", label="human", old_string="Chad", new_string="Sarah"),
        text("Done."),
    )
    talk.say()
    stream = talk.model.stream

    def edited_meanwhile(request: Any) -> Any:
        block = tmp_path / "memory/human.md"
        block.write_text(block.read_text(encoding="utf-8") + "Likes tea.\n", encoding="utf-8")
        talk.model.stream = stream  # type: ignore[method-assign]
        return stream(request)

    talk.model.stream = edited_meanwhile  # type: ignore[method-assign]
    talk.say("I am Sarah.")

    assert talk.value() == "Her name is Sarah.\nLikes tea.\n"


def test_edit_then_rewrite_in_one_step_is_the_agents_own_business(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        calls(
            ("memory_insert", {"label": "human", "new_string": "x"}),
            ("memory_rethink", {"label": "human", "new_memory": "All new."}),
        ),
        text("Done."),
        settings=ALL,
    )

    talk.say()

    assert talk.value() == "All new."


# -- line ends, tabs -------------------------------------------------------------------------------


def test_block_with_crlf_takes_edits_with_lf_and_keeps_its_line_ends(tmp_path: Path) -> None:
    _, backs = use(
        tmp_path,
        ("memory_replace", {"label": "human", "old_string": "a\nb", "new_string": "a\nB"}),
        ("core_memory_replace", {"label": "human", "old_content": "B\nc", "new_content": "B\nC"}),
        ("memory_insert", {"label": "human", "new_string": "x\r\ny\nz", "insert_line": 1}),
        human="a\r\nb\r\nc\r\n",
    )

    assert [returned.status for returned in backs] == ["success"] * 3
    assert value_after(tmp_path) == "a\r\nx\r\ny\r\nz\r\nB\r\nC\r\n"


def test_block_with_both_line_ends_is_matched_as_it_stands(tmp_path: Path) -> None:
    returned = one(tmp_path, "memory_replace", "a\r\nb\nc", old_string="b\nc", new_string="B\r\nC")

    assert (returned.status, value_after(tmp_path)) == ("success", "a\r\nB\r\nC")


@pytest.mark.parametrize("written", ["c       d", "c d", "b\n c d"])
def test_text_that_differs_in_its_tabs_is_refused_with_that(written: str, tmp_path: Path) -> None:
    before = "a\tb\r\n\tc\td"
    _, (refused, exact) = use(
        tmp_path,
        ("memory_replace", {"label": "human", "old_string": written, "new_string": "e"}),
        ("memory_replace", {"label": "human", "old_string": "c\td", "new_string": "c\tD"}),
        human=before,
    )

    assert refused.status == "error"
    assert "Only its tabs and spaces differ" in refused.text
    assert refused.text.endswith(f"The block now reads:\n{before}")
    assert exact.text == "a\tb\r\n\tc\tD"  # no tab but those of the text was looked at


# -- the tool `memory` ---------------------------------------------------------------------------


def omni(root: Path, *commands: dict[str, Any], home: str = "") -> tuple[Talk, list[ToolReturn]]:
    return use(root, *[("memory", command) for command in commands], home=home)


def test_memory_creates_a_block_with_its_description(tmp_path: Path) -> None:
    _, (made,) = omni(
        tmp_path,
        {
            "command": "create",
            "path": "/memories/projects/rome",
            "description": "A trip.",
            "file_text": "In May.\n",
        },
    )

    assert made.status == "success"
    assert tree_of(tmp_path, "memory/projects") == (
        "--- memory/projects/rome.md\n---\ndescription: A trip.\n---\nIn May.\n"
    )


@pytest.mark.parametrize(
    "path",
    ["/memories/trip", "memories/trip", "trip", "/trip", "/memories/trip.md", "/memories/trip/"],
)
def test_memory_takes_a_path_in_any_of_its_spellings(path: str, tmp_path: Path) -> None:
    talk, backs = omni(
        tmp_path,
        {"command": "create", "path": path, "description": "A trip.", "file_text": "a"},
        {"command": "str_replace", "path": path, "old_string": "a", "new_string": "b"},
        {"command": "insert", "path": path, "insert_line": 0, "insert_text": "c"},
    )

    assert [returned.status for returned in backs] == ["success"] * 3
    assert talk.value("trip") == "c\nb"


def test_memory_label_with_slashes_works_with_every_command(tmp_path: Path) -> None:
    path = "/memories/projects/rome/food"
    talk, backs = omni(
        tmp_path,
        {"command": "create", "path": path, "description": "d", "file_text": "pizza"},
        {"command": "str_replace", "path": path, "old_string": "pizza", "new_string": "pasta"},
        {"command": "insert", "path": path, "insert_text": "gelato"},
        {"command": "rename", "path": path, "description": "What we ate."},
        {"command": "rename", "old_path": path, "new_path": "/memories/projects/food"},
        {"command": "delete", "path": "/memories/projects/food"},
    )

    assert [returned.status for returned in backs] == ["success"] * 6
    assert backs[2].text == "pasta\ngelato"
    assert [block.label for block in talk.agent.blocks()[0]] == ["human", "persona"]
    changed = [change.label for change in talk.agent.log(1)[0].changes]
    assert changed == []  # made and gone within one turn


def test_memory_renames_with_value_and_header_kept(tmp_path: Path) -> None:
    _, (renamed,) = omni(
        tmp_path,
        {"command": "rename", "old_path": "/memories/trip", "new_path": "/memories/rome"},
        home="--- memory/trip.md\n---\ndescription: d # why\nmood: good\n---\nIn May.\n",
    )

    assert renamed.status == "success"
    assert tree_of(tmp_path, "memory/rome", "memory/trip") == (
        "--- memory/rome.md\n---\ndescription: d # why\nmood: good\n---\nIn May.\n"
    )


@pytest.mark.parametrize(
    "command, words",
    [
        ({"command": "create", "path": "/memories/x"}, "needs description"),
        ({"command": "create", "description": "d"}, "needs path"),
        ({"command": "create", "path": "/memories/", "description": "d"}, "names no block"),
        ({"command": "create", "path": "/memories/human", "description": "d"}, "already there"),
        ({"command": "str_replace", "path": "/memories/human"}, "needs old_string"),
        ({"command": "insert", "path": "/memories/human"}, "needs insert_text"),
        ({"command": "delete"}, "needs path"),
        ({"command": "delete", "path": "/memories/nobody"}, "Your blocks: human, persona"),
        ({"command": "rename", "path": "/memories/human"}, "needs description"),
        ({"command": "rename", "old_path": "/memories/human"}, "needs new_path"),
        ({"command": "rename", "new_path": "/memories/x"}, "needs old_path"),
        (
            {"command": "rename", "old_path": "/memories/human", "new_path": "/memories/persona"},
            "already there",
        ),
        (
            {"command": "rename", "old_path": "/memories/human", "new_path": "/"},
            "names no block",
        ),
        ({"command": "view", "path": "/memories/human"}, "must be one of create, str_replace"),
    ],
)
def test_memory_command_that_makes_no_sense_is_answered(
    command: dict[str, Any], words: str, tmp_path: Path
) -> None:
    talk, (returned,) = omni(tmp_path, command)

    assert returned.status == "error"
    assert words in returned.text
    assert talk.value() == "Her name is Chad."
    assert [block.label for block in talk.agent.blocks()[0]] == ["human", "persona"]


@pytest.mark.parametrize(
    "path",
    ["/memories/../../etc/passwd", "/memories/.git/config", "/memories/con", "/memories/a:b"],
)
def test_no_path_leads_out_of_memory(path: str, tmp_path: Path) -> None:
    root = tmp_path / "ada"
    talk, (made,) = omni(
        root, {"command": "create", "path": path, "description": "d", "file_text": "x"}
    )

    assert made.status == "success"
    (block,) = [block for block in talk.agent.blocks()[0] if block.value == "x"]
    assert block.path.startswith("memory/") and ".." not in block.path
    assert [entry.name for entry in tmp_path.iterdir()] == ["ada"]


def test_created_block_within_default_limit_and_beyond(tmp_path: Path) -> None:
    _, (fits, over) = omni(
        tmp_path,
        {"command": "create", "path": "a", "description": "d", "file_text": "x" * 20_000},
        {"command": "create", "path": "b", "description": "d", "file_text": "x" * 20_001},
    )

    assert [fits.status, over.status] == ["success", "error"]
    assert "its limit is 20000" in over.text


def test_broken_block_is_left_alone_with_words(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Hi."),
        call("memory_insert", label="human", new_string="x"),
        text("Done."),
    )
    talk.say()
    broken = b"---\ndescription: [a\n---\nHer name is Chad.\n"
    (tmp_path / "memory/human.md").write_bytes(broken)

    talk.say("Again.")

    assert talk.returns()[0].status == "error"
    assert "a person has to mend the file" in talk.returns()[0].text
    assert (tmp_path / "memory/human.md").read_bytes() == broken


@pytest.mark.parametrize(
    "command",
    [
        {"command": "delete", "path": "/memories/human"},
        {"command": "rename", "old_path": "/memories/human", "new_path": "/memories/them"},
    ],
)
def test_broken_block_is_neither_deleted_nor_renamed(
    command: dict[str, Any], tmp_path: Path
) -> None:
    script = [text("Hi."), call("memory", **command), text("Done.")]
    talk = talk_with(tmp_path, *script, settings=ALL)
    talk.say()
    broken = b"---\ndescription: [a\n---\nHer name is Chad.\n"
    (tmp_path / "memory/human.md").write_bytes(broken)

    assert talk.say("Again.").text == "Done."

    (returned,) = talk.returns()
    assert returned.status == "error"
    assert "memory/human.md" in returned.text
    assert (tmp_path / "memory/human.md").read_bytes() == broken
    assert not (tmp_path / "memory/them.md").exists()


@pytest.mark.parametrize("there", [True, False])
def test_deletion_speaks_of_the_history_only_where_there_is_one(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not there:
        monkeypatch.setattr(Git, "available", property(lambda git: False))

    _, (deleted,) = omni(tmp_path, {"command": "delete", "path": "/memories/human"})

    back = " It can be brought back from the history." if there else ""
    assert deleted.text == f"Deleted the block 'human'.{back}"


@pytest.mark.parametrize(
    "command",
    [
        {"command": "create", "path": "plans/2026", "description": "d", "file_text": "x"},
        {"command": "rename", "old_path": "human", "new_path": "plans/2026"},
    ],
)
def test_file_in_the_way_of_a_folder_does_not_end_the_run(
    command: dict[str, Any], tmp_path: Path
) -> None:
    talk, (made,) = omni(tmp_path, command, home="--- memory/plans\nNot a block.\n")

    assert made.status == "success"  # its file has a name beside the one in the way
    assert "plans/2026" in [block.label for block in talk.agent.blocks()[0]]
    assert (tmp_path / "memory/plans").read_text(encoding="utf-8") == "Not a block.\n"


def test_link_in_the_place_of_memory_is_answered_and_the_run_goes_on(tmp_path: Path) -> None:
    create = {"command": "create", "path": "a", "description": "d", "file_text": "x"}
    root, elsewhere = tmp_path / "ada", tmp_path / "elsewhere"
    talk = talk_with(root, text("Hi."), call("memory", **create), text("Done."), settings=ALL)
    talk.say()
    (root / "memory").rename(elsewhere)
    (root / "memory").symlink_to(elsewhere)

    assert talk.say("Again.").text == "Done."

    (refused,) = talk.returns()
    assert refused.status == "error"
    assert "nothing is written through it" in refused.text
    assert sorted(path.name for path in elsewhere.iterdir()) == ["human.md", "persona.md"]
