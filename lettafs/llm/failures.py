"""What went wrong at a provider, in plain words: statuses and transport errors to `ModelProblem`s.

Every message says what happened, where, and what to do. What a provider wrote is quoted, shortened
and cleaned first: control characters go, and so does anything that looks like a key.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from lettafs.errors import (
    ConnectionImpossible,
    ContextOverflow,
    ModelAuthProblem,
    ModelOutOfCredit,
    ModelOverloaded,
    ModelProblem,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelTimeout,
    ModelUnreachable,
    StreamCut,
)
from lettafs.llm.catalog import Endpoint
from lettafs.values.message import Part

__all__ = ["Asked", "cut", "from_setup", "from_status", "from_transport", "quote", "silent"]

_QUOTE_CHARS = 300

_OVERFLOW = re.compile(
    r"context[_ ]length[_ ]exceeded"
    r"|maximum context length"
    r"|exceed\w*( the)?( model'?s?)?( available| maximum| max)? context"
    r"|context (size|length|window) (has been |is |was )?(exceeded|too small)"
    r"|(prompt|input|request|message\w*) (is|are|was) too (long|large)"
    r"|input (length|token count|tokens)[^.]{0,40}exceed"
    r"|exceeds? the maximum (number of (input )?tokens|input length|prompt length)"
    r"|larger than the (model'?s? )?(maximum )?context"
    r"|greater than the context length"
    r"|longer than the (model'?s? )?(maximum )?context"
    r"|too many (input )?tokens"
    r"|maximum prompt length"
    r"|reduce the length of the (messages|prompt|input)"
    r"|n_keep\b.{0,20}>=? ?n_ctx"
    r"|token limit exceeded"
    r"|exceed_context_size",
    re.IGNORECASE | re.DOTALL,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|credits?|balance|funds)|exceeded your current quota"
    r"|credit balance is too low|payment required|billing[_ ](hard[_ ])?limit",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"(invalid|incorrect|no|missing|wrong)[_ ](api[_ ]?key|token|credentials)"
    r"|api[_ ]?key[_ ](not valid|invalid)|unauthori[sz]ed",
    re.IGNORECASE,
)
_RATE = re.compile(r"rate[_ ]limit|too many requests", re.IGNORECASE)
_FINAL = (
    (
        re.compile(
            r"does not support tools|tools? (use |calling )?(is|are) not supported"
            r"|support tool use",
            re.IGNORECASE,
        ),
        "cannot call tools",
        "An agent needs them to keep its memory: choose a model that can.",
    ),
    (
        re.compile(r"does not support thinking", re.IGNORECASE),
        "cannot think aloud",
        "Remove `think` from [model_settings] in agent.toml.",
    ),
    (
        re.compile(r"requires more system memory|out of memory|cudaMalloc failed", re.IGNORECASE),
        "does not fit into this machine's memory",
        "Choose a smaller model, or a smaller context_window.",
    ),
    (
        re.compile(r"\bjinja\b|chat template|raise_exception|roles must alternate", re.IGNORECASE),
        "has a chat template that refused the conversation",
        "Choose another model, or serve this one with another template.",
    ),
)
"""Words, what they mean, what to do: failures that no second try mends, whatever the status."""
_WAIT_IN_TEXT = re.compile(
    r"(?:try again in|retry(?:Delay| after| in))\W{0,5}"
    r"(?:(\d+)m(?!s))?\s*(?:(\d+(?:\.\d+)?)(ms|s)\b)?",
    re.I,
)
_KEY_LIKE = re.compile(r"\b(sk|pk|gsk|xai|key|Bearer)[-_ ][\w*.-]{6,}|\bAIza[\w*-]{6,}", re.I)
_USER_INFO = re.compile(r"//[^/\s]*@")
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])?|[\x00-\x1a\x1c-\x1f\x7f-\x9f]+")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of whom: the "where" of every message."""

    endpoint: Endpoint
    model: str

    @property
    def title(self) -> str:
        """The provider as people write it."""
        return self.endpoint.provider.title

    @property
    def where(self) -> str:
        """Provider and address."""
        return f"{self.title} at {self.endpoint.base_url}"

    @property
    def who(self) -> str:
        """Model, provider and address."""
        return f"{self.model} ({self.where})"


