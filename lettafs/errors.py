"""Everything lettafs raises on purpose, in one tree.

    LettafsError                     exit code 1
    ├── UsageProblem                 2  what was asked for makes no sense
    ├── NotAnAgent                   3  the directory is not an agent, or cannot be read
    │   └── FormatTooNew             3  written by a newer lettafs
    ├── Busy                         5  another process holds the turn
    ├── DiskProblem                  1  the disk refused (full, read-only, input/output error)
    ├── HistoryProblem               1  git is missing, or cannot do what was asked
    │   └── UndoConflict             1  a later edit overlaps what undo would take back
    ├── BlockProblem                 1  a memory block cannot be changed as asked
    │   └── BlockChanged             1  somebody changed the block since the model saw it
    ├── ToolProblem                  1  a tool call the model can correct; returned to it
    ├── EmbedProblem                 1  the embedder did not answer; search goes on by words
    └── ModelProblem                 1  the model did not answer
        ├── ModelUnreachable            nothing listens there, DNS, TLS
        │   └── ConnectionImpossible    proxy or certificate settings forbid any connection
        ├── ModelTimeout                it did not answer in time
        ├── ModelAuthProblem            the key is missing or refused
        ├── ModelRateLimited            429
        │   └── ModelOutOfCredit        the account is empty: waiting does not help
        ├── ModelOverloaded             500, 502, 503, 529
        ├── ModelRefusedRequest         400, 404, 422: the request will never work
        ├── ContextOverflow             the request is longer than the model's window
        └── StreamCut                   the stream ended in the middle of a reply

A message says what happened, where, and what to do. The exit code belongs to the class, so that a
surface prints `str(error)` and exits with `error.exit_code` without knowing which error it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lettafs.values.message import Part

__all__ = [
    "BlockChanged",
    "BlockProblem",
    "Busy",
    "ConnectionImpossible",
    "ContextOverflow",
    "DiskProblem",
    "EmbedProblem",
    "FormatTooNew",
    "HistoryProblem",
    "LettafsError",
    "ModelAuthProblem",
    "ModelOutOfCredit",
    "ModelOverloaded",
    "ModelProblem",
    "ModelRateLimited",
    "ModelRefusedRequest",
    "ModelTimeout",
    "ModelUnreachable",
    "NotAnAgent",
    "StreamCut",
    "ToolProblem",
    "UndoConflict",
    "UsageProblem",
]


class LettafsError(Exception):
    """A problem a person can read: what happened, where, and what to do about it."""

    exit_code: ClassVar[int] = 1


class UsageProblem(LettafsError):
    """What was asked for makes no sense as it stands."""

    exit_code = 2


class NotAnAgent(LettafsError):
    """The directory is not an agent directory, or it cannot be read."""

    exit_code = 3


class FormatTooNew(NotAnAgent):
    """The directory was written by a newer lettafs; nothing was read or changed."""


class Busy(LettafsError):
    """Another process holds this agent's turn; `holder` says who, as far as is known."""

    exit_code = 5

    def __init__(self, message: str, *, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder


class DiskProblem(LettafsError):
    """The disk refused to write; what was acknowledged before is still there."""

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class HistoryProblem(LettafsError):
    """Git is missing, or cannot do what was asked; files and memory are untouched."""


class UndoConflict(HistoryProblem):
    """A later edit overlaps what undo would take back; nothing was changed."""


class BlockProblem(LettafsError):
    """A memory block cannot be changed as asked."""


class BlockChanged(BlockProblem):
    """The block is no longer what the model saw; `current` is its present text."""

    def __init__(self, message: str, *, current: str) -> None:
        super().__init__(message)
        self.current = current


class ToolProblem(LettafsError):
    """A tool call that failed in a way the model can correct; the text goes back to it."""


class EmbedProblem(LettafsError):
    """The embedder did not answer; search goes on by words.

    Attributes:
        transient: it may answer later, with nothing changed.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class ModelProblem(LettafsError):
    """The model did not answer; the user's message is kept.

    Attributes:
        error_type: the REST API's name for it (`llm_timeout`, `llm_rate_limit`, ...).
        retry_after_s: seconds the provider asked us to wait, if it did.
    """

    error_type: ClassVar[str] = "llm_error"
    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelUnreachable(ModelProblem):
    """Nothing answers at the model's address (refused connection, DNS, TLS)."""

    transient = True


class ConnectionImpossible(ModelUnreachable):
    """No connection can even be prepared: a proxy or certificate variable is wrong."""

    transient = False


class ModelTimeout(ModelProblem):
    """The model did not answer in time."""

    error_type = "llm_timeout"
    transient = True


class ModelAuthProblem(ModelProblem):
    """The key is missing, or the provider refused it."""

    error_type = "llm_authentication"


class ModelRateLimited(ModelProblem):
    """The provider refuses for now (429)."""

    error_type = "llm_rate_limit"
    transient = True


class ModelOutOfCredit(ModelRateLimited):
    """The account has no credit left: waiting does not help."""

    transient = False


class ModelOverloaded(ModelProblem):
    """The provider failed on its side (500, 502, 503, 529)."""

    transient = True


class ModelRefusedRequest(ModelProblem):
    """The provider will never accept this request (unknown model, bad parameter)."""


class ContextOverflow(ModelProblem):
    """The request is longer than the model's window."""


class StreamCut(ModelProblem):
    """The stream ended in mid-reply; `parts` is what had arrived, without tool calls."""

    error_type = "stream_incomplete"

    def __init__(self, message: str, *, parts: tuple[Part, ...] = ()) -> None:
        super().__init__(message)
        self.parts = parts
