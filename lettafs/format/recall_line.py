"""The records of recall: what one journal line says, and how it is written.

Reading is lenient where a newer or a person's line adds something (unknown fields, part types and
record types are passed over or kept), and strict where a field is of the wrong kind: then the line
is a problem, and the others work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, assert_never, cast, get_args

from lettafs.format.fields import (
    FieldFault,
    optional_text,
    required_text,
    text_list,
    whole_number,
)
from lettafs.values.message import (
    Kind,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.problem import Problem
from lettafs.values.run import (
    STOP_REASONS,
    Run,
    RunStatus,
    Step,
    StopReason,
    Usage,
    run_status,
)
from lettafs.values.view import View

__all__ = [
    "EditRecord",
    "MessageRecord",
    "OtherRecord",
    "RecallRecord",
    "RunRecord",
    "StepRecord",
    "WindowReason",
    "WindowRecord",
    "parse_record",
    "render_record",
]

WindowReason = Literal["trim", "undo", "reset", "compaction", "files"]
"""Why the window changed. It is for people: the window is folded from the other fields."""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message was said."""

    seq: int
    """1, 2, 3, ... over all segments; 0 when the line has none. The same in every record."""
    message: Message


@dataclass(frozen=True, slots=True)
class EditRecord:
    """The agent is about to change a file of its memory."""

    seq: int
    path: str
    before: str | None
    """SHA-256 of the whole file before; None: there was none."""
    after: str | None
    """SHA-256 of the whole file after; None: it is deleted."""
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step is complete; its messages stand before it."""

    seq: int
    step: Step


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """What the model sees changes from here on."""

    seq: int
    reason: WindowReason | str
    start: str | None = None
    """Id of the first message still in the window; None: unchanged."""
    earlier: int = 0
    """How many messages lie before `start`."""
    drop: tuple[str, ...] = ()
    """Ids taken out of the window."""
    summary: str | None = None
    """Id of a message put at the window's front."""
    views: tuple[View, ...] | None = None
    """Which files are open from here on, least recently used first; None: unchanged, or with a
    `start` none."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run is over."""

    seq: int
    run: Run


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """A record of a type this version does not know: kept and skipped."""

    seq: int
    type: str
    data: Mapping[str, Any]
    """The whole record, `seq` and `type` included."""


RecallRecord = MessageRecord | EditRecord | StepRecord | WindowRecord | RunRecord | OtherRecord

_ROLES = frozenset(get_args(Role))
_KINDS = frozenset(get_args(Kind))
_STATUSES = frozenset(get_args(RunStatus))
_RETURN_STATUSES = frozenset({"success", "error"})
_USAGE_FIELDS = (
    "prompt_tokens",
    "completion_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "step_count",
)


def parse_record(record: Mapping[str, Any], *, path: str, line_no: int) -> RecallRecord | Problem:
    """Return what a line of recall says.

    Args:
        record: the line as `jsonl.unframe` gives it.
        path: the segment, for the problem's place.
        line_no: 1 is the segment's first line.
    """
    try:
        return _record(record)
    except FieldFault as fault:
        return Problem(
            "record",
            path,
            f"the record cannot be used: {fault}",
            line=line_no,
            remedy="the line is kept and skipped; mend it by hand, or take it from a commit",
        )


def render_record(record: RecallRecord) -> dict[str, Any]:
    """Return the record's fields in the order they are written in, for `jsonl.frame`.

    Fields of a message that have their default are left out.
    """
    match record:
        case MessageRecord(seq, message):
            return {"seq": seq, "type": "message", **_message_fields(message)}
        case EditRecord(seq, path, before, after, run_id):
            fields = {"path": path, "before": before, "after": after, "run_id": run_id}
            return {"seq": seq, "type": "edit", **fields}
        case StepRecord(seq, step):
            return {"seq": seq, "type": "step", **_step_fields(step)}
        case WindowRecord():
            return {"seq": record.seq, "type": "window", **_window_fields(record)}
        case RunRecord(seq, run):
            return {"seq": seq, "type": "run", **_run_fields(run)}
        case OtherRecord(seq, type_, data):
            return {"seq": seq, "type": type_} | {
                key: value for key, value in data.items() if key not in {"seq", "type"}
            }
        case _:
            assert_never(record)


