"""Arguments: from the model's JSON text to checked values, or words on what is wrong with it.

Models quote numbers, add parameters that do not exist and forget ones that do. What can be read in
one way only is read so; everything else goes back to the model with what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from lettafs.errors import ToolProblem
from lettafs.values.told import as_text
from lettafs.values.tool import ToolSpec

__all__ = ["read_arguments"]

_MAX_CHARS = 2_000_000


def read_arguments(
    spec: ToolSpec,
    text: str,
    *,
    ignore: Collection[str] = (),
    preset: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the arguments of a call, by name, checked against the tool's parameters.

    A null for an optional parameter is left out, and so are those to `ignore`; those `preset` stand
    in the place of the model's.

    Raises:
        ToolProblem: they are not what the tool takes; the text is for the model.
    """
    if len(text) > _MAX_CHARS:
        raise ToolProblem(f"The arguments of {spec.name} are {len(text)} characters: too long.")
    try:
        parsed = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ToolProblem(
            f"The arguments of {spec.name} are not valid JSON ({error}). Call it again with one "
            "JSON object."
        ) from error
    if not isinstance(parsed, dict):
        raise ToolProblem(f"The arguments of {spec.name} must be one JSON object.")
    parsed = {name: value for name, value in parsed.items() if name not in ignore} | dict(preset)
    properties: Mapping[str, Any] = spec.parameters.get("properties", {})
    required = spec.parameters.get("required", [])
    unknown = [name for name in parsed if name not in properties]
    if unknown:
        raise ToolProblem(
            f"{spec.name} has no parameter {', '.join(map(repr, unknown))}. It takes: "
            f"{', '.join(properties) or 'none'}."
        )
    checked = {
        name: _read(spec.name, name, value, properties[name])
        for name, value in parsed.items()
        if value is not None or name in required
    }
    missing = [name for name in required if checked.get(name) is None]
    if missing:
        raise ToolProblem(
            f"{spec.name} needs {', '.join(missing)}. Call it again with all of them."
        )
    return checked


def _read(tool: str, name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    read = _as_kind(value, kind)
    if read is _WRONG:
        raise ToolProblem(f"{name} of {tool} must be of type {kind}, not {value!r:.80}.")
    if kind == "array":
        items = schema.get("items", {})
        read = [_read(tool, f"an item of {name}", item, items) for item in read]
    choices = schema.get("enum")
    if choices is not None and read not in choices:
        raise ToolProblem(f"{name} of {tool} must be one of {', '.join(map(str, choices))}.")
    return read


_WRONG = object()
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,18}\s*", re.ASCII)


def _as_kind(value: Any, kind: object) -> Any:
    """Return the value as the type asked for, or `_WRONG`."""
    match kind:
        case "string":
            text = as_text(value)
            return _WRONG if text is None else text
        case "integer":
            return _as_integer(value)
        case "number":
            return _of_type(value, int | float)
        case "boolean":
            return _as_boolean(value)
        case "array":
            return _listed(value) if isinstance(value, str) else _of_type(value, list)
        case "object":
            return _of_type(value, dict)
        case _:
            return value if kind is None else _WRONG


def _of_type(value: Any, wanted: Any) -> Any:
    return value if isinstance(value, wanted) and not isinstance(value, bool) else _WRONG


def _as_integer(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _of_type(value, int)


def _as_boolean(value: Any) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), _WRONG)
    return value if isinstance(value, bool) else _WRONG


def _listed(value: str) -> list[Any]:
    """Return a list that was given as text: JSON of one, or a single item."""
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    return parsed if isinstance(parsed, list) else [value]
