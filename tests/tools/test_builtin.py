"""What models are told of the built-in tools: names, parameters, sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lettafs.tools.builtin import BUILTIN_TOOLS, default_tools
from lettafs.values.agent import AgentType
from tests.support.talk import call, talk_with, text

COMMON = ("archival_memory_insert", "archival_memory_search")
DEFAULTS: dict[AgentType, tuple[str, ...]] = {
    "letta_v1_agent": ("conversation_search", "memory_insert", "memory_replace"),
    "memgpt_v2_agent": ("send_message", "conversation_search", "memory_insert", "memory_replace"),
    "memgpt_agent": (
        "send_message",
        "conversation_search",
        "core_memory_append",
        "core_memory_replace",
        "memory",
    ),
}
SIGNATURES = {
    "send_message": "message*",
    "conversation_search": "query roles limit page start_date end_date",
    "archival_memory_insert": "content* tags",
    "archival_memory_search": "query* tags tag_match_mode top_k page start_datetime end_datetime",
    "core_memory_append": "label* content*",
    "core_memory_replace": "label* old_content* new_content*",
    "memory_replace": "label* old_string* new_string*",
    "memory_insert": "label* new_string* insert_line",
    "memory_rethink": "label* new_memory*",
    "memory": "command* path file_text description old_string new_string insert_line insert_text"
    " old_path new_path",
    "open_file": "file_name view_range file_requests close_all_others",
    "open_files": "file_requests* close_all_others",
    **dict.fromkeys(
        ("grep_file", "grep_files", "grep"),
        "pattern* include context_lines offset case_sensitive",
    ),
    **dict.fromkeys(
        ("search_file", "search_files", "semantic_search_files"),
        "query* limit page folder file_name",
    ),
    "close_file": "file_name all",
    "list_files": "folder pattern page",
}


def test_parameters_are_those_letta_models_learned() -> None:
    shown = {
        name: " ".join(
            parameter + ("*" if parameter in tool.spec.parameters["required"] else "")
            for parameter in tool.spec.parameters["properties"]
        )
        for name, tool in BUILTIN_TOOLS.items()
    }

    assert shown == SIGNATURES


@pytest.mark.parametrize("kind", DEFAULTS)
def test_default_tools_of_each_type_are_those_of_the_format(kind: AgentType) -> None:
    assert default_tools(kind) == DEFAULTS[kind] + COMMON


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_every_schema_is_one_any_provider_takes(name: str) -> None:
    spec = BUILTIN_TOOLS[name].spec

    assert spec.name == name and len(name) <= 48
    assert spec.description
    schema: dict[str, Any] = json.loads(json.dumps(dict(spec.parameters)))
    assert schema["type"] == "object"
    assert set(schema["required"]) <= set(schema["properties"])
    for parameter in schema["properties"].values():
        assert parameter["type"] in ("string", "integer", "array", "boolean")
        if parameter["type"] == "array":
            assert parameter["items"]["type"] in ("string", "integer", "object")


def test_output_of_any_length_is_cut_with_a_note(tmp_path: Path) -> None:
    human = f"---\nlimit: 1000000\n---\n{'x' * 60_000}"
    talk = talk_with(
        tmp_path,
        call("memory_insert", label="human", new_string="end"),
        text("Done."),
        home=f"--- memory/human.md\n{human}\n\\ no line feed\n",
    )

    talk.say()

    (returned,) = talk.returns()
    assert returned.text.startswith("x" * 50_000 + "\n[cut: 50000 of 60004 characters shown;")
    assert talk.value().endswith("\nend")
