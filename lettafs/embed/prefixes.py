"""What some models want in front of a text, so that a question finds what answers it.

A server adds nothing by itself, so it is added here, by the model's name. Data, no behaviour but
the looking up.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Prefixes", "prefixes_of"]


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What goes in front, for each kind of text."""

    query: str = ""
    passage: str = ""


_SEARCHING = "Represent this sentence for searching relevant passages: "
_INSTRUCT = "Instruct: Given a question, retrieve passages that answer it\nQuery: "

_BY_NAME = (
    ("nomic-embed-text", Prefixes("search_query: ", "search_document: ")),
    ("embeddinggemma", Prefixes("task: search result | query: ", "title: none | text: ")),
    ("qwen3-embedding", Prefixes(_INSTRUCT)),
    ("e5-mistral", Prefixes(_INSTRUCT)),
    ("multilingual-e5-large-instruct", Prefixes(_INSTRUCT)),
    ("e5-", Prefixes("query: ", "passage: ")),
    ("mxbai-embed", Prefixes(_SEARCHING)),
    ("snowflake-arctic-embed2", Prefixes("query: ")),
    ("snowflake-arctic-embed-l-v2", Prefixes("query: ")),
    ("snowflake-arctic-embed-m-v2", Prefixes("query: ")),
    ("snowflake-arctic-embed", Prefixes(_SEARCHING)),
    ("bge-small-en", Prefixes(_SEARCHING)),
    ("bge-base-en", Prefixes(_SEARCHING)),
    ("bge-large-en", Prefixes(_SEARCHING)),
)
"""By a part of the name, as the models' authors say; the first that fits."""


def prefixes_of(model: str) -> Prefixes:
    """Return what this model wants; nothing for one that is not known."""
    name = model.lower()
    return next((found for part, found in _BY_NAME if part in name), Prefixes())
