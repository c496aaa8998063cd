"""conversation_search: finds what was said."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from lettafs.errors import ToolProblem
from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.index.moments import moment_of
from lettafs.tools.base import Tool, ToolContext, parameters, span
from lettafs.values.hit import Hit
from lettafs.values.tool import ToolSpec

__all__ = ["CONVERSATION_SEARCH", "time_ago"]

_DEFAULT_LIMIT = 5
_MAX_LIMIT = 50
_SNIPPET_CHARS = 1_500


def time_ago(then: datetime, now: datetime) -> str:
    """Return how long ago a moment was, as `5m ago`, `3h ago`, `12d ago`."""
    seconds = max(0, int((now - then).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def _search(context: ToolContext, args: dict[str, Any]) -> str:
    from lettafs.index.wanted import Wanted  # late: most turns search nothing

    query = args.get("query") or ""
    limit = args.get("limit")
    limit = _DEFAULT_LIMIT if limit is None else max(1, min(int(limit), _MAX_LIMIT))
    page = int(args.get("page") or 0)
    if page < 0:
        raise ToolProblem("page is counted from 0.")
    since, until = span(context, args.get("start_date"), args.get("end_date"))
    wanted = Wanted(
        zone=context.zone,
        now=context.now.astimezone(context.zone),
        since=since,
        until=until,
        roles=args.get("roles") or ("assistant", "user"),
        # The present run is in front of the model; a reply that broke off is for people only.
        without_run=context.turn.run_id,
        again=_left(context),
        partial=False,
        snippet_chars=_SNIPPET_CHARS,
    )
    finder = context.turn.home.finder
    hits = finder.messages(query, wanted, limit=limit, skip=page * limit)
    if not hits:
        return _lean({"message": "No results found.", "results": []})
    shown = [_result(hit, context) for hit in hits]
    which = "" if page == 0 else f" of page {page}"
    return _lean({"message": f"Showing {len(shown)} results{which}:", "results": shown})


def _left(context: ToolContext) -> frozenset[str]:
    """Return the messages of the present run that had to leave the window."""
    left: set[str] = set()
    for record in context.turn.home.recall.segments.backward():
        if isinstance(record, WindowRecord):
            left.update(record.drop)
        elif isinstance(record, MessageRecord) and record.message.run_id != context.turn.run_id:
            break
    return frozenset(left)


def _result(hit: Hit, context: ToolContext) -> dict[str, Any]:
    then = moment_of(hit.created_at, zone=context.zone)
    found: dict[str, Any] = {
        "timestamp": then.isoformat(timespec="seconds") if then else hit.created_at,
        "time_ago": time_ago(then, context.now) if then else "unknown",
        "role": hit.role or "",
    }
    if hit.name:
        found["name"] = hit.name
    found["content"] = hit.snippet
    if len(hit.text) > len(hit.snippet):
        found["of_chars"] = len(hit.text)
    return found | {"id": hit.id}


def _lean(value: dict[str, Any]) -> str:
    """Return the JSON without spaces: what a search may show is counted in characters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


CONVERSATION_SEARCH = Tool(
    ToolSpec(
        "conversation_search",
        "Search everything ever said in this conversation, also what you no longer see.",
        parameters(
            query="string: a question or words to look for; empty lists the newest",
            roles={
                "type": "array",
                "items": {"type": "string", "enum": ["assistant", "user", "tool"]},
                "description": "whose messages (default: assistant and user)",
            },
            limit="integer: how many results (default 5)",
            page="integer: 0 for the best results (default), 1 for the next, and so on",
            start_date="string: from this day or time on, like 2026-03-01 or 2026-03-01T14:30",
            end_date="string: up to and including this day or time",
        ),
    ),
    _search,
    parallel=True,
    return_limit_chars=None,
)
