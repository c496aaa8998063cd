"""Which encoding a model speaks, by its name.

OpenAI publishes its encodings; other makers' models have their own, and get an estimate.
"""

from __future__ import annotations

import re

from lettafs.llm.providers import ALIASES, PROVIDERS

__all__ = ["encoding_name"]

_OPENAI = (
    (
        re.compile(r"gpt-4o|gpt-4\.\d|gpt-[5-9]|gpt-oss|chatgpt-|codex-|o[1-9](?![a-z\d])"),
        "o200k_base",
    ),
    # Azure's names have no dot: gpt-35-turbo.
    (re.compile(r"gpt-4(?![a-z\d])|gpt-3\.?5"), "cl100k_base"),
)
_OPEN_WEIGHTS = re.compile(r"gpt-oss")


def encoding_name(handle: str) -> str | None:
    """Return the name of a model's encoding; None: it is none of OpenAI's.

    The provider does not matter where it serves hosted models (`openrouter/openai/gpt-4.1` is
    gpt-4.1); on a person's own machine any model may have any name, and OpenAI's are those with
    open weights.
    """
    *path, model = handle.lower().split("/")
    # Scripts are named by their path: `scripted:replies.jsonl`.
    name = "".join(path[:1]).partition(":")[0]
    provider = PROVIDERS.get(ALIASES.get(name, name))
    if provider is not None and provider.kind == "builtin":
        return None
    if provider is not None and provider.local and not _OPEN_WEIGHTS.match(model):
        return None
    model = model.removeprefix("ft:")
    return next((encoding for pattern, encoding in _OPENAI if pattern.match(model)), None)
