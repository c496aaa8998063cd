"""The model's products stay on one core, and the process gets its others back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from lettafs.embed.minilm.one_core import _functions, one_core

FOUND = _functions()
pytestmark = pytest.mark.skipif(FOUND is None, reason="numpy stands on another BLAS here")


def threads() -> int:
    assert FOUND is not None
    return FOUND[0]()


@pytest.fixture(autouse=True)
def three_threads_before() -> Iterator[None]:
    assert FOUND is not None
    get, limit = FOUND
    found = get()
    limit(3)
    yield
    limit(found)


def test_inside_there_is_one_thread_and_afterwards_as_many_as_before() -> None:
    with one_core():
        assert threads() == 1
        assert (np.ones((300, 300)) @ np.ones((300, 300)) == 300).all()
        with one_core():
            assert threads() == 1
        assert threads() == 1
    assert threads() == 3


def test_failure_inside_gives_the_threads_back() -> None:
    with pytest.raises(KeyError), one_core():
        raise KeyError
    assert threads() == 3


def test_last_of_several_threads_gives_them_back() -> None:
    together = Barrier(4, timeout=5)

    def work(number: int) -> int:
        with one_core():
            together.wait()
            return threads()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [1, 1, 1, 1]
    assert threads() == 3
