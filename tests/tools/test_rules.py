"""Tool rules in agent.toml, as they hold a model."""

from __future__ import annotations

from pathlib import Path

from tests.support.talk import Talk, call, calls, talk_with, text

NINE = """
[[tool_rules]]
type = "run_first"
tool_name = "conversation_search"
args = { limit = 1 }
[[tool_rules]]
type = "constrain_child_tools"
tool_name = "conversation_search"
children = ["archival_memory_search", "memory_insert"]
[[tool_rules]]
type = "parent_last_tool"
tool_name = "archival_memory_search"
children = ["archival_memory_insert"]
[[tool_rules]]
type = "conditional"
tool_name = "memory_replace"
child_output_mapping = { done = "memory_insert", "not yet" = "conversation_search" }
default_child = "memory_insert"
[[tool_rules]]
type = "continue_loop"
tool_name = "memory_insert"
[[tool_rules]]
type = "exit_loop"
tool_name = "memory_rethink"
[[tool_rules]]
type = "max_count_per_step"
tool_name = "memory_insert"
max_count_limit = 2
[[tool_rules]]
type = "required_before_exit"
tool_name = "conversation_search"
[[tool_rules]]
type = "requires_approval"
tool_name = "memory_replace"
"""


def rule(kind: str, name: str, **fields: str) -> str:
    more = "".join(f"{key} = {value}\n" for key, value in fields.items())
    return f'[[tool_rules]]\ntype = "{kind}"\ntool_name = "{name}"\n{more}'


def note(words: str) -> dict[str, object]:
    return call("memory_insert", label="human", new_string=words)


def offered(talk: Talk, request: int = -1) -> list[str]:
    return [tool.name for tool in talk.requests[request].tools]


def test_all_nine_kinds_are_read_and_told_to_the_model(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, settings=NINE)

    system = talk.agent.prompt().system

    assert len(talk.agent.settings.tool_rules) == 9
    section = system[system.index("<tool_usage_rules>") : system.index("</tool_usage_rules>")]
    assert section.splitlines()[1:] == [
        "Calls that break these rules are refused.",
        "<tool_rule>",
        "After conversation_search, call one of: archival_memory_search, memory_insert.",
        "</tool_rule>",
        "<tool_rule>",
        "After archival_memory_search, call one of: archival_memory_insert. At no other time may"
        " you call them.",
        "</tool_rule>",
        "<tool_rule>",
        "After memory_replace, what it returned decides the next call: done -> memory_insert; not"
        " yet -> conversation_search.",
        "</tool_rule>",
        "<tool_rule>",
        "memory_insert does not end your turn: go on after it.",
        "</tool_rule>",
        "<tool_rule>",
        "memory_rethink ends your turn.",
        "</tool_rule>",
        "<tool_rule>",
        "Call memory_insert at most 2 times in one turn.",
        "</tool_rule>",
        "<tool_rule>",
        "Call conversation_search before you end your turn.",
        "</tool_rule>",
    ]


def test_first_call_is_forced_and_its_arguments_are_preset(tmp_path: Path) -> None:
    settings = rule("run_first", "conversation_search", args="{ limit = 1 }")
    talk = talk_with(
        tmp_path,
        call("conversation_search", query="tea", limit=9),
        text("Tea it is."),
        call("conversation_search", query="tea", limit=9),
        call("conversation_search", query="tea", limit=9),
        text("Found."),
        settings=settings,
    )
    talk.say("I like tea, tea, tea.")

    talk.say("What tea?")

    assert offered(talk, 0) == ["conversation_search"]
    assert (talk.requests[0].tool_choice, talk.requests[0].forced_tool) == (
        "required",
        "conversation_search",
    )
    assert len(offered(talk, 1)) == 5
    assert talk.requests[1].tool_choice == "auto"
    first, second, third = (returned.text for returned in talk.returns())
    assert "Showing 1 results" in second  # preset
    assert "Showing 2 results" in third  # no longer the first call
    assert "No results" in first


