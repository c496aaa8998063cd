"""The tools that change core memory, with the parameters and returns the Letta models learned.

Small edits are applied to the block as it is now, so that a person's edit of the same moment lives
on beside them. A rewrite of a whole block is refused when the block is no longer what the model
saw. A block's limit holds for what would grow it; a read-only block is a person's alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lettafs.errors import BlockChanged, BlockProblem, ToolProblem
from lettafs.tools.base import Tool, ToolContext, parameters
from lettafs.values.block import Block
from lettafs.values.tool import ToolSpec

__all__ = ["CORE_MEMORY_TOOLS"]

_LINE_NUMBERED = re.compile(r"^\s*\d+→", re.MULTILINE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BLANKS = re.compile(r"[ \t]+")
_LABEL = {"type": "string"}
_MAX_LINES_NAMED = 10


def _block(context: ToolContext, label: str) -> Block:
    """Return the block as it is now, or say which there are."""
    blocks = {block.label: block for block in context.turn.home.blocks().blocks}
    found = blocks.get(label)
    if found is None:
        known = ", ".join(sorted(blocks)) or "none"
        raise ToolProblem(f"There is no memory block labelled {label!r}. Your blocks: {known}.")
    return found


def _writable(context: ToolContext, label: str) -> Block:
    block = _block(context, label)
    if block.read_only:
        raise ToolProblem(
            f"The block {label!r} is read-only: only the person can change it. Tell them what "
            "you would change."
        )
    return block


def _within_limit(block: Block, value: str) -> str:
    """Return the value, or refuse one that grows the block beyond its limit."""
    over = len(value) - block.limit_chars
    if over > 0 and len(value) > len(block.value):
        raise ToolProblem(
            f"The block {block.label!r} would be {len(value)} characters, its limit is "
            f"{block.limit_chars}: {over} too many. Shorten or remove something in it first, or "
            "put the text into archival memory. Nothing was changed."
        )
    return value


def _refuse_line_numbers(*texts: str) -> None:
    for text in texts:
        if _LINE_NUMBERED.search(text):
            raise ToolProblem(
                "Line numbers are for display only: leave them out of the text. Nothing was "
                "changed."
            )


def _edit(context: ToolContext, label: str, change: Callable[[str], str]) -> str:
    """Change a block's value and return the new one."""
    block = _writable(context, label)

    def changed(current: Block) -> str:
        if current.read_only:
            raise ToolProblem(f"The block {label!r} is read-only.")
        return _within_limit(current, change(current.value))

    _, after = context.turn.edit_block(block, changed)
    return after


def _line_ends(value: str, text: str) -> str:
    """Give a text the line ends of the block it goes into."""
    if "\r\n" in value:
        return text.replace("\r\n", "\n").replace("\n", "\r\n")
    return text


def _found(value: str, old: str) -> str | None:
    """Return the text as it stands in the value, whichever way its lines end; None: nowhere."""
    return next((text for text in (old, _line_ends(value, old)) if text in value), None)


def _core_memory_append(context: ToolContext, args: dict[str, Any]) -> str:
    def change(value: str) -> str:
        content = _line_ends(value, args["content"])
        if not value:
            return content
        newline = "\r\n" if "\r\n" in value else "\n"
        return value + ("" if value.endswith("\n") else newline) + content

    return _edit(context, args["label"], change)


def _core_memory_replace(context: ToolContext, args: dict[str, Any]) -> str:
    old, new = args["old_content"], args["new_content"]
    if not old:
        raise ToolProblem("old_content is empty: name the text to be replaced.")

    def change(value: str) -> str:
        wanted = _found(value, old)
        if wanted is None:
            raise ToolProblem(_missing(old, args["label"], value))
        return value.replace(wanted, _line_ends(value, new))

    return _edit(context, args["label"], change)


def _missing(old: str, label: str, value: str) -> str:
    differs = ""
    if _found(_BLANKS.sub(" ", value), _BLANKS.sub(" ", old)) is not None:
        differs = " Only its tabs and spaces differ: repeat them as they stand in the block."
    return (
        f"The text {old!r} is not in the block {label!r}. It must match exactly.{differs} The "
        f"block now reads:\n{value}"
    )


