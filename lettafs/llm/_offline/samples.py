"""Arguments that fit a tool's schema, for what the offline model has no rule for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lettafs.llm._offline.prompt import properties
from lettafs.llm._offline.search import query_of
from lettafs.values.tool import ToolSpec

__all__ = ["filled", "sample_arguments"]

_DEEPEST = 8


def filled(spec: ToolSpec, arguments: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return `arguments` cut to what the tool takes, with what else it requires.

    A tool that can ask for a heartbeat does: the answer is always a further step.
    """
    offered = properties(spec.parameters)
    result = {key: value for key, value in arguments.items() if not offered or key in offered}
    for name, value in sample_arguments(spec, text, label="human").items():
        result.setdefault(name, value)
    if "request_heartbeat" in offered:
        result["request_heartbeat"] = spec.name != "send_message"
    return result


def sample_arguments(spec: ToolSpec, text: str, *, label: str) -> dict[str, Any]:
    """Return a value for every parameter the tool requires, drawn from the person's words."""
    sampler = _Sampler(spec.parameters, text, label)
    made = sampler.value("", spec.parameters, 0)
    return made if isinstance(made, dict) else {}


class _Sampler:
    """Walks one schema; holds its definitions and the words to fill it with."""

    def __init__(self, root: Mapping[str, Any], text: str, label: str) -> None:
        self._definitions: Mapping[str, Any] = root.get("$defs") or root.get("definitions") or {}
        self._text = text
        self._label = label

    def value(self, name: str, schema: object, depth: int) -> Any:
        """Return a value for one schema; None where there is nothing better."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return None
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self.value(name, self._definitions.get(reference.rsplit("/", 1)[-1]), depth + 1)
        for fixed in ("const", "default"):
            if fixed in schema:
                return schema[fixed]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf", "allOf"):
            for option in schema.get(choice) or ():
                if isinstance(option, Mapping) and option.get("type") != "null":
                    return self.value(name, option, depth + 1)
        return self._typed(name, schema, depth)

    def _typed(self, name: str, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), None)
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                least = int(schema.get("minItems") or 0)
                return [self.value(name, schema.get("items"), depth + 1) for _ in range(least)]
            case "integer":
                return int(schema.get("minimum") or 1)
            case "number":
                return float(schema.get("minimum") or 1)
            case "boolean":
                return name == "request_heartbeat"
            case "null":
                return None
            case _ if "properties" in schema:
                return self._object(schema, depth)
            case _:
                return self._words(name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        offered = properties(schema)
        required = schema.get("required")
        names = required if isinstance(required, list | tuple) else ()
        return {str(name): self.value(str(name), offered.get(name), depth + 1) for name in names}

    def _words(self, name: str) -> str:
        if name in ("query", "q", "pattern", "search", "search_query", "keywords"):
            return query_of(self._text)
        if name == "label":
            return self._label
        if name in ("thinking", "inner_thoughts"):
            return "By rule, not by thought."
        return self._text.strip() or "hello"
