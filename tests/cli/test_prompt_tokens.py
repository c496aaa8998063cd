"""How many tokens a prompt has, and how that is known, as a person is shown it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lettafs.cli.prompt import prompt_json, token_lines
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent

Run = Callable[..., Result]


def shown(agent: Agent) -> list[str]:
    return [line.text for line in token_lines(agent.prompt())]


@pytest.fixture
def named(ada: Path) -> Callable[[str], Agent]:
    """Return the agent with another model in its file."""

    def rename(handle: str) -> Agent:
        path = ada / "agent.toml"
        kept = [line for line in path.read_text("utf-8").splitlines() if "model" not in line]
        head = [f'model = "{handle}"', "context_window = 8000"]
        path.write_text("\n".join([*head, *kept]) + "\n", encoding="utf-8")
        return open_agent(ada)

    return rename


def test_figures_are_exact_for_a_model_of_openai(named: Callable[[str], Agent]) -> None:
    lines = shown(named("openai/gpt-4.1"))

    assert lines[-1] == "tokens: exact (o200k_base); tools estimated"
    assert lines[-2].split()[:2] == ["of", "8,000"]


def test_figures_are_estimated_where_nothing_is_known(
    named: Callable[[str], Agent],
) -> None:
    assert shown(named("ollama/qwen3"))[-1] == "tokens: estimated"


def test_sum_of_the_sections_is_the_whole(named: Callable[[str], Agent]) -> None:
    value = prompt_json(named("openai/gpt-4.1").prompt())

    assert value["counted"] == "exact (o200k_base)"
    assert value["total_tokens"] == sum(section.tokens for section in value["sections"])


def test_json_says_how_each_figure_came_about(
    lettafs: Run, named: Callable[[str], Any], ada: Path
) -> None:
    named("openai/gpt-4")

    value = json.loads(lettafs("prompt", ada, "--json").stdout)

    assert value["counted"] == "exact (cl100k_base)"
    found = {section["name"]: section["counted"] for section in value["sections"]}
    assert found["tools"] == "estimated"
    assert found["messages"] == "exact (cl100k_base)"
