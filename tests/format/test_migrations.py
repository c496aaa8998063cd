"""A directory's format is known, or it is refused in a plain sentence."""

from __future__ import annotations

import pytest

from lettafs.errors import FormatTooNew, NotAnAgent
from lettafs.format.migrations import CURRENT_FORMAT, FORMATS, MIGRATIONS, check_format


def test_current_format_is_read() -> None:
    check_format(CURRENT_FORMAT)


def test_newer_format_is_refused_and_says_that_nothing_was_touched() -> None:
    with pytest.raises(
        FormatTooNew, match="newer than this lettafs .* nothing was read or changed"
    ):
        check_format(CURRENT_FORMAT + 1)


@pytest.mark.parametrize("number", [0, -1])
def test_format_that_never_was_is_refused(number: int) -> None:
    with pytest.raises(NotAnAgent, match=f"no format {number}"):
        check_format(number)


def test_every_older_format_has_its_step_up() -> None:
    assert set(MIGRATIONS) == set(FORMATS) - {CURRENT_FORMAT}
