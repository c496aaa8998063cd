"""conversation_search: finds what was said."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from lettafs.index.find import find_messages, moment_of
from lettafs.tools.base import Tool, ToolContext, parameters, span
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
    limit = args.get("limit")
    limit = _DEFAULT_LIMIT if limit is None else max(1, min(int(limit), _MAX_LIMIT))
    roles = args.get("roles") or ["assistant", "user"]
    recall = context.turn.home.recall
    since, until = span(context, args.get("start_date"), args.get("end_date"))
    run_id = context.turn.run_id
    hits = find_messages(
        # The present run is in front of the model; a reply that broke off is for people only.
        (m for m in recall.messages() if m.run_id != run_id and not m.partial),
        args.get("query") or "",
        limit=limit,
        roles=roles,
        since=since,
        until=until,
        skip=recall.dropped(),
    )
    if not hits:
        return json.dumps({"message": "No results found.", "results": []})
    results = []
    for hit in hits:
        then = moment_of(hit.created_at, zone=context.zone)
        results.append(
            {
                "timestamp": then.isoformat(timespec="seconds") if then else hit.created_at,
                "time_ago": time_ago(then, context.now) if then else "unknown",
                "role": hit.role,
                "content": _snippet(hit.text),
                "id": hit.id,
            }
        )
    shown = {"message": f"Showing {len(results)} results:", "results": results}
    return json.dumps(shown, ensure_ascii=False)


def _snippet(text: str) -> str:
    if len(text) <= _SNIPPET_CHARS:
        return text
    return f"{text[:_SNIPPET_CHARS]}... [{len(text) - _SNIPPET_CHARS} more characters]"


CONVERSATION_SEARCH = Tool(
    ToolSpec(
        "conversation_search",
        "Search everything ever said in this conversation, also what you no longer see.",
        parameters(
            query="string: words to look for; empty lists the newest",
            roles={
                "type": "array",
                "items": {"type": "string", "enum": ["assistant", "user", "tool"]},
                "description": "whose messages (default: assistant and user)",
            },
            limit="integer: how many results (default 5)",
            start_date="string: from this day or time on, like 2026-03-01 or 2026-03-01T14:30",
            end_date="string: up to and including this day or time",
        ),
    ),
    _search,
    parallel=True,
    return_limit_chars=None,
)