def from_status(
    status: int,
    text: str,
    *,
    asked: Asked,
    code: str = "",
    headers: Mapping[str, str] | None = None,
) -> ModelProblem:
    """Return what an HTTP status, or an error inside a stream, means.

    Args:
        status: the HTTP status; 0 for an error inside a stream without one.
        text: the provider's message, as it wrote it.
        asked: whom, and for what.
        code: the provider's own error code or type.
        headers: of the response, with lower-case names.
    """
    headers = headers or {}
    said = quote(text, key=asked.endpoint.api_key)
    wait_s = _retry_after(headers, text)
    # Wording first: providers disagree about statuses, and llama.cpp says 500 for most things.
    problem = _by_words(status, f"{code} {text}", asked=asked, said=said, wait_s=wait_s)
    if problem is not None:
        return problem
    if 300 <= status < 400:
        target = quote(headers.get("location", ""), key=asked.endpoint.api_key)
        return ModelRefusedRequest(
            f"{asked.where} sends requests elsewhere (status {status}){target}. Redirects are not"
            " followed; if you trust the place, make it the base URL."
        )
    return _by_status(status, asked=asked, said=said, wait_s=wait_s)


def _by_words(
    status: int, evidence: str, *, asked: Asked, said: str, wait_s: float | None
) -> ModelProblem | None:
    """Return what the provider's words mean beyond doubt, or None."""
    if status == 402 or _NO_CREDIT.search(evidence):
        return ModelOutOfCredit(
            f"The account at {asked.title} has no credit left{said}. Top it up."
        )
    if status == 413 or (status != 429 and _OVERFLOW.search(evidence)):
        return ContextOverflow(
            f"The conversation is longer than {asked.who} can read{said}. Use a larger"
            " context_window, or a model that has one."
        )
    if status == 429 or _RATE.search(evidence):
        return _rate_limited(asked, said=said, wait_s=wait_s)
    if status == 401 or (status in (0, 400) and _BAD_KEY.search(evidence)):
        return ModelAuthProblem(_bad_key(asked, said=said))
    for pattern, what, remedy in _FINAL:
        if pattern.search(evidence):
            return ModelRefusedRequest(f"{asked.who} {what}{said}. {remedy}")
    return None


def _by_status(status: int, *, asked: Asked, said: str, wait_s: float | None) -> ModelProblem:
    """Return what the bare status means; 0 is an error inside a stream."""
    if status == 403:
        return ModelAuthProblem(
            f"{asked.where} does not let this key use {asked.model}{said}. Check the account's"
            " permissions, or choose another model."
        )
    if status in (408, 504):
        return ModelTimeout(f"{asked.who} took too long (status {status}){said}. Try again.")
    if status in (0, 409, 425) or (status >= 500 and status not in (501, 505)):
        number = f" (status {status})" if status else ""
        return ModelOverloaded(
            f"{asked.who} failed on its side{number}{said}. Try again in a moment.",
            retry_after_s=wait_s,
        )
    if status == 404:
        return ModelRefusedRequest(_not_found(asked, said=said))
    return ModelRefusedRequest(
        f"{asked.who} refused the request (status {status}){said}. Check the model's name and"
        " [model_settings] in agent.toml."
    )


def from_transport(error: BaseException, *, asked: Asked) -> ModelProblem:
    """Return what a failed connection means, from the errors that caused it."""
    chain = [*_causes(error)]
    names = " ".join(type(link).__name__ for link in chain)
    words = " ".join(str(link) for link in chain)
    hint = asked.endpoint.provider.start_hint if asked.endpoint.on_this_machine else ""
    if any(isinstance(link, ssl.SSLError) for link in chain) or "CERTIFICATE" in words:
        return ModelUnreachable(
            f"No secure connection to {asked.where}{quote(words)}. Check the address, the clock,"
            " and a proxy that may stand in between."
        )
    if "gaierror" in names or re.search(r"name or service|nodename|getaddrinfo|resolution", words):
        return ModelUnreachable(
            f"The address of {asked.where} is not known here. Check the spelling and your network."
        )
    if "ConnectTimeout" in names:
        return ModelUnreachable(
            f"{asked.where} does not accept connections in time. {hint}".strip()
        )
    if "Timeout" in names:
        return silent(None, asked=asked)
    if re.search(r"ConnectError|ConnectionRefused|^ConnectionError", names) or "refused" in words:
        return ModelUnreachable(f"Nothing answers at {asked.endpoint.base_url}. {hint}".strip())
    return ModelUnreachable(
        f"The connection to {asked.where} broke before it answered{quote(words)}. {hint}".strip()
    )


