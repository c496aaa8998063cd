"""A conversation as plain text: how a model that is to sum it up is shown it.

One entry a message, each beginning a line with its time and who speaks; further lines of an entry
are indented, so that nothing said can pass for another entry. What a summary has little use for is
cut: long arguments and tool returns. Thoughts and the rows that only keep the loop going are left
out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lettafs.values.message import Kind, Message, Role, TextPart, ToolCall, ToolReturn
from lettafs.values.told import told

__all__ = ["clip_middle", "entry_of", "read_transcript"]

_WORDS_CHARS = 8_000
_ARGUMENTS_CHARS = 300
_RETURN_CHARS = 800
_ENTRY = re.compile(r"\[(?P<when>[^\]\n]*)\] (?P<who>user|assistant|summary|tool [^\n:]*): ?")


def entry_of(message: Message, *, when: Callable[[str], str]) -> str:
    """Return a message's entry, or an empty text when it has nothing to tell.

    Args:
        message: any row of a window.
        when: how its time is written.
    """
    time = f"[{when(message.created_at)}]"
    return "\n".join(
        f"{time} {who}: " + words.replace("\n", "\n  ") for who, words in _spoken(message)
    )


def _spoken(message: Message) -> list[tuple[str, str]]:
    """Return who says what in a message."""
    if message.kind == "summary":
        return [("summary", message.text)]
    if message.kind not in ("message", "alert"):
        return []
    found: list[tuple[str, str]] = []
    for part in message.parts:
        match part:
            case TextPart(text=text) if text.strip():
                who = "assistant" if message.role == "assistant" else "user"
                found.append((who, clip_middle(text.strip(), _WORDS_CHARS)))
            case ToolCall(name="send_message", arguments=arguments) if words := told(arguments):
                found.append(("assistant", clip_middle(words, _WORDS_CHARS)))
            case ToolCall(name=name, arguments=arguments):
                found.append((f"tool call {_name(name)}", clip_middle(arguments, _ARGUMENTS_CHARS)))
            case ToolReturn(name=name, status=status, text=text) if name != "send_message":
                who = "tool return" if status == "success" else "tool error"
                found.append((f"{who} {_name(name)}", clip_middle(text, _RETURN_CHARS)))
            case _:
                continue
    return found


def _name(name: str) -> str:
    return re.sub(r"[\s:]+", "_", name)


def clip_middle(text: str, limit_chars: int) -> str:
    """Return a text of at most about `limit_chars`, its middle replaced by a note when longer."""
    if len(text) <= limit_chars:
        return text
    head = limit_chars * 2 // 3
    left_out = len(text) - limit_chars
    return f"{text[:head]} [... {left_out} characters left out ...] {text[head + left_out :]}"


def read_transcript(text: str) -> tuple[Message, ...]:
    """Return the words of a transcript as messages again, tool calls and returns left out.

    For a stand-in that reads no prose. Lines that belong to no entry are passed over.
    """
    found: list[tuple[str, str, list[str]]] = []
    inside = False
    for line in text.split("\n"):
        entry = _ENTRY.match(line)
        if entry is not None:
            found.append((entry["when"], entry["who"], [line[entry.end() :]]))
            inside = True
        elif inside and line.startswith("  "):
            found[-1][2].append(line[2:])
        else:
            inside = False
    return tuple(
        _message(number, when, who, "\n".join(lines))
        for number, (when, who, lines) in enumerate(found)
        if not who.startswith("tool ")
    )


def _message(number: int, when: str, who: str, words: str) -> Message:
    role: Role = "assistant" if who == "assistant" else "user"
    kind: Kind = "summary" if who == "summary" else "message"
    return Message(f"entry-{number}", role, (TextPart(words),), when, kind=kind)
