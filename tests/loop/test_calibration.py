"""Usage, from a turn's step to the next prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lettafs.values.event import StepFinished
from tests.support.talk import call, of, talk_with, text


def steps(root: Path) -> list[dict[str, Any]]:
    lines = (root / "recall/000001.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == "step"]


def test_step_records_what_its_request_was_estimated_at(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("conversation_search", query="tea"), text("Hi."))

    finished = of(talk.hear(), StepFinished)

    estimates = [record["estimate"] for record in steps(tmp_path)]
    assert estimates == [event.step.estimate for event in finished]
    assert 300 < estimates[0] < estimates[1] < 5_000


def test_what_the_provider_counted_calibrates_the_next_prompt(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."), text("Ho."), text("Ha."))
    assert talk.agent.prompt().counted == "estimated"
    talk.say()
    assert talk.agent.prompt().counted == "estimated", "this server told nothing"

    (first,) = steps(tmp_path)
    counted = round(first["estimate"] * 1.25)
    talk.model._lines[1] = text("Ho.", usage={"prompt_tokens": counted})
    talk.say()

    (_, second) = steps(tmp_path)
    factor = counted / second["estimate"]
    prompt = talk.agent.prompt()
    assert prompt.counted == f"calibrated (x {factor:.2f} from usage)"
    assert prompt.total_tokens == pytest.approx(prompt.estimate * factor, rel=0.03)


def test_calibrated_prompt_still_records_the_bare_estimate(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1_500}
    talk = talk_with(tmp_path, *(text("Hi.", usage=usage) for _ in range(4)))

    for _ in range(4):
        talk.say("Hello.")

    estimates = [record["estimate"] for record in steps(tmp_path)]
    assert all(
        0 < later - sooner < 60 for sooner, later in zip(estimates, estimates[1:], strict=False)
    )