def from_setup(error: Exception, *, asked: Asked) -> ConnectionImpossible:
    """Return what it means that a connection could not even be prepared."""
    # A proxy's address may hold a password.
    said = quote(_USER_INFO.sub("//", str(error)), key=asked.endpoint.api_key)
    return ConnectionImpossible(
        f"No connection to {asked.where} can be prepared{said}. Check the proxy and certificate"
        " variables of the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE)."
    )


def silent(after_s: float | None, *, asked: Asked) -> ModelTimeout:
    """Return the problem of a model that said nothing."""
    span = f" within {after_s:g} seconds" if after_s is not None else " in time"
    return ModelTimeout(
        f"{asked.who} did not begin to answer{span}. Try again, or allow more with timeout_s under"
        " [model_settings] in agent.toml."
    )


def cut(why: str, *, asked: Asked, parts: tuple[Part, ...]) -> StreamCut:
    """Return the problem of a reply that broke off; `why` continues "broke off: "."""
    return StreamCut(
        f"The reply of {asked.who} broke off: {why}. What had arrived is kept; ask again.",
        parts=tuple(parts),
    )


def quote(text: str, *, key: str | None = None) -> str:
    """Return `: "text"`, fit for a terminal and without keys; nothing for blank text."""
    if key:
        text = text.replace(key, "[key]")
    text = _DIRECTION.sub("", _ESCAPE.sub(" ", text))
    text = _KEY_LIKE.sub("[key]", " ".join(text.split()))
    if len(text) > _QUOTE_CHARS:
        text = f"{text[:_QUOTE_CHARS]}…"
    return f': "{text}"' if text else ""


def _rate_limited(asked: Asked, *, said: str, wait_s: float | None) -> ModelRateLimited:
    when = f"in {wait_s:.0f} seconds" if wait_s else "in a moment"
    return ModelRateLimited(
        f"{asked.title} refuses for now: too many requests for {asked.model}{said}. Try again"
        f" {when}.",
        retry_after_s=wait_s,
    )


def _bad_key(asked: Asked, *, said: str) -> str:
    variable = asked.endpoint.key_env
    if asked.endpoint.api_key is None:
        name = f" in {variable}" if variable else ""
        return f"{asked.where} wants a key{said}. Set one{name}, or try --model lettafs/offline."
    return (
        f"{asked.where} refused the key in {variable}{said}. Set the right one in the environment"
        " or in the agent's .env file."
    )


def _not_found(asked: Asked, *, said: str) -> str:
    if asked.endpoint.provider.kind == "ollama":
        return (
            f"{asked.where} does not have {asked.model}{said}. Fetch it: ollama pull {asked.model}"
        )
    return (
        f"{asked.where} does not know {asked.model}{said}. See what it has with `lettafs models`,"
        " and check that the base URL ends where its API begins (often /v1)."
    )


def _retry_after(headers: Mapping[str, str], text: str) -> float | None:
    """Return the seconds to wait, from the headers or from the provider's words."""
    found = _seconds(headers.get("retry-after-ms", ""), scale=1000.0)
    if found is not None:
        return found
    value = headers.get("retry-after", "").strip()
    found = _seconds(value)
    if found is not None:
        return found
    if value:
        # A date is measured against the server's own clock: ours may be wrong, and is not read.
        then, now = _date(value), _date(headers.get("date", ""))
        if then is not None and now is not None:
            return max(0.0, (then - now).total_seconds())
    match = _WAIT_IN_TEXT.search(text)
    if match is None or not (match[1] or match[2]):
        return None
    rest = float(match[2] or 0) / (1000 if match[3] == "ms" else 1)
    return int(match[1] or 0) * 60 + rest


def _seconds(value: str, *, scale: float = 1.0) -> float | None:
    return float(value) / scale if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value.strip()) else None


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo is not None else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it came from."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            yield from link.exceptions
        link = link.__cause__ or link.__context__
