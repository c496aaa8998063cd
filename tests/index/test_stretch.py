"""Terms in a row: the same terms as one by one, in the same order."""

from __future__ import annotations

import numpy as np

from lettafs.index.engine.stretch import STRETCH_TERMS, Term, stretches


def test_terms_come_back_from_stretches_as_they_were() -> None:
    terms = [
        Term(f"{n:05}", np.arange(n % 5 + 1, dtype=np.int32), np.full(n % 5 + 1, n, np.int32))
        for n in range(2 * STRETCH_TERMS + 3)
    ]
    found = list(stretches(iter(terms)))
    assert [len(stretch.texts) for stretch in found] == [STRETCH_TERMS, STRETCH_TERMS, 3]
    again = [
        (text, stretch.docs[start:end].tolist(), stretch.counts[start:end].tolist())
        for stretch in found
        for text, start, end in zip(stretch.texts, stretch.starts, stretch.starts[1:], strict=False)
    ]
    assert again == [(term.text, term.docs.tolist(), term.counts.tolist()) for term in terms]


def test_no_terms_are_no_stretch() -> None:
    assert list(stretches([])) == []