def _record(record: Mapping[str, Any]) -> RecallRecord:
    seq = whole_number(record, "seq")
    match required_text(record, "type"):
        case "message":
            return MessageRecord(seq, _message(record))
        case "edit":
            return EditRecord(
                seq,
                path=required_text(record, "path"),
                before=optional_text(record, "before"),
                after=optional_text(record, "after"),
                run_id=optional_text(record, "run_id"),
            )
        case "step":
            return StepRecord(seq, _step(record))
        case "window":
            return WindowRecord(
                seq,
                reason=required_text(record, "reason"),
                start=optional_text(record, "start"),
                earlier=whole_number(record, "earlier"),
                drop=text_list(record, "drop"),
                summary=optional_text(record, "summary"),
                views=_views(record),
            )
        case "run":
            return RunRecord(seq, _run(record))
        case other:
            return OtherRecord(seq, other, record)


def _message(record: Mapping[str, Any]) -> Message:
    role = required_text(record, "role")
    if role not in _ROLES:
        raise FieldFault(f"there is no role {role!r}")
    kind = optional_text(record, "kind") or "message"
    if kind not in _KINDS:
        raise FieldFault(f"there is no kind of message {kind!r}")
    partial = record.get("partial", False)
    if not isinstance(partial, bool):
        raise FieldFault("`partial` has to be true or false")
    parts = record.get("parts")
    if not isinstance(parts, list):
        raise FieldFault("`parts` has to be a list")
    return Message(
        id=required_text(record, "id"),
        role=cast("Role", role),  # Both were looked up above.
        parts=tuple(map(_part, parts)),
        created_at=required_text(record, "created_at"),
        kind=cast("Kind", kind),
        run_id=optional_text(record, "run_id"),
        step_id=optional_text(record, "step_id"),
        partial=partial,
        name=optional_text(record, "name"),
        sender_id=optional_text(record, "sender_id"),
        otid=optional_text(record, "otid"),
        conversation_id=optional_text(record, "conversation_id") or "default",
    )


def _part(part: object) -> Part:
    if not isinstance(part, dict):
        raise FieldFault("each of `parts` has to be an object")
    match required_text(part, "type"):
        case "text":
            return TextPart(required_text(part, "text"))
        case "reasoning":
            return ReasoningPart(required_text(part, "text"), optional_text(part, "signature"))
        case "tool_call":
            return ToolCall(
                id=required_text(part, "id"),
                name=required_text(part, "name"),
                arguments=required_text(part, "arguments"),
            )
        case "tool_return":
            status = required_text(part, "status")
            if status not in _RETURN_STATUSES:
                raise FieldFault(f"a tool return is `success` or `error`, not {status!r}")
            return ToolReturn(
                call_id=required_text(part, "call_id"),
                name=required_text(part, "name"),
                status=cast("Literal['success', 'error']", status),  # Looked up above.
                text=required_text(part, "text"),
            )
        case _:
            return OpaquePart(part)


def _step(record: Mapping[str, Any]) -> Step:
    return Step(
        id=required_text(record, "id"),
        run_id=required_text(record, "run_id"),
        model=required_text(record, "model"),
        message_ids=text_list(record, "message_ids"),
        usage=_usage(record),
        stop_reason=_stop_reason(optional_text(record, "stop_reason")),
        estimate=whole_number(record, "estimate"),
    )


