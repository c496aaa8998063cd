"""Regular expressions that are compiled when they are first needed.

One answer needs a few of the dozens there are; compiling them all takes longer than the answer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

__all__ = ["late"]


def late(pattern: str, flags: int = 0) -> Callable[[], re.Pattern[str]]:
    """Return a function that gives the compiled expression, the same one at every call."""
    return functools.cache(lambda: re.compile(pattern, flags))