def _memory_replace(context: ToolContext, args: dict[str, Any]) -> str:
    old, new = args["old_string"], args["new_string"]
    _refuse_line_numbers(old, new)
    if not old:
        raise ToolProblem("old_string is empty: name the text to be replaced.")

    def change(value: str) -> str:
        wanted = _found(value, old)
        if wanted is None:
            raise ToolProblem(_missing(old, args["label"], value))
        count = value.count(wanted)
        if count > 1:
            raise ToolProblem(
                f"The text {old!r} occurs {count} times in the block {args['label']!r} (lines "
                f"{_lines_with(value, wanted)}). Name more of what stands around the one you mean."
            )
        return value.replace(wanted, _line_ends(value, new))

    return _edit(context, args["label"], change)


def _lines_with(value: str, wanted: str) -> str:
    """Return the numbers of the lines on which a text begins, the first few of them, as words."""
    lines: dict[int, None] = {}
    line, seen, at = 1, 0, value.find(wanted)
    while at >= 0:
        line += value.count("\n", seen, at)
        lines[line] = None
        seen, at = at, value.find(wanted, at + len(wanted))
    named = ", ".join(map(str, list(lines)[:_MAX_LINES_NAMED]))
    more = len(lines) - _MAX_LINES_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _memory_insert(context: ToolContext, args: dict[str, Any]) -> str:
    _refuse_line_numbers(args["new_string"])
    after_line = args.get("insert_line", -1)

    def change(value: str) -> str:
        text = _line_ends(value, args["new_string"])
        newline = "\r\n" if "\r\n" in value else "\n"
        lines = _LINE.findall(value)  # at line feeds only, as the block's file has them
        if not -1 <= after_line <= len(lines):
            raise ToolProblem(
                f"insert_line must lie in [0, {len(lines)}], or be -1 for the end, "
                f"not {after_line}."
            )
        at = len(lines) if after_line == -1 else after_line
        if at > 0 and not lines[at - 1].endswith("\n"):
            lines[at - 1] += newline
        rest = "".join(lines[at:])
        joint = newline if rest and not text.endswith("\n") else ""
        return "".join(lines[:at]) + text + joint + rest

    return _edit(context, args["label"], change)


def _memory_rethink(context: ToolContext, args: dict[str, Any]) -> str:
    label, new = args["label"], args["new_memory"]
    _refuse_line_numbers(new)
    known = _known_values(context, label)

    def rewrite(current: Block) -> str:
        if current.read_only:
            raise ToolProblem(f"The block {label!r} is read-only.")
        if current.value not in known:
            raise BlockChanged(
                f"The block {label!r} was changed since you saw it. Nothing was overwritten. It "
                f"now reads:\n{current.value}\nPut together what it should say, and call again.",
                current=current.value,
            )
        return _within_limit(current, new)

    _, after = context.turn.edit_block(_writable(context, label), rewrite)
    return after


def _known_values(context: ToolContext, label: str) -> set[str]:
    """Return the values the model knows the block to have had: as shown, and as it made them."""
    known = {change.after for change in context.turn.changes if change.label == label}
    if label in context.seen:
        known.add(context.seen[label].value)
    return {value for value in known if value is not None}


def _omni(context: ToolContext, args: dict[str, Any]) -> str:
    command = args["command"]
    match command:
        case "create":
            return _omni_create(context, args)
        case "str_replace":
            return _memory_replace(
                context,
                {
                    "label": _path_label(args, "path"),
                    "old_string": _needed(args, "old_string"),
                    "new_string": args.get("new_string") or "",
                },
            )
        case "insert":
            line = args.get("insert_line")
            return _memory_insert(
                context,
                {
                    "label": _path_label(args, "path"),
                    "new_string": _needed(args, "insert_text"),
                    "insert_line": -1 if line is None else line,
                },
            )
        case "delete":
            label = _path_label(args, "path")
            context.turn.delete_block(_writable(context, label))
            kept = context.turn.home.git.available
            back = " It can be brought back from the history." if kept else ""
            return f"Deleted the block {label!r}.{back}"
        case "rename":
            return _omni_rename(context, args)
        case _:
            raise ToolProblem(
                f"{command!r} is no command: use create, str_replace, insert, delete or rename."
            )


