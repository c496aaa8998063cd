"""`agent.toml`: an agent's settings, read with every mistake in its place, changed in place.

One wrong value costs that value, not the agent: its default stands in, and the mistake is reported
with its line. Only what leaves no agent to speak of raises: no valid TOML, no name, a newer format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, cast, get_args

from lettafs.errors import FormatTooNew, NotAnAgent
from lettafs.format.fields import FieldFault
from lettafs.format.layout import AGENT_TOML
from lettafs.format.migrations import CURRENT_FORMAT, check_format
from lettafs.format.rule_table import parse_rule, render_rule
from lettafs.format.settings_table import SettingsTable
from lettafs.format.toml_edit import with_changes
from lettafs.format.toml_text import TomlFault, line_of, parse_toml, toml_key, toml_value
from lettafs.ids import is_id
from lettafs.values.agent import (
    AgentSettings,
    AgentType,
    CompactionMode,
    CompactionSettings,
    ModelSettings,
)
from lettafs.values.problem import Problem
from lettafs.values.rule import ToolRule

__all__ = ["parse_agent", "render_agent", "with_settings"]

_TYPES = get_args(AgentType)
_COMPACTION_MODES = get_args(CompactionMode)
_DEFAULT_TYPE: AgentType = "letta_v1_agent"
_DEFAULT_MAX_STEPS = 50

_KNOWN = frozenset({field.name for field in fields(AgentSettings)} - {"extra"} | {"format"})


def parse_agent(data: bytes) -> tuple[AgentSettings, tuple[Problem, ...]]:
    """Return the settings, with defaults for what is absent or wrong, and what is wrong.

    Raises:
        NotAnAgent: the file is not TOML, names no agent, or has a format that is not a number.
        FormatTooNew: a newer lettafs wrote it.
    """
    values = _values(data)
    text = data.decode()
    top = SettingsTable(values, AGENT_TOML, line_of=partial(line_of, text))
    model_settings, model_problems = _model_settings(top, text)
    compaction, compaction_problems = _compaction(top, text)
    rules, rule_problems = _tool_rules(top, text)
    settings = AgentSettings(
        name=_name(values, text),
        id=_id(top),
        type=_type(top),
        description=top.text("description") or "",
        model=_handle(top, "model"),
        base_url=_handle(top, "base_url"),
        embedding=_handle(top, "embedding"),
        context_window=top.count("context_window"),
        timezone=top.text("timezone") or "UTC",
        created_at=top.date_text("created_at"),
        tools=_unique(top.texts("tools")),
        tool_rules=rules,
        tags=top.texts("tags") or (),
        max_steps=top.count("max_steps") or _DEFAULT_MAX_STEPS,
        max_files_open=top.count("max_files_open"),
        per_file_view_window_char_limit=top.count("per_file_view_window_char_limit"),
        model_settings=model_settings,
        compaction=compaction,
        extra={key: value for key, value in values.items() if key not in _KNOWN},
    )
    problems = (*top.problems, *model_problems, *compaction_problems, *rule_problems)
    return settings, problems


def render_agent(settings: AgentSettings) -> bytes:
    """Return a fresh file that says these settings, with a few comments for its reader."""
    lines = [
        "# An agent of lettafs: its settings. What people write here stays as they wrote it.",
        "",
        f"format = {CURRENT_FORMAT}",
    ]
    lines += _key_lines(_top_values(settings))
    if settings.model is None:
        lines += ["", "# The model that answers, as provider/name. Without it: your default."]
        lines += ['# model = "ollama/NAME"']
    if settings.tools is None:
        lines += ["", "# The tools the agent has, by name. Without it: those of its type."]
        lines += ["# tools = [...]"]
    lines += ["", "# How the model is asked: temperature, max_output_tokens, reasoning_effort, ..."]
    lines += ["[model_settings]"]
    lines += _key_lines(_model_values(settings.model_settings))
    if settings.compaction != CompactionSettings():
        lines += ["", "[compaction]", *_key_lines(_compaction_values(settings.compaction))]
    for rule in settings.tool_rules:
        lines += ["", "[[tool_rules]]", *_key_lines(render_rule(rule))]
    return "".join(f"{line}\n" for line in lines).encode()


def with_settings(data: bytes, changes: Mapping[str, object | None]) -> bytes:
    """Return the file with these keys changed; comments, order and other keys stay.

    Args:
        data: the file.
        changes: key to value; a dotted key reaches into a table (`model_settings.temperature`).
            None takes the key out. Values are TOML's, or a field's value of `AgentSettings` (a
            `ModelSettings` or `CompactionSettings`, a tuple of tool rules).

    Raises:
        NotAnAgent: the file is not TOML.
        FormatTooNew: a newer lettafs wrote it.
        UsageProblem: a key is written in a way in which it cannot be changed in place.
    """
    _values(data)
    return with_changes(data, dict(_single(changes)))


def _values(data: bytes) -> dict[str, Any]:
    """Return what the file says, once it is known to be of a format we can read."""
    try:
        values = parse_toml(data)
    except TomlFault as fault:
        place = AGENT_TOML if fault.line is None else f"{AGENT_TOML}:{fault.line}"
        raise NotAnAgent(f"{place}: {fault.message}.") from fault
    number = values.get("format", CURRENT_FORMAT)
    if isinstance(number, bool) or not isinstance(number, int):
        # No default here: to take a newer format for the first would damage it.
        place = _place(data.decode(), "format")
        raise FormatTooNew(f"{place}: `format` has to be a whole number; lettafs writes 1.")
    check_format(number)
    return values


def _place(text: str, key: str) -> str:
    line = line_of(text, key)
    return AGENT_TOML if line is None else f"{AGENT_TOML}:{line}"


def _name(values: Mapping[str, Any], text: str) -> str:
    name = values.get("name")
    if name is None:
        raise NotAnAgent(f'{AGENT_TOML}: `name` is missing. Add a line such as: name = "Ada"')
    if not isinstance(name, str) or not name.strip():
        raise NotAnAgent(f"{_place(text, 'name')}: `name` has to be a string that is not empty.")
    return name


def _id(top: SettingsTable) -> str | None:
    found = top.text("id")
    if found is None or is_id(found, "agent"):
        return found
    top.note(
        "id",
        f"`id` has to be `agent-` and a UUID 4 in lower case, not {found[:60]!r}",
        remedy="correct it; or take it out, and the agent gets a new one at its next turn",
    )
    return None


def _type(top: SettingsTable) -> AgentType:
    found = top.text("type")
    if found is None:
        return _DEFAULT_TYPE
    if found in _TYPES:
        return cast("AgentType", found)  # Looked up.
    top.note(
        "type",
        f"there is no agent type {found[:60]!r}; the agent runs as {_DEFAULT_TYPE}",
        remedy=f"choose one of {', '.join(_TYPES)}",
    )
    return _DEFAULT_TYPE


def _handle(top: SettingsTable, key: str) -> str | None:
    """Return a text that means nothing when it is empty."""
    found = top.text(key)
    if found is not None and not found.strip():
        top.note(key, f"`{key}` is empty; it counts as absent", remedy="fill it in or take it out")
        return None
    return found


def _unique(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(dict.fromkeys(names))


def _table(top: SettingsTable, name: str, text: str) -> SettingsTable:
    return SettingsTable(
        top.table(name) or {},
        AGENT_TOML,
        line_of=partial(line_of, text, table=name),
        prefix=f"{name}.",
    )


def _compaction(top: SettingsTable, text: str) -> tuple[CompactionSettings, list[Problem]]:
    table = _table(top, "compaction", text)
    usual = CompactionSettings()
    mode = table.text("mode") or usual.mode
    if mode not in _COMPACTION_MODES:
        table.note(
            "mode",
            f"there is no compaction mode {mode[:60]!r}; it counts as {usual.mode}",
            remedy=f"choose one of {', '.join(_COMPACTION_MODES)}",
        )
        mode = usual.mode
    settings = CompactionSettings(
        mode=cast("CompactionMode", mode),  # Looked up.
        prompt=_handle(table, "prompt"),
        clip_chars=table.count("clip_chars") or usual.clip_chars,
        sliding_window_percentage=(
            table.share("sliding_window_percentage") or usual.sliding_window_percentage
        ),
        model=_handle(table, "model"),
    )
    return settings, table.problems


def _model_settings(top: SettingsTable, text: str) -> tuple[ModelSettings, list[Problem]]:
    table = _table(top, "model_settings", text)
    parallel = table.boolean("parallel_tool_calls")
    settings = ModelSettings(
        temperature=table.number("temperature"),
        max_output_tokens=table.count("max_output_tokens"),
        reasoning_effort=table.text("reasoning_effort"),
        think=table.boolean("think"),
        parallel_tool_calls=True if parallel is None else parallel,
        timeout_s=table.number("timeout_s"),
    )
    return settings, table.problems


def _tool_rules(top: SettingsTable, text: str) -> tuple[tuple[ToolRule, ...], list[Problem]]:
    """Return the rules that can be read, and a problem for each other one."""
    rules: list[ToolRule] = []
    problems: list[Problem] = []
    for index, table in enumerate(top.tables("tool_rules") or []):
        try:
            rules.append(parse_rule(table))
        except FieldFault as fault:
            line = line_of(text, "", table="tool_rules", index=index)
            message = f"tool rule {index + 1} is left out: {fault}"
            problems.append(Problem("tool-rule", AGENT_TOML, message, line=line))
    return tuple(rules), problems


def _key_lines(values: Mapping[str, Any]) -> list[str]:
    return [
        f"{toml_key(key)} = {toml_value(item)}" for key, item in values.items() if item is not None
    ]


def _top_values(settings: AgentSettings) -> dict[str, Any]:
    """Return the keys a fresh file has at its top, in order; None stands for one left out."""
    return {
        "id": settings.id,
        "name": settings.name,
        "type": settings.type,
        "description": settings.description or None,
        "model": settings.model,
        "base_url": settings.base_url,
        "embedding": settings.embedding,
        "context_window": settings.context_window,
        "timezone": settings.timezone,
        "created_at": settings.created_at,
        "tools": settings.tools,
        "tags": settings.tags or None,
        "max_steps": settings.max_steps if settings.max_steps != _DEFAULT_MAX_STEPS else None,
        "max_files_open": settings.max_files_open,
        "per_file_view_window_char_limit": settings.per_file_view_window_char_limit,
        **settings.extra,
    }


def _model_values(settings: ModelSettings) -> dict[str, Any]:
    """Return the keys of `[model_settings]`; None stands for one that is left out."""
    values = {field.name: getattr(settings, field.name) for field in fields(ModelSettings)}
    if settings.parallel_tool_calls:
        values["parallel_tool_calls"] = None
    return values


def _compaction_values(settings: CompactionSettings) -> dict[str, Any]:
    """Return the keys of `[compaction]`; None stands for one that has its default."""
    usual = CompactionSettings()
    return {
        field.name: value if (value := getattr(settings, field.name)) != default else None
        for field in fields(CompactionSettings)
        for default in [getattr(usual, field.name)]
    }


def _single(changes: Mapping[str, object | None]) -> Iterator[tuple[str, Any]]:
    """Yield the changes in TOML's own kinds, those of a table of settings one by one."""
    for key, value in changes.items():
        # Key by key, so that what else stands in the table stays there.
        match value:
            case ModelSettings():
                yield from ((f"{key}.{name}", it) for name, it in _model_values(value).items())
            case CompactionSettings():
                yield from ((f"{key}.{name}", it) for name, it in _compaction_values(value).items())
            case _:
                yield key, None if value is None else _plain(value)


def _plain(value: object) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case Mapping():
            return {_plain(key): _plain(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if isinstance(value, ToolRule):
            return _plain(render_rule(value))
        case _:
            return value
