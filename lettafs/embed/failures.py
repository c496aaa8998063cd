"""What went wrong at an embedding server, in plain words, and whether to ask again.

Every message says what happened, where, and what to do. What a server wrote is quoted, shortened
and cleaned first: control characters go, and so does anything that looks like a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from lettafs.errors import EmbedProblem

__all__ = ["Asked", "Refused", "Remedy", "from_setup", "from_status", "from_transport", "nonsense"]

Remedy = Literal["none", "again", "less"]
"""What may help at once: nothing, the same request again, or a smaller one."""

_QUOTE_CHARS = 300

_TOO_MUCH = re.compile(
    r"context[_ ](length|size|window)"
    r"|(input|text|prompt|sequence)\b.{0,40}\b(too (long|large)|exceed|longer than)"
    r"|exceed\w*\b.{0,60}\b(token|length|batch|context|size)"
    r"|(maximum|max)\b.{0,30}\b(tokens|input|batch|length)"
    r"|too many (inputs?|texts?|tokens|items)"
    r"|batch size|too large to process|larger than the",
    re.IGNORECASE | re.DOTALL,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|credits?|balance|funds)|exceeded your current quota"
    r"|credit balance|payment required|billing",
    re.IGNORECASE,
)
_NO_VECTORS = re.compile(
    r"(not|n't) support (text )?embedding|embeddings? (is|are) not|not an embedding|--embedding"
    # Ollama, when a model gives no numbers for a text; it never does for that text.
    r"|unsupported value: NaN",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(r"(invalid|incorrect|missing|wrong|no)[_ ]api[_ ]?key|unauthori[sz]ed", re.I)
_KEY_LIKE = re.compile(r"\b(sk|pk|gsk|xai|key|Bearer)[-_ ][\w*.-]{6,}|\bAIza[\w*-]{6,}", re.I)
_USER_INFO = re.compile(r"//[^/\s]*@")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked: the "where" of every message."""

    name: str
    """The embedder's, `provider/model`."""
    base_url: str
    key: str | None = field(default=None, repr=False)

    @property
    def who(self) -> str:
        """Embedder and address."""
        return f"{self.name} at {self.base_url}"

    @property
    def model(self) -> str:
        """The server's own name for it."""
        return self.name.partition("/")[2]

    def quote(self, text: str) -> str:
        """Return `: "text"`, fit for a terminal and without keys; nothing for blank text."""
        if self.key:
            text = text.replace(self.key, "[key]")
        text = _USER_INFO.sub("//", " ".join(_UNFIT.sub(" ", text).split()))
        text = _KEY_LIKE.sub("[key]", text)
        if len(text) > _QUOTE_CHARS:
            text = f"{text[:_QUOTE_CHARS]}…"
        return f': "{text}"' if text else ""


class Refused(Exception):
    """One request that failed: the problem to tell, and what may help. It stays in this room."""

    def __init__(
        self, problem: EmbedProblem, *, remedy: Remedy = "none", wait_s: float | None = None
    ) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.remedy = remedy
        self.wait_s = wait_s
        """Seconds the server asked us to wait."""


def from_status(
    status: int, text: str, *, asked: Asked, headers: Mapping[str, str] | None = None
) -> Refused:
    """Return what an HTTP status means.

    Args:
        status: the HTTP status.
        text: the server's message, as it wrote it.
        asked: whom.
        headers: of the response, with lower-case names.
    """
    headers = headers or {}
    said = asked.quote(text)
    # Wording first: servers disagree about statuses, and llama.cpp says 500 for most things.
    if status == 402 or _NO_CREDIT.search(text):
        return _final(f"The account behind {asked.who} has no credit left{said}. Top it up.")
    if status == 413 or (status not in (401, 403, 404, 429) and _TOO_MUCH.search(text)):
        problem = EmbedProblem(
            f"{asked.who} cannot read so much at once{said}. Choose a model with a larger window,"
            " or start the server with one."
        )
        return Refused(problem, remedy="less")
    if _NO_VECTORS.search(text):
        return _final(
            f"{asked.who} makes no vectors{said}. Choose an embedding model, or start the server"
            " for embeddings."
        )
    return _by_status(status, said, text=text, asked=asked, headers=headers)


