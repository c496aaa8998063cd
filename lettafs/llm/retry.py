"""Asking again: the failures that pass by themselves, as long as nothing was said yet.

Once a delta has been shown, asking again would say it twice, so a reply that breaks off is the
caller's to decide. Before that, up to five more tries are made, with pauses that double and are
drawn at random below their bound, so that many agents do not come back at the same moment.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from lettafs.errors import ModelProblem, StreamCut
from lettafs.llm.base import LanguageModel, ModelEvent, ModelRequest
from lettafs.values.event import Notice

__all__ = ["MAX_RETRIES", "MAX_WAIT_S", "is_worth_retrying", "stream_with_retry"]

MAX_RETRIES = 5
MAX_WAIT_S = 120.0
"""Seconds, failed tries and pauses together, after which no new try begins. A provider that asks
for more than what is left of it is not waited for at all: coming back sooner than it asked only
makes it ask for more."""

_FIRST_BOUND_S = 1.0
_LAST_BOUND_S = 32.0


async def stream_with_retry(
    model: LanguageModel,
    request: ModelRequest,
    *,
    sleep: Callable[[float], Awaitable[None]],
    jitter: Callable[[], float],
    now: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[ModelEvent | Notice, None]:
    """Yield what `model.stream` yields; before each new try a `Notice` with the code `retry`.

    Args:
        model: who is asked.
        request: sent again unchanged.
        sleep: waits so many seconds.
        jitter: gives a number from 0 to 1 (`random.random`), the share of the bound to wait.
        now: a clock that counts seconds and never goes back.

    Raises:
        ModelProblem: the last failure, when it is not worth retrying or was retried enough.
    """
    start = now()
    for tries in range(MAX_RETRIES + 1):
        began = False
        try:
            async with aclosing(_generator(model, request)) as events:
                async for event in events:
                    began = True
                    yield event
            return
        except ModelProblem as problem:
            if began or tries == MAX_RETRIES or not is_worth_retrying(problem):
                raise
            pause_s = _pause_s(problem, tries=tries, share=jitter())
            if now() - start + pause_s > MAX_WAIT_S:
                raise
            notice = _notice(problem, pause_s=pause_s, number=tries + 1)
        yield notice
        await sleep(pause_s)


def is_worth_retrying(problem: ModelProblem) -> bool:
    """Tell whether the same request may succeed in a moment.

    A stream cut before its first word counts: nothing was said, so nothing would be said twice.
    """
    return problem.transient or (isinstance(problem, StreamCut) and not problem.parts)


async def _generator(
    model: LanguageModel, request: ModelRequest
) -> AsyncGenerator[ModelEvent, None]:
    """Yield the model's events, closing its stream at once when nobody listens any more."""
    events = model.stream(request)
    if isinstance(events, AsyncGenerator):
        async with aclosing(events):
            async for event in events:
                yield event
    else:
        async for event in events:
            yield event


def _pause_s(problem: ModelProblem, *, tries: int, share: float) -> float:
    """Return the seconds to wait: as the provider asked, and a little more; else full jitter."""
    bound_s = min(_LAST_BOUND_S, _FIRST_BOUND_S * 2.0**tries)
    if problem.retry_after_s is not None:
        return problem.retry_after_s + share * _FIRST_BOUND_S
    return share * bound_s


def _notice(problem: ModelProblem, *, pause_s: float, number: int) -> Notice:
    return Notice(
        f"{problem} Trying again in {pause_s:.0f} s ({number} of {MAX_RETRIES}).",
        level="warning",
        code="retry",
    )
