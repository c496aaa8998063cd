"""A call's arguments, made short enough to be sent back to the model that wrote them.

Servers read them as a JSON object, so they are not cut like words: their long values are, and the
object stays whole.
"""

from __future__ import annotations

import json

from lettafs.context.tokens import ESTIMATED
from lettafs.llm.transcript import clip_middle

__all__ = ["clip_arguments"]

_LEAST_CHARS = 32
"""Values are cut to no fewer: an object still too long then has too many of them."""


def clip_arguments(arguments: str, *, limit_tokens: int) -> str:
    """Return arguments that cost about `limit_tokens` at most; shorter ones as they are.

    An object stays an object with the same keys, its long texts without their middle; one of too
    many values has its text under the key `_cut`. What is no object is cut like words.
    """
    cost = ESTIMATED.text(arguments)
    if cost <= limit_tokens:
        return arguments
    limit_chars = max(len(arguments) * limit_tokens // cost, 2)
    try:
        value = json.loads(arguments)
        if not isinstance(value, dict):
            return clip_middle(arguments, limit_chars)
        longest = limit_chars
        while longest >= _LEAST_CHARS:
            text = _dumped(_with_values(value, longest))
            if ESTIMATED.text(text) <= limit_tokens:
                return text
            longest //= 2
        return _dumped({"_cut": clip_middle(arguments, limit_chars * 2 // 3)})
    except (ValueError, RecursionError):
        return clip_middle(arguments, limit_chars)


def _with_values(value: object, longest: int) -> object:
    match value:
        case str():
            return clip_middle(value, longest)
        case dict():
            return {key: _with_values(each, longest) for key, each in value.items()}
        case list():
            return [_with_values(each, longest) for each in value]
        case _:
            return value


def _dumped(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # Half of a surrogate pair, which an escape can stand for, is no character to be sent.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