def _by_status(
    status: int, said: str, *, text: str, asked: Asked, headers: Mapping[str, str]
) -> Refused:
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(text)):
        what = "wants a key" if asked.key is None else "refused the key"
        return _final(
            f"{asked.who} {what}{said}. Set the right one in the environment or in the agent's"
            " .env file."
        )
    if 300 <= status < 400:
        target = asked.quote(headers.get("location", ""))
        return _final(
            f"{asked.who} sends requests elsewhere (status {status}){target}. Redirects are not"
            " followed; if you trust the place, make it the base URL."
        )
    if status == 429:
        return _later(f"{asked.who} refuses for now: too many requests{said}.", headers=headers)
    if status in (408, 409, 425) or (status >= 500 and status not in (501, 505)):
        return _later(f"{asked.who} failed on its side (status {status}){said}.", headers=headers)
    if status == 404:
        return _final(_not_found(asked, said=said))
    return _final(
        f"{asked.who} refused the request (status {status}){said}. Check the embedder's name."
    )


def from_transport(error: BaseException, *, asked: Asked) -> Refused:
    """Return what a failed connection means, from the errors that caused it."""
    chain = [*_causes(error)]
    names = " ".join(type(link).__name__ for link in chain)
    words = " ".join(str(link) for link in chain)
    if "CERTIFICATE" in words or "SSL" in names:
        return _final(
            f"No secure connection to {asked.who}{asked.quote(words)}. Check the address, the"
            " clock, and a proxy that may stand in between."
        )
    if "gaierror" in names or re.search(r"name or service|nodename|getaddrinfo|resolution", words):
        return _unreachable(
            f"The address of {asked.who} is not known here. Check the spelling and your network."
        )
    if "Timeout" in names and "ConnectTimeout" not in names:
        return _unreachable(
            f"{asked.who} did not answer in time. Try again later, or allow more time."
        )
    if re.search(r"ConnectTimeout|ConnectError|ConnectionRefused|^ConnectionError", names):
        return _unreachable(
            f"Nothing answers at {asked.base_url}, where {asked.name} should be. Start the server"
            " there, or check the base URL."
        )
    problem = EmbedProblem(
        f"The connection to {asked.who} broke before it answered{asked.quote(words)}. Try again"
        " later.",
        transient=True,
    )
    return Refused(problem, remedy="again")


def from_setup(error: Exception, *, asked: Asked) -> Refused:
    """Return what it means that a connection could not even be prepared."""
    return _final(
        f"No connection to {asked.who} can be prepared{asked.quote(str(error))}. Check the proxy"
        " and certificate variables of the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY,"
        " SSL_CERT_FILE)."
    )


def nonsense(what: str, *, asked: Asked) -> Refused:
    """Return what an answer means that is none; `what` continues "it sent "."""
    return _final(
        f"{asked.who} answered, but it sent {what}. Check that an embedding model is served there,"
        " and that the base URL ends where its API begins (often /v1)."
    )


def _final(message: str) -> Refused:
    return Refused(EmbedProblem(message))


def _unreachable(message: str) -> Refused:
    # Not asked again at once: whoever waits for a search should not wait for this.
    return Refused(EmbedProblem(message, transient=True))


def _later(message: str, *, headers: Mapping[str, str]) -> Refused:
    wait_s = _retry_after(headers)
    when = f"in {wait_s:.0f} seconds" if wait_s else "in a moment"
    problem = EmbedProblem(f"{message} Try again {when}.", transient=True)
    return Refused(problem, remedy="again", wait_s=wait_s)


def _not_found(asked: Asked, *, said: str) -> str:
    if asked.name.startswith("ollama/"):
        return f"{asked.who} is not there{said}. Fetch it: ollama pull {asked.model}"
    return (
        f"{asked.who} is not there{said}. Check the model's name, and that the base URL ends where"
        " the API begins (often /v1)."
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, from the headers."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            return float(value) / scale
    # A date is measured against the server's own clock: ours may be wrong, and is not read.
    then, now = _date(headers.get("retry-after", "")), _date(headers.get("date", ""))
    return max(0.0, (then - now).total_seconds()) if then and now else None


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
        link = link.__cause__ or link.__context__
