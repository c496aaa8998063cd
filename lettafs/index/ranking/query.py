"""The query: what a question looks for, in a certain corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lettafs.index.corpus import Corpus
from lettafs.index.ranking.dates import Span, dates_in
from lettafs.index.ranking.expand import Term, term_for
from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.index.words import asked_words, fold, tokens_of

__all__ = ["Query", "read_query"]

_FEWEST_OF_A_SPEAKER = 3
"""Messages somebody must have said for their name to mean them as a speaker."""
_MOST_TOKENS = 256
_MOST_TERMS = 48
"""Of a longer query, say a pasted text, the rarest words are looked for."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for."""

    text: str
    terms: tuple[Term, ...]
    """Words, any of which makes a document one to look at."""
    speakers: tuple[str, ...] = ()
    """Labels of those among the participants whom the question names."""
    names: frozenset[str] = frozenset()
    """Words among the terms that are written as names."""
    dates: tuple[Span, ...] = ()
    dated: tuple[Term, ...] = ()
    """The words the dates are written with."""


def read_query(text: str, corpus: Corpus, *, now: datetime | None = None) -> Query:
    """Return what a question looks for.

    `now` gives the time zone of the days it names, and what "yesterday" means; see `dates_in`.
    """
    dates = dates_in(text, now=now)
    asked: dict[str, None] = {}
    common: dict[str, None] = {}
    names: set[str] = set()
    perhaps: set[str] = set()  # the first word: any word is written so there
    speakers: dict[str, list[str]] = {}
    plain = text.islower() or text.istitle() or text.isupper()
    for at, token in enumerate(_tokens_outside(text, dates)):
        words = asked_words(token)
        name = fold(token.removesuffix("'s").removesuffix("\u2019s"))
        if _is_stop(token, plain=plain):
            common.update(dict.fromkeys(words))
        elif len(corpus.labelled(f"who:{name}")) >= _FEWEST_OF_A_SPEAKER:
            speakers[f"who:{name}"] = words
        else:
            asked.update(dict.fromkeys(words))
            if token[0].isupper() and not plain and not token.isupper():
                names.update(words)
                if not at:
                    perhaps.update(words)
    if not asked and not dates:
        # Nothing but names, or common words: they are all there is to go by.
        spoken = [word for words in speakers.values() for word in words]
        asked = dict.fromkeys(spoken) or common
    terms = [term_for(word, corpus, name=word in names - perhaps) for word in asked]
    written = [word for span in dates for word in asked_words(text[span.at[0] : span.at[1]])]
    dated = [term_for(word, corpus, name=True) for word in dict.fromkeys(written)]
    return Query(
        text, _rarest(terms, corpus), tuple(speakers), frozenset(names), dates, tuple(dated)
    )


def _tokens_outside(text: str, dates: tuple[Span, ...]) -> Iterator[str]:
    """Yield the tokens of a question, the first ones, without its dates."""
    pieces, start = [], 0
    for span in dates:
        pieces.append(text[start : span.at[0]])
        start = span.at[1]
    pieces.append(text[start:])
    found: dict[str, None] = {}
    for piece in pieces:
        for token in tokens_of(piece):
            found[token] = None
            if len(found) > _MOST_TOKENS:
                break
    yield from found


def _is_stop(token: str, *, plain: bool) -> bool:
    if token.isupper() and len(token) > 1 and not plain:
        return False  # IT, US: written so on purpose
    bare = fold(token).replace("\u2019", "'")
    return bare.replace("'", "") in STOP_WORDS or bare.partition("'")[0] in STOP_WORDS


def _rarest(terms: list[Term], corpus: Corpus) -> tuple[Term, ...]:
    if len(terms) <= _MOST_TERMS:
        return tuple(terms)
    there = [term for term in terms if any(len(corpus.postings(word).docs) for word in term.words)]
    order = sorted(range(len(there)), key=lambda at: (-there[at].rarity, at))
    return tuple(there[at] for at in sorted(order[:_MOST_TERMS]))