def _run(record: Mapping[str, Any]) -> Run:
    stop_reason = _stop_reason(required_text(record, "stop_reason")) or "error"
    status = required_text(record, "status")
    return Run(
        id=required_text(record, "id"),
        status=cast("RunStatus", status) if status in _STATUSES else run_status(stop_reason),
        stop_reason=stop_reason,
        model=required_text(record, "model"),
        usage=_usage(record),
        created_at=required_text(record, "created_at"),
        completed_at=required_text(record, "completed_at"),
        error=optional_text(record, "error"),
    )


def _stop_reason(name: str | None) -> StopReason | None:
    """Return the reason; one this version does not know is an `error`.

    A record with an unknown reason must still count: without it recovery would take the run for
    one that a crash had cut short.
    """
    if name is None:
        return None
    return cast("StopReason", name) if name in STOP_REASONS else "error"


def _usage(record: Mapping[str, Any]) -> Usage:
    usage = record.get("usage")
    if usage is None:
        return Usage()
    if not isinstance(usage, dict):
        raise FieldFault("`usage` has to be an object")
    return Usage(*(whole_number(usage, name) for name in _USAGE_FIELDS))


def _message_fields(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": message.id, "role": message.role}
    if message.kind != "message":
        fields["kind"] = message.kind
    fields["created_at"] = message.created_at
    fields["parts"] = [_part_fields(part) for part in message.parts]
    for name in ("run_id", "step_id"):
        if (value := getattr(message, name)) is not None:
            fields[name] = value
    if message.partial:
        fields["partial"] = True
    for name in ("name", "sender_id", "otid"):
        if (value := getattr(message, name)) is not None:
            fields[name] = value
    if message.conversation_id != "default":
        fields["conversation_id"] = message.conversation_id
    return fields


def _part_fields(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ReasoningPart(text, None):
            return {"type": "reasoning", "text": text}
        case ReasoningPart(text, signature):
            return {"type": "reasoning", "text": text, "signature": signature}
        case ToolCall(id_, name, arguments):
            return {"type": "tool_call", "id": id_, "name": name, "arguments": arguments}
        case ToolReturn(call_id, name, status, text):
            fields = {"call_id": call_id, "name": name, "status": status, "text": text}
            return {"type": "tool_return", **fields}
        case OpaquePart(data):
            return dict(data)
        case _:
            assert_never(part)


def _step_fields(step: Step) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": step.id,
        "run_id": step.run_id,
        "model": step.model,
        "message_ids": list(step.message_ids),
        "usage": asdict(step.usage),
        "stop_reason": step.stop_reason,
    }
    if step.estimate:
        fields["estimate"] = step.estimate
    return fields


def _window_fields(record: WindowRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {"reason": record.reason}
    if record.start is not None:
        fields |= {"start": record.start, "earlier": record.earlier}
    if record.drop:
        fields["drop"] = list(record.drop)
    if record.summary is not None:
        fields["summary"] = record.summary
    if record.views is not None:
        fields["views"] = [_view_fields(view) for view in record.views]
    return fields


def _view_fields(view: View) -> dict[str, Any]:
    fields: dict[str, Any] = {"file": view.file}
    if view.start:
        fields["start"] = view.start
    if view.length is not None:
        fields["length"] = view.length
    return fields


def _views(record: Mapping[str, Any]) -> tuple[View, ...] | None:
    """Return the open files a record tells of; what is no view among them is passed over."""
    listed = record.get("views")
    if not isinstance(listed, list):
        return None
    views = []
    for said in listed:
        if isinstance(said, dict) and isinstance(said.get("file"), str):
            start, length = (_count(said.get(key)) for key in ("start", "length"))
            views.append(View(said["file"], start or 0, length))
    return tuple(views)


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return cast("int", value) if is_count else None


def _run_fields(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "status": run.status,
        "stop_reason": run.stop_reason,
        "model": run.model,
        "usage": asdict(run.usage),
        "created_at": run.created_at,
        "completed_at": run.completed_at,
        "error": run.error,
    }
