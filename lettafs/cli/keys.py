"""The keyboard while nobody is asked: keys are kept for the next prompt and not echoed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["echo_keys"]


@contextmanager
def echo_keys(on: bool) -> Iterator[None]:
    """Let the terminal echo what is typed, or not, for the time of the block.

    Unechoed keys stay out of the reply that is being shown; they wait in the terminal, and the next
    prompt reads them. Ctrl-C still reaches the program as a signal.
    """
    try:
        import termios  # late: absent on Windows, where the console echoes nothing by itself
    except ImportError:
        yield
        return
    try:
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
    except (termios.error, OSError, ValueError):  # not a terminal
        yield
        return
    changed = list(before)
    changed[3] = changed[3] | termios.ECHO if on else changed[3] & ~termios.ECHO
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, changed)
        yield
    finally:
        with suppress(termios.error):  # the terminal may have gone meanwhile
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
