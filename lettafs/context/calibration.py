"""Calibration: how far the estimate is off for a model, as its provider has told.

Every step record says what a request was estimated at and what the provider counted. The last few
of a model give the factor; the journal is a file, so that compiling a prompt stays a function of
the home's files.
"""

from __future__ import annotations

from itertools import islice

from lettafs.format.recall_line import StepRecord
from lettafs.stores.recall import Recall
from lettafs.values.run import Step

__all__ = ["usage_factor"]

_STEPS = 8
"""So many of the last steps are compared."""
_RECORDS = 200
"""So many records are looked through for them: reading back costs the same in every journal."""
_LOWEST, _HIGHEST = 0.5, 3.0
"""A ratio beyond these tells of something else: servers that leave out what they had cached, that
cut the request, or that count pictures."""


def usage_factor(recall: Recall, handle: str) -> float | None:
    """Return what to multiply the estimate with for a model; None: nothing is known of it.

    It is the median, the higher of the two in the middle, of the last steps' ratios: one odd figure
    does not move it.
    """
    ratios: list[float] = []
    for record in islice(recall.segments.backward(), _RECORDS):
        if isinstance(record, StepRecord) and record.step.model == handle:
            ratio = _ratio(record.step)
            if ratio is not None:
                ratios.append(ratio)
            if len(ratios) == _STEPS:
                break
    return sorted(ratios)[len(ratios) // 2] if ratios else None


def _ratio(step: Step) -> float | None:
    """Return counted by estimated; None where it tells nothing of the tokenizer."""
    usage = step.usage
    sent = usage.prompt_tokens
    if usage.cached_input_tokens > sent > 0:
        sent += usage.cached_input_tokens  # a server that counts what it had cached apart
    if sent <= 0 or step.estimate <= 0:
        return None
    ratio = sent / step.estimate
    return ratio if _LOWEST <= ratio <= _HIGHEST else None