def test_first_call_that_fails_is_still_to_be_made(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("conversation_search", start_date="never"),
        note("too early"),
        call("conversation_search", query="x"),
        note("now"),
        text("Done."),
        settings=rule("run_first", "conversation_search"),
    )

    talk.say()

    assert [r.status for r in talk.returns()] == ["error", "error", "success", "success"]
    assert "You may call: conversation_search." in talk.returns()[1].text
    assert offered(talk, 1) == offered(talk, 2) == ["conversation_search"]
    assert talk.value() == "Her name is Chad.\nnow"


def test_prompt_before_the_first_message_offers_what_the_rules_allow(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), settings=rule("run_first", "conversation_search"))

    assert [tool.name for tool in talk.agent.prompt().tools] == ["conversation_search"]


def test_only_children_may_follow_their_parent(tmp_path: Path) -> None:
    settings = rule("constrain_child_tools", "conversation_search", children='["memory_insert"]')
    talk = talk_with(
        tmp_path,
        call("conversation_search", query="x"),
        call("archival_memory_search", query="x"),
        note("x"),
        text("Done."),
        settings=settings,
    )

    talk.say()

    assert offered(talk, 1) == ["memory_insert"]
    assert talk.requests[1].forced_tool == "memory_insert"
    refused = talk.returns()[1]
    assert refused.status == "error"
    assert refused.text == (
        "[ToolConstraintError] The tool rules do not allow archival_memory_search at this point. "
        "You may call: memory_insert."
    )
    assert len(offered(talk, 3)) == 5


def test_child_may_not_be_called_without_its_parent(tmp_path: Path) -> None:
    settings = rule("parent_last_tool", "conversation_search", children='["memory_insert"]')
    talk = talk_with(
        tmp_path,
        note("too early"),
        call("conversation_search", query="x"),
        note("now"),
        text("Done."),
        settings=settings,
    )

    talk.say()

    assert "memory_insert" not in offered(talk, 0)
    assert offered(talk, 2) == ["memory_insert"]
    assert talk.value() == "Her name is Chad.\nnow"


def test_output_decides_the_next_call(tmp_path: Path) -> None:
    settings = rule(
        "conditional",
        "memory_replace",
        child_output_mapping='{ "her name is sarah." = "memory_insert" }',
        require_output_mapping="true",
    )
    talk = talk_with(
        tmp_path,
        call("memory_replace", label="human", old_string="Chad", new_string="Sarah"),
        note("x"),
        text("Done."),
        settings=settings,
        home="--- memory/human.md\nHer name is Chad.\n\\ no line feed\n",
    )

    talk.say()

    assert offered(talk, 1) == ["memory_insert"]


def test_output_that_leads_nowhere_leaves_only_words(tmp_path: Path) -> None:
    settings = rule(
        "conditional",
        "memory_replace",
        child_output_mapping='{ never = "memory_insert" }',
        require_output_mapping="true",
    )
    talk = talk_with(
        tmp_path,
        call("memory_replace", label="human", old_string="Chad", new_string="Sarah"),
        note("x"),
        text("Done."),
        settings=settings,
    )

    talk.say()

    assert offered(talk, 1) == []
    assert talk.requests[1].tool_choice == "auto"
    assert talk.returns()[1].text.endswith("You may call no tool now.")


def test_tool_may_be_called_so_often_also_within_one_reply(tmp_path: Path) -> None:
    inserts = [("memory_insert", {"label": "human", "new_string": word}) for word in "abc"]
    talk = talk_with(
        tmp_path,
        calls(*inserts),
        text("Done."),
        note("y"),
        text("Done."),
        settings=rule("max_count_per_step", "memory_insert", max_count_limit="2"),
    )

    talk.say()

    assert [r.status for r in talk.returns()] == ["success", "success", "error"]
    assert "memory_insert" not in offered(talk, 1)
    talk.say("Once more.")  # a new run counts anew
    assert talk.value() == "Her name is Chad.\na\nb\ny"


