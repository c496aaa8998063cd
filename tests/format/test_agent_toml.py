"""agent.toml: every mistake in its place, every edit in place."""

from __future__ import annotations

import pytest

from lettafs.errors import FormatTooNew, NotAnAgent, UsageProblem
from lettafs.format.agent_toml import parse_agent, render_agent, with_settings
from lettafs.values.agent import AgentSettings, CompactionSettings, ModelSettings
from lettafs.values.rule import (
    ChildRule,
    ConditionalRule,
    ContinueRule,
    InitRule,
    MaxCountRule,
    ParentRule,
    RequiredBeforeExitRule,
    RequiresApprovalRule,
    TerminalRule,
)

ID = "agent-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"

FULL = AgentSettings(
    name='Ada "the first"\n\x7f',
    id=ID,
    type="memgpt_v2_agent",
    description="for tea",
    model="ollama/qwen3",
    base_url="http://127.0.0.1:1",
    embedding="openai/e",
    context_window=8192,
    timezone="Europe/Berlin",
    created_at="2026-03-01T09:00:00+00:00",
    tools=("a", "b"),
    tool_rules=(
        InitRule("a", {"x": 1}),
        InitRule("a"),
        ChildRule("a", ("b", "c")),
        ParentRule("a", ()),
        ConditionalRule("a", {"yes": "b"}, default_child="c", require_output_mapping=True),
        ConditionalRule("a", {}),
        ContinueRule("a"),
        TerminalRule("a"),
        MaxCountRule("a", 3),
        RequiredBeforeExitRule("a"),
        RequiresApprovalRule("a"),
    ),
    tags=("x",),
    max_steps=7,
    model_settings=ModelSettings(0.5, 100, "low", True, False, 30.0),
    extra={"mine": {"deep key": [1, 2.5, {"a": "b"}]}, "odd key": True},
)

COMMENTED = b"""# Ada, our helper
name = "Ada"  # never changes
odd = 0x1F

# How she is asked
[model_settings]
temperature = 0.2  # careful
mine = 1

# Order of tools
[[tool_rules]]
type = "exit_loop"   # the end
tool_name = "send_message"

[[tool_rules]]
type = "run_first"
tool_name = "greet"

# For us only
[ours]
x = 1
"""


def test_smallest_file_is_a_name() -> None:
    assert parse_agent(b'name = "ada"') == (AgentSettings(name="ada"), ())


@pytest.mark.parametrize("settings", [FULL, AgentSettings(name="ada")])
def test_fresh_file_reads_back_as_it_was_written(settings: AgentSettings) -> None:
    assert parse_agent(render_agent(settings)) == (settings, ())


