"""One core for a product of matrices, as long as the model is at work.

OpenBLAS, which numpy's wheels bring, spreads every product over all cores and lets them wait for
one another in a loop. For matrices as small as these that is slower even on an idle machine (a
question: 25 ms instead of 15 on two cores), several times slower on a busy one, and takes the cores
from whatever else goes on. Whoever wants more of them calls `embed` from more threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable, Iterator

__all__ = ["one_core"]

_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
"""As numpy 2's wheels call it, as those of numpy 1 did, and as distributions do."""

_lock = threading.Lock()
_inside = 0
_before = 0


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep OpenBLAS to the calling thread inside the block, in the whole process.

    Afterwards, when the last of several threads has left it, all is as before. Another BLAS is left
    alone.
    """
    global _inside, _before
    found = _functions()
    if found is None:
        yield
        return
    get, limit = found
    with _lock:
        if _inside == 0:
            _before = get()
            limit(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                limit(_before)


@functools.cache
def _functions() -> tuple[Callable[[], int], Callable[[int], object]] | None:
    """Return what tells and what sets OpenBLAS's number of threads; None when it is not there."""
    from numpy import linalg

    try:
        # numpy's own library: what it is linked with is found through it.
        library = ctypes.CDLL(linalg._umath_linalg.__file__)
    except (AttributeError, OSError):
        return None
    for name in _NAMES:
        with contextlib.suppress(AttributeError):
            get, limit = (getattr(library, name.format(verb)) for verb in ("get", "set"))
            get.restype, limit.restype, limit.argtypes = ctypes.c_int, None, (ctypes.c_int,)
            return get, limit
    return None
