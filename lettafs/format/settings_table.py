"""One table of settings, read key by key: a value of the wrong kind is a problem, not the end."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lettafs.values.problem import Problem

__all__ = ["SettingsTable"]

_T = TypeVar("_T")


class SettingsTable:
    """A table and the problems found in it so far.

    Each reader returns None when the key is absent, or is of the wrong kind; the latter it notes.

    Args:
        values: the table as parsed.
        path: the file's path, for the problems.
        line_of: gives a key's line.
        prefix: how the table's keys are called in messages (`model_settings.`).
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        path: str,
        *,
        line_of: Callable[[str], int | None],
        prefix: str = "",
    ) -> None:
        self._values = values
        self._path = path
        self._line_of = line_of
        self._prefix = prefix
        self.problems: list[Problem] = []

    def note(self, key: str, message: str, *, remedy: str = "") -> None:
        """Note a problem at the key's line."""
        self.problems.append(
            Problem("setting", self._path, message, line=self._line_of(key), remedy=remedy)
        )

    def text(self, key: str) -> str | None:
        """Return a string."""
        return self._of_kind(key, _as_text, "a string")

    def date_text(self, key: str) -> str | None:
        """Return a string; a date without quotes, as TOML knows it, is one too."""
        return self._of_kind(key, _as_date_text, "a string")

    def count(self, key: str) -> int | None:
        """Return a whole number above 0."""
        return self._of_kind(key, _as_count, "a whole number above 0")

    def number(self, key: str) -> float | None:
        """Return a number, 0 or above."""
        return self._of_kind(key, _as_number, "a number, not below 0")

    def share(self, key: str) -> float | None:
        """Return a number above 0 and below 1."""
        return self._of_kind(key, _as_share, "a number above 0 and below 1")

    def boolean(self, key: str) -> bool | None:
        """Return true or false."""
        return self._of_kind(key, _as_boolean, "true or false")

    def table(self, key: str) -> Mapping[str, Any] | None:
        """Return a table."""
        return self._of_kind(key, _as_table, "a table")

    def tables(self, key: str) -> list[Mapping[str, Any]] | None:
        """Return an array of tables."""
        return self._of_kind(key, _as_tables, "an array of tables")

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return an array of strings; what else is in it is noted and left out."""
        found = self._of_kind(key, _as_list, "an array of strings")
        if found is None:
            return None
        texts = tuple(item for item in found if isinstance(item, str))
        if len(texts) != len(found):
            self.note(key, f"`{self._prefix}{key}` has to be an array of strings only")
        return texts

    def _of_kind(self, key: str, convert: Callable[[object], _T | None], kind: str) -> _T | None:
        if key not in self._values:
            return None
        value = convert(self._values[key])
        if value is None:
            name = f"{self._prefix}{key}"
            self.note(
                key,
                f"`{name}` has to be {kind}; it counts as absent",
                remedy="correct it, or take it out",
            )
        return value


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _as_date_text(value: object) -> str | None:
    return value.isoformat() if isinstance(value, datetime.date) else _as_text(value)


def _as_count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value > 0 else None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _as_share(value: object) -> float | None:
    number = _as_number(value)
    return number if number is not None and 0 < number < 1 else None


def _as_boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_table(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _as_list(value: object) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _as_tables(value: object) -> list[Mapping[str, Any]] | None:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    return None