def test_fresh_file_is_what_a_person_would_like_to_find() -> None:
    settings = AgentSettings(name="Ada", id=ID, model="ollama/qwen3", created_at="2026-03-01")
    assert render_agent(settings).decode() == (
        "# An agent of lettafs: its settings. What people write here stays as they wrote it.\n"
        "\n"
        "format = 1\n"
        f'id = "{ID}"\n'
        'name = "Ada"\n'
        'type = "letta_v1_agent"\n'
        'model = "ollama/qwen3"\n'
        'timezone = "UTC"\n'
        'created_at = "2026-03-01"\n'
        "\n"
        "# The tools the agent has, by name. Without it: those of its type.\n"
        "# tools = [...]\n"
        "\n"
        "# How the model is asked: temperature, max_output_tokens, reasoning_effort, ...\n"
        "[model_settings]\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("id = 5", 2, "`id` has to be a string"),
        ('id = "agent-1"', 2, "UUID"),
        ('type = "odd"', 2, "there is no agent type 'odd'"),
        ("\n\nmax_steps = true", 4, "`max_steps` has to be a whole number above 0"),
        ("max_steps = 0", 2, "`max_steps`"),
        ("'context_window' = 8.5", 2, "`context_window`"),
        ('tools = "a"', 2, "`tools` has to be an array of strings"),
        ('tools = ["a", 1]', 2, "`tools` has to be an array of strings only"),
        ('model = ""', 2, "`model` is empty"),
        ("model_settings = 1", 2, "`model_settings` has to be a table"),
        ("model_settings.think = 1", 2, "`model_settings.think` has to be true or false"),
        ("model_settings = {think = 1}", 2, "`model_settings.think`"),
        ("x = 1\n[model_settings]\n# c\ntemperature = nan", 5, "`model_settings.temperature`"),
        ("[other]\ntemperature = 1\n[ model_settings ] # c\ntimeout_s = -1", 5, "timeout_s"),
        ("compaction = 1", 2, "`compaction` has to be a table"),
        ('[compaction]\nmode = "some"', 3, "'some'; it counts as sliding_window"),
        ("[compaction]\n\nclip_chars = 0", 4, "`compaction.clip_chars`"),
        ("[compaction]\nsliding_window_percentage = 1", 3, "above 0 and below 1"),
        ("compaction.sliding_window_percentage = 30", 2, "above 0 and below 1"),
        ('[compaction]\nmodel = ""', 3, "`model` is empty"),
        ("tool_rules = 1", 2, "`tool_rules` has to be an array of tables"),
        ('[[tool_rules]]\ntype = "odd"\ntool_name = "a"', 2, "no tool rule of type 'odd'"),
        (
            '[[tool_rules]]\ntype="exit_loop"\ntool_name="a"\n[[tool_rules]]\ntype="exit_loop"',
            5,
            "tool rule 2 is left out: `tool_name` is missing",
        ),
        (
            '[[tool_rules]]\ntype="max_count_per_step"\ntool_name="a"\nmax_count_limit=0',
            2,
            "`max_count_limit`",
        ),
    ],
)
def test_wrong_value_is_a_problem_with_its_line_and_the_default_stands_in(
    text: str, line: int, word: str
) -> None:
    settings, problems = parse_agent(f'name = "ada"\n{text}\n'.encode())
    assert [problem.line for problem in problems] == [line]
    assert word in problems[0].message and problems[0].path == "agent.toml"
    assert settings.max_steps == 50 and settings.type == "letta_v1_agent"
    assert settings.model_settings == ModelSettings()
    assert settings.compaction == CompactionSettings()


def test_compaction_settings_are_read_written_and_changed_key_by_key() -> None:
    wanted = CompactionSettings("all", "Be brief.", 9_000, 0.5, "openai/small")
    fresh = render_agent(AgentSettings(name="ada", compaction=wanted))
    assert fresh.endswith(
        b'\n[compaction]\nmode = "all"\nprompt = "Be brief."\nclip_chars = 9000\n'
        b'sliding_window_percentage = 0.5\nmodel = "openai/small"\n'
    )
    assert parse_agent(fresh)[0].compaction == wanted
    kept = b'name = "ada"\n\n[compaction]\nmode = "all"  # all of it\nmine = 1\n'
    changed = with_settings(kept, {"compaction": CompactionSettings("all", clip_chars=500)})
    assert changed == kept + b"clip_chars = 500\n"
    assert b"clip_chars" not in with_settings(changed, {"compaction": CompactionSettings("all")})


def test_good_values_beside_a_wrong_one_are_used() -> None:
    settings, problems = parse_agent(
        b'name = "ada"\ntools = ["a", 1, "a", "b"]\nmax_steps = 5\ntimezone = 1\n'
        b"created_at = 2026-03-01\n"
    )
    assert (settings.tools, settings.max_steps, settings.timezone) == (("a", "b"), 5, "UTC")
    assert settings.created_at == "2026-03-01"
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "`name` is missing"),
        (b"# c\nname = 5", "agent.toml:2: `name`"),
        (b'name = " "', "agent.toml:1: `name`"),
        (b'name = "a"\nx = [', "agent.toml:2: it is not valid TOML"),
        (b'name = "a"\nname = "b"\n', "agent.toml:2: it is not valid TOML"),
        (b'name = "a"\n# \xff', "agent.toml:2: it is not UTF-8"),
        (b'\xef\xbb\xbfname = "a"', "byte order mark"),
        (b'name = "a"\nx = ' + b"[" * 50_000, "nested too deeply"),
        (b'name = "a"\n' + b"a." * 40 + b"b = 1", "agent.toml:2: a key has at most 32 parts"),
        (b'name = "a"\nx = ' + b"9" * 5000, "impossible"),
        (b"#" * 200_000, "at most 131072"),
        (b'name = "a"\nformat = "1"', "agent.toml:2: `format`"),
        (b'name = "a"\nformat = 0', "no format 0"),
    ],
)
def test_file_that_names_no_agent_is_refused_with_the_place(data: bytes, word: str) -> None:
    with pytest.raises(NotAnAgent, match=word):
        parse_agent(data)
    if word != "`name` is missing" and "`name`" not in word:
        with pytest.raises(NotAnAgent, match=word):
            with_settings(data, {"id": ID})


