from __future__ import annotations

from lettafs.cli.saying import said


def test_arguments_that_are_not_json_say_nothing() -> None:
    assert said("{broken") is None
    assert said('["message"]') is None
    assert said('{"message": 3}') is None
    assert said("[" * 100_000) is None
