"""The archival pair: put a note away, find it again."""

from __future__ import annotations

import json
from typing import Any

from lettafs.errors import ToolProblem
from lettafs.index.moments import moment_of
from lettafs.tools.base import Tool, ToolContext, parameters, span
from lettafs.values.event import Notice
from lettafs.values.hit import Hit
from lettafs.values.passage import Passage
from lettafs.values.tool import ToolSpec

__all__ = ["ARCHIVAL_TOOLS"]

_DEFAULT_TOP_K = 5
_MAX_TOP_K = 100
_TAGS = {"type": "array", "items": {"type": "string"}}


def _insert(context: ToolContext, args: dict[str, Any]) -> str:
    text = args["content"]
    if not text.strip():
        raise ToolProblem("content is empty: there is nothing to put away.")
    turn = context.turn
    tags = _tags(args)
    passage = Passage(turn.new_id("passage"), text, turn.time(), tags, run_id=turn.run_id)
    turn.insert_passages([passage])
    with_tags = f" with tags {', '.join(tags)}" if tags else ""
    return f"Put away in archival memory as {passage.id}{with_tags}."


def _tags(args: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in args.get("tags") or [] if tag.strip()))


def _search(context: ToolContext, args: dict[str, Any]) -> str:
    if not args["query"].strip():
        return "[]"
    from lettafs.index.wanted import Wanted  # late: most turns search nothing

    top_k = args.get("top_k")
    limit = _DEFAULT_TOP_K if top_k is None else max(1, min(int(top_k), _MAX_TOP_K))
    page = max(0, int(args.get("page") or 0))
    since, until = span(context, args.get("start_datetime"), args.get("end_datetime"))
    wanted = Wanted(
        zone=context.zone,
        now=context.now.astimezone(context.zone),
        since=since,
        until=until,
        tags=_tags(args),
        all_tags=args.get("tag_match_mode") == "all",
    )
    finder = context.turn.home.finder
    hits = finder.passages(args["query"], wanted, limit=limit, skip=page * limit)
    trouble = finder.trouble
    if trouble is not None and all(told.text != trouble for told in context.turn.notices):
        context.turn.notices.append(Notice(trouble, "warning", "embedder"))
    return json.dumps([_result(hit, context) for hit in hits], ensure_ascii=False)


def _result(hit: Hit, context: ToolContext) -> dict[str, Any]:
    found: dict[str, Any] = {"id": hit.id, "timestamp": _local(hit.created_at, context)}
    if hit.piece:
        found["piece"] = hit.piece
    if hit.heading:
        found["heading"] = hit.heading
    return found | {"content": hit.text, "tags": list(hit.tags)}


def _local(created_at: str, context: ToolContext) -> str:
    moment = moment_of(created_at, zone=context.zone)
    return created_at if moment is None else moment.isoformat(timespec="seconds")


ARCHIVAL_TOOLS: tuple[Tool, ...] = (
    Tool(
        ToolSpec(
            "archival_memory_insert",
            "Put a note into archival memory, to be found again by search.",
            parameters(
                "content",
                content="string: the note, complete in itself",
                tags=_TAGS | {"description": "words to find it by"},
            ),
        ),
        _insert,
    ),
    Tool(
        ToolSpec(
            "archival_memory_search",
            "Search the notes in archival memory, by words and by meaning.",
            parameters(
                "query",
                query="string: what to look for",
                tags=_TAGS | {"description": "only notes with these tags"},
                tag_match_mode={"type": "string", "enum": ["any", "all"]},
                top_k="integer: how many results (default 5)",
                page="integer: 0 for the best results (default), 1 for the next, and so on",
                start_datetime="string: from this day or time on",
                end_datetime="string: up to and including this day or time",
            ),
        ),
        _search,
        parallel=True,
        return_limit_chars=None,
    ),
)