def test_newer_format_is_refused_before_anything_else_is_looked_at() -> None:
    with pytest.raises(FormatTooNew, match="format 2 is newer"):
        parse_agent(b"format = 2\nname = 5\n")
    with pytest.raises(FormatTooNew):
        with_settings(b"format = 2\n", {"id": ID})


def test_change_touches_its_own_key_and_nothing_else() -> None:
    changed = with_settings(
        COMMENTED,
        {
            "name": "Bob",
            "id": ID,
            "model_settings.temperature": 0.5,
            "model_settings.think": True,
            "tools": ("a", "b"),
            "odd": 31,
        },
    )
    expected = COMMENTED.decode()
    expected = expected.replace('"Ada"', '"Bob"').replace("0.2", "0.5")
    expected = expected.replace("0x1F\n", f'0x1F\nid = "{ID}"\ntools = ["a", "b"]\n')
    expected = expected.replace("mine = 1\n", "mine = 1\nthink = true\n")
    assert changed.decode() == expected


def test_rules_that_stay_keep_their_comments_and_so_does_what_follows() -> None:
    changed = with_settings(
        COMMENTED, {"tool_rules": (TerminalRule("send_message"), MaxCountRule("x", 2))}
    )
    old = 'type = "run_first"\ntool_name = "greet"\n'
    new = 'type = "max_count_per_step"\ntool_name = "x"\nmax_count_limit = 2\n'
    assert changed.decode() == COMMENTED.decode().replace(old, new)
    gone = with_settings(COMMENTED, {"tool_rules": None}).decode()
    assert "# Order of tools\n" in gone and "\n# For us only\n[ours]\n" in gone
    assert parse_agent(gone.encode())[0].tool_rules == ()


def test_model_settings_as_a_value_leave_unknown_keys_there() -> None:
    changed = with_settings(COMMENTED, {"model_settings": ModelSettings(think=False)}).decode()
    assert changed == COMMENTED.decode().replace(
        "temperature = 0.2  # careful\nmine = 1\n", "mine = 1\nthink = false\n"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "Ada"},
        {"model_settings.temperature": 0.2},
        {"gone": None},
        {"gone.too": None},
        {"tool_rules": (TerminalRule("send_message"), InitRule("greet"))},
    ],
)
def test_change_that_changes_nothing_leaves_the_bytes_alone(changes: dict[str, object]) -> None:
    assert with_settings(COMMENTED, changes) == COMMENTED


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        (b'name = "a"', {"id": ID}, f'name = "a"\nid = "{ID}"\n'),
        (
            b'name = "a"\r\n\r\n[m]\r\nx = 1\r\n',
            {"k": 1},
            'name = "a"\r\nk = 1\r\n\r\n[m]\r\nx = 1\r\n',
        ),
        (
            b'name = "a"\n',
            {"model_settings.think": True},
            'name = "a"\n\n[model_settings]\nthink = true\n',
        ),
        (b'name = "a"\nk = 1 # c\n', {"k": None}, 'name = "a"\n'),
        (b'name = "a"\n[t]\nx = 1\n# c\n', {"t.x": None}, 'name = "a"\n[t]\n# c\n'),
    ],
)
def test_change_is_made_in_the_file_s_own_form(
    before: bytes, changes: dict[str, object], after: str
) -> None:
    assert with_settings(before, changes).decode() == after


def test_file_that_would_come_out_in_another_order_is_left_alone() -> None:
    data = b'name = "a"\n[[mine]]\n[t.sub]\n[[mine]]\n'
    with pytest.raises(UsageProblem, match="change it by hand"):
        with_settings(data, {"name": "b"})
    assert with_settings(data, {"max_steps": 5}) == data.replace(b"[[", b"max_steps = 5\n[[", 1)


def test_key_inside_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(UsageProblem, match="`name` is not a table"):
        with_settings(COMMENTED, {"name.first": "x"})
