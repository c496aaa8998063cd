"""Talk: which messages stand near each other in a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lettafs.index.moments import UNKNOWN_US

__all__ = ["REACH", "SITTING_GAP_US", "Talk", "talk_of"]

REACH = 3
"""How many messages before and after one may be its context."""

SITTING_GAP_US = 4 * 3_600 * 1_000_000
"""A longer silence ends a sitting: half a day later people talk of something else.

A person who answers after lunch still answers.
"""


@dataclass(frozen=True, slots=True)
class Talk:
    """Messages laid out as they were said, so that neighbours are a fixed distance apart.

    The layout is a row of slots: a sitting's messages in order, then `REACH` empty slots, then the
    next sitting. What is nobody's neighbour comes last.
    """

    slots: NDArray[np.intp]
    """The slot of each document."""
    count: int
    """How many slots there are."""
    spoken: int
    """From this slot on there are no neighbours."""
    times_us: NDArray[np.int64]
    """When each document was said, microseconds UTC or UNKNOWN_US."""
    roles: NDArray[np.int64]
    """Who said each document: any code."""
    _kept: dict[object, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def once(self, name: object, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return what `make` gives, made at the first call: what no question changes."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]


def talk_of(
    *,
    times_us: NDArray[np.int64],
    roles: NDArray[np.int64],
    conversations: NDArray[np.int64],
    spoken: NDArray[np.bool_],
) -> Talk:
    """Return the talk of documents that are in the order of the record.

    `times_us` are microseconds UTC or UNKNOWN_US; `conversations` tell conversations apart;
    `spoken` is true for what is a neighbour to others: words of the two sides, not tools' returns.
    A sitting ends with its conversation, and at a silence of more than `SITTING_GAP_US`.
    """
    said = np.flatnonzero(spoken)
    if len(said) and (conversations[said] != conversations[said[0]]).any():
        said = said[np.argsort(conversations[said], kind="stable")]
    times = times_us[said]
    known = (times[1:] != UNKNOWN_US) & (times[:-1] != UNKNOWN_US)
    ends = known & (np.abs(times[1:] - times[:-1]) > SITTING_GAP_US)
    ends |= conversations[said[1:]] != conversations[said[:-1]]
    sittings = np.concatenate([np.zeros(min(1, len(said)), np.intp), np.cumsum(ends)])
    slots = np.empty(len(times_us), np.intp)
    slots[said] = np.arange(len(said)) + REACH * (sittings + 1)
    end = int(slots[said[-1]]) + 1 + REACH if len(said) else REACH
    silent = np.flatnonzero(~spoken)
    slots[silent] = end + np.arange(len(silent))
    return Talk(slots, end + len(silent) + REACH, end, times_us, roles)
