"""Which style an agent's type runs in: one answer, for the loop and for showing the prompt."""

from __future__ import annotations

import pytest

from lettafs.loop.heartbeat import HEARTBEAT
from lettafs.loop.plain import PLAIN
from lettafs.loop.style import Style
from lettafs.loop.styles import style_of
from lettafs.values.agent import AgentType


@pytest.mark.parametrize(
    "kind, style",
    [
        ("letta_v1_agent", PLAIN),
        ("memgpt_v2_agent", HEARTBEAT),
        ("memgpt_agent", HEARTBEAT),
    ],
)
def test_each_type_has_its_style(kind: AgentType, style: Style) -> None:
    assert style_of(kind) is style
