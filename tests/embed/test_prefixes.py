"""What is put in front of a text, by the name of the model."""

from __future__ import annotations

import pytest

from lettafs.embed.prefixes import prefixes_of


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "),
        ("intfloat/e5-large-v2", "query: ", "passage: "),
        ("multilingual-e5-base", "query: ", "passage: "),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("snowflake-arctic-embed2:568m", "query: ", ""),
        ("embeddinggemma:300m", "task: search result | query: ", "title: none | text: "),
        ("text-embedding-3-small", "", ""),
        ("bge-m3", "", ""),
        ("all-minilm", "", ""),
    ],
)
def test_models_get_what_their_authors_say(model: str, query: str, passage: str) -> None:
    found = prefixes_of(model)
    assert (found.query, found.passage) == (query, passage)


@pytest.mark.parametrize(
    "model", ["mxbai-embed-large", "BAAI/bge-small-en-v1.5", "snowflake-arctic-embed:33m"]
)
def test_models_that_want_only_questions_marked_get_passages_plain(model: str) -> None:
    found = prefixes_of(model)
    assert found.query.startswith("Represent this sentence")
    assert found.passage == ""
