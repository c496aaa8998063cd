"""Reading the fields of a journal record: each is of its kind, or the line is a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["FieldFault", "optional_text", "required_text", "text_list", "whole_number"]


class FieldFault(Exception):
    """A field is missing or of the wrong kind; the message says which, without a full stop."""


def required_text(record: Mapping[str, Any], name: str) -> str:
    """Return a field that has to be there and has to be a string."""
    value = record.get(name)
    if isinstance(value, str):
        return value
    raise FieldFault(f"`{name}` is missing" if value is None else f"`{name}` has to be a string")


def optional_text(record: Mapping[str, Any], name: str) -> str | None:
    """Return a string, or None when the field is absent or null."""
    value = record.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FieldFault(f"`{name}` has to be a string or null")


def whole_number(record: Mapping[str, Any], name: str) -> int:
    """Return a whole number that is not negative; 0 when the field is absent or null."""
    value = record.get(name)
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise FieldFault(f"`{name}` has to be a whole number, not below 0")


def text_list(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of strings; empty when the field is absent or null."""
    value = record.get(name)
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise FieldFault(f"`{name}` has to be a list of strings")