def _needed(args: dict[str, Any], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise ToolProblem(f"The command {args['command']!r} needs {name}.")
    return value


def _path_label(args: dict[str, Any], name: str) -> str:
    path = f"{_needed(args, name).strip('/')}/".removeprefix("memories/")
    return path.strip("/").removesuffix(".md")


def _omni_create(context: ToolContext, args: dict[str, Any]) -> str:
    label = _path_label(args, "path")
    description = _needed(args, "description")
    if not label:
        raise ToolProblem("The path names no block: use /memories/LABEL.")
    text = args.get("file_text") or ""
    context.turn.create_block(label, _within_limit(Block(label, ""), text), description=description)
    return f"Made the block {label!r}."


def _omni_rename(context: ToolContext, args: dict[str, Any]) -> str:
    if args.get("old_path") is None and args.get("path") is not None:
        label = _path_label(args, "path")
        context.turn.edit_header(
            _writable(context, label), "description", _needed(args, "description")
        )
        return f"Changed the description of the block {label!r}."
    old, new = _path_label(args, "old_path"), _path_label(args, "new_path")
    if not new:
        raise ToolProblem("new_path names no block: use /memories/LABEL.")
    try:
        context.turn.rename_block(_writable(context, old), new)
    except BlockProblem as error:
        raise ToolProblem(str(error)) from error
    return f"Renamed the block {old!r} to {new!r}."


def _tool(
    name: str,
    about: str,
    schema: dict[str, Any],
    call: Callable[[ToolContext, dict[str, Any]], str],
) -> Tool:
    return Tool(ToolSpec(name, about, schema), call)


CORE_MEMORY_TOOLS: tuple[Tool, ...] = (
    _tool(
        "core_memory_append",
        "Add text as a new line at the end of a memory block.",
        parameters("label content", label=_LABEL, content="string: text to add"),
        _core_memory_append,
    ),
    _tool(
        "core_memory_replace",
        "Replace text in a memory block. To delete it, give an empty new_content.",
        parameters(
            "label old_content new_content",
            label=_LABEL,
            old_content="string: exact text that is there",
            new_content="string: text to put there",
        ),
        _core_memory_replace,
    ),
    _tool(
        "memory_replace",
        "Replace one exact text in a memory block. To delete it, give an empty new_string.",
        parameters(
            "label old_string new_string",
            label=_LABEL,
            old_string="string: exact text that occurs once in the block",
            new_string="string: text to put there",
        ),
        _memory_replace,
    ),
    _tool(
        "memory_insert",
        "Insert text as a line of its own into a memory block.",
        parameters(
            "label new_string",
            label=_LABEL,
            new_string="string: text to insert",
            insert_line={
                "type": "integer",
                "description": "after which line: 0 for the beginning, -1 for the end (default)",
            },
        ),
        _memory_insert,
    ),
    _tool(
        "memory_rethink",
        "Rewrite a whole memory block, for reorganising it; for small changes use the other tools.",
        parameters(
            "label new_memory", label=_LABEL, new_memory="string: everything the block should say"
        ),
        _memory_rethink,
    ),
    _tool(
        "memory",
        "Work on memory blocks as files /memories/LABEL. create: path, description, file_text. "
        "str_replace: path, old_string, new_string. insert: path, insert_line, insert_text. "
        "delete: path. rename: old_path, new_path; or path, description to describe it anew.",
        parameters(
            "command",
            command={
                "type": "string",
                "enum": ["create", "str_replace", "insert", "delete", "rename"],
            },
            path={"type": "string"},
            file_text={"type": "string"},
            description={"type": "string"},
            old_string={"type": "string"},
            new_string={"type": "string"},
            insert_line={"type": "integer"},
            insert_text={"type": "string"},
            old_path={"type": "string"},
            new_path={"type": "string"},
        ),
        _omni,
    ),
)
