"""Asking again: when, how often, how long."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import anyio
import pytest

from lettafs.errors import (
    ModelOutOfCredit,
    ModelOverloaded,
    ModelProblem,
    ModelRateLimited,
    StreamCut,
)
from lettafs.llm.base import ModelEvent, ModelReply, ModelRequest
from lettafs.llm.retry import MAX_RETRIES, MAX_WAIT_S, is_worth_retrying, stream_with_retry
from lettafs.llm.scripted import ScriptedModel
from lettafs.values.event import Notice, TextDelta
from tests.support.fake_openai import FakeOpenAI, error, finish, stream, text_chunks
from tests.support.models import openai_model, request


class Attempt:
    """One call through the retries, with sleeping that takes no time."""

    def __init__(self, *lines: Mapping[str, Any], jitter: float = 1.0, try_s: float = 0.0) -> None:
        self.model = ScriptedModel(lines)
        self.slept: list[float] = []
        self.events: list[object] = []
        self.problem: ModelProblem | None = None

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        def now() -> float:
            return sum(self.slept) + try_s * len(self.model.requests)

        async def call() -> None:
            try:
                async for event in stream_with_retry(
                    self.model, request("Hi"), sleep=sleep, jitter=lambda: jitter, now=now
                ):
                    self.events.append(event)
            except ModelProblem as problem:
                self.problem = problem

        anyio.run(call)

    @property
    def tries(self) -> int:
        return len(self.model.requests)

    @property
    def notices(self) -> list[Notice]:
        return [event for event in self.events if isinstance(event, Notice)]


def test_provider_that_recovers_is_not_noticed_but_for_the_notices() -> None:
    attempt = Attempt({"error": "overloaded", "message": "Busy.", "times": 2}, {"text": "ok"})
    assert attempt.problem is None
    assert isinstance(attempt.events[-1], ModelReply)
    assert attempt.tries == 3
    assert [notice.code for notice in attempt.notices] == ["retry", "retry"]
    assert "Busy." in attempt.notices[0].text
    assert "1 of 5" in attempt.notices[0].text


def test_pauses_double_below_a_bound() -> None:
    attempt = Attempt({"error": "overloaded", "repeat": True})
    assert attempt.tries == MAX_RETRIES + 1
    assert attempt.slept == [1, 2, 4, 8, 16]
    assert attempt.problem is not None


def test_pauses_are_drawn_below_their_bound() -> None:
    assert Attempt({"error": "timeout", "repeat": True}, jitter=0.25).slept == [
        0.25,
        0.5,
        1,
        2,
        4,
    ]


@pytest.mark.parametrize("error", ["auth", "refused", "context_overflow"])
def test_failure_that_stays_is_not_tried_again(error: str) -> None:
    attempt = Attempt({"error": error}, {"text": "never"})
    assert attempt.tries == 1
    assert attempt.notices == []
    assert attempt.problem is not None


def test_no_credit_is_not_tried_again() -> None:
    assert not is_worth_retrying(ModelOutOfCredit("No credit."))
    assert is_worth_retrying(ModelRateLimited("Slow down."))


def test_nothing_is_said_twice() -> None:
    attempt = Attempt({"text": "so far", "cut": True}, {"text": "never"})
    assert isinstance(attempt.problem, StreamCut)
    assert attempt.tries == 1
    assert "".join(e.text for e in attempt.events if isinstance(e, TextDelta)) == "so far"


def test_failure_that_passes_is_not_tried_again_once_something_was_said() -> None:
    class FailsLate(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            self.requests.append(request)
            yield TextDelta(request.message_id, "so far")
            raise ModelOverloaded("Busy.")

    model = FailsLate([])

    async def call() -> None:
        events = stream_with_retry(model, request("Hi"), sleep=anyio.sleep, jitter=lambda: 0.0)
        async for _ in events:
            pass

    with pytest.raises(ModelOverloaded):
        anyio.run(call)
    assert len(model.requests) == 1


def test_stream_cut_before_its_first_word_is_tried_again() -> None:
    attempt = Attempt({"cut": True}, {"text": "ok"})
    assert attempt.problem is None
    assert attempt.tries == 2


def test_provider_is_given_the_time_it_asks_for() -> None:
    attempt = Attempt({"error": "rate_limit", "retry_after_s": 20}, {"text": "ok"}, jitter=0.5)
    assert attempt.slept == [20.5]
    assert "Trying again in 20 s" in attempt.notices[0].text


def test_provider_that_asks_for_too_long_is_not_waited_for() -> None:
    attempt = Attempt({"error": "rate_limit", "retry_after_s": MAX_WAIT_S + 1}, {"text": "never"})
    assert (attempt.tries, attempt.slept) == (1, [])


def test_pauses_together_stay_within_their_bound() -> None:
    attempt = Attempt({"error": "rate_limit", "retry_after_s": 50, "repeat": True}, jitter=0)
    assert attempt.slept == [50, 50]
    assert sum(attempt.slept) <= MAX_WAIT_S
    assert isinstance(attempt.problem, ModelRateLimited)


def test_model_that_is_long_in_failing_is_not_tried_for_ever() -> None:
    attempt = Attempt({"error": "timeout", "repeat": True}, jitter=0, try_s=50)
    assert attempt.tries == 3
    assert Attempt({"error": "timeout", "repeat": True}, try_s=600).tries == 1


def test_real_client_is_asked_again_too() -> None:
    with FakeOpenAI([error(503, "Loading model"), stream(*text_chunks("ok"), finish())]) as server:
        events: list[object] = []

        async def call() -> None:
            async for event in stream_with_retry(
                openai_model(server), request("Hi"), sleep=anyio.sleep, jitter=lambda: 0.0
            ):
                events.append(event)

        anyio.run(call)
        assert len(server.requests) == 2
        assert isinstance(events[0], Notice)
        assert isinstance(events[-1], ModelReply)


def test_cancelled_pause_ends_at_once() -> None:
    model = ScriptedModel([{"error": "overloaded", "repeat": True}])

    async def call() -> bool:
        with anyio.move_on_after(0.2) as scope:
            async for _ in stream_with_retry(
                model, request("Hi"), sleep=anyio.sleep, jitter=lambda: 1.0
            ):
                pass
        return scope.cancelled_caught

    assert anyio.run(call)
    assert len(model.requests) == 1
