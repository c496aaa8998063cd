"""A tool's specification: what the model is told it may call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ToolSpec"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """Name, description and parameters of a tool, as a model is told them."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """A JSON schema of type object."""