def test_searches_side_by_side_keep_to_the_rules_too(tmp_path: Path) -> None:
    searches = [("conversation_search", {"query": word}) for word in "ab"]
    talk = talk_with(
        tmp_path,
        calls(*searches),
        text("Done."),
        settings=rule("max_count_per_step", "conversation_search", max_count_limit="1"),
    )

    talk.say()

    assert [r.status for r in talk.returns()] == ["success", "error"]


def test_call_that_failed_does_not_count(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="nobody", new_string="x"),
        note("x"),
        text("Done."),
        settings=rule("max_count_per_step", "memory_insert", max_count_limit="1"),
    )

    talk.say()

    assert [r.status for r in talk.returns()] == ["error", "success"]


def test_call_that_failed_does_not_count_within_its_own_reply_either(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        calls(
            ("memory_insert", {"label": "nobody", "new_string": "x"}),
            ("memory_insert", {"label": "human", "new_string": "x"}),
        ),
        text("Done."),
        settings=rule("max_count_per_step", "memory_insert", max_count_limit="1"),
    )

    talk.say()

    assert [r.status for r in talk.returns()] == ["error", "success"]


def test_exit_tool_ends_the_turn_once_it_succeeds(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="nobody", new_string="x"),
        note("x"),
        settings=rule("exit_loop", "memory_insert"),
    )

    answer = talk.say()

    assert answer.stop_reason == "tool_rule"
    assert len(talk.requests) == 2


def test_turn_does_not_end_before_the_required_call(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Bye."),
        call("conversation_search", query="x"),
        text("Bye now."),
        settings=rule("required_before_exit", "conversation_search"),
    )

    answer = talk.say()

    assert answer.text == "Bye.\n\nBye now."
    (beat,) = [m for m in talk.agent.messages() if m.kind == "heartbeat"]
    assert "first call conversation_search" in beat.text


def test_model_that_never_makes_the_required_call_is_stopped(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        {**text("Bye."), "repeat": True},
        settings=rule("required_before_exit", "conversation_search"),
    )

    assert talk.say().stop_reason == "no_tool_call"
    assert len(talk.requests) == 4


def test_required_call_also_holds_a_memgpt_agent_back(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("send_message", message="Bye."),
        call("conversation_search", query="x", request_heartbeat=True),
        call("send_message", message="Bye now."),
        kind="memgpt_agent",
        settings=rule("required_before_exit", "conversation_search"),
    )

    answer = talk.say()

    assert answer.stop_reason == "end_turn"
    beats = [m.text for m in talk.agent.messages() if m.kind == "heartbeat"]
    assert "first call conversation_search" in beats[0]
    assert "asked for a heartbeat" in beats[1]


def test_memgpt_agent_goes_on_after_a_tool_that_continues(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("core_memory_append", label="human", content="x"),
        call("send_message", message="Done."),
        kind="memgpt_agent",
        settings=rule("continue_loop", "core_memory_append"),
    )

    assert talk.say().text == "Done."


def test_memgpt_terminal_tool_that_wanted_a_heartbeat_stops_by_rule(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        call("core_memory_append", label="human", content="x", request_heartbeat=True),
        kind="memgpt_agent",
        settings=rule("exit_loop", "core_memory_append"),
    )

    assert talk.say().stop_reason == "tool_rule"


def test_tool_that_needs_approval_is_not_run_without_it(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        note("x"),
        text("I would note x."),
        settings=rule("requires_approval", "memory_insert"),
    )

    answer = talk.say()

    assert answer.stop_reason == "end_turn"
    assert talk.returns()[0].status == "error"
    assert "needs a person's approval" in talk.returns()[0].text
    assert talk.value() == "Her name is Chad.\n"
    assert talk.requests[0].parallel_tool_calls is True


def test_rules_switch_parallel_calls_off(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), settings=rule("continue_loop", "memory_insert"))

    talk.say()

    assert talk.requests[0].parallel_tool_calls is False


def test_rule_about_a_tool_the_agent_lacks_holds_nothing_up(tmp_path: Path) -> None:
    settings = rule("run_first", "fly") + rule("required_before_exit", "swim")
    talk = talk_with(tmp_path, text("Hi."), settings=settings)

    assert talk.say().stop_reason == "end_turn"
