"""From records to documents: what search knows of a message and of a passage.

A change of anything here changes what an index holds: `VERSION` changes with it, and indexes of
another version are made anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from lettafs.format.passage_line import ArchivalRecord, DeleteRecord, PassageRecord
from lettafs.format.recall_line import MessageRecord, RecallRecord, WindowRecord
from lettafs.index.corpus import Document, Mark, key_hash
from lettafs.index.moments import UNKNOWN_US, micros, moment_of
from lettafs.index.split import Piece, split
from lettafs.index.words import VERSION as WORDS_VERSION
from lettafs.index.words import fold, words_of
from lettafs.values.message import Message
from lettafs.values.passage import Passage
from lettafs.values.told import told

__all__ = [
    "DELETED",
    "DROPPED",
    "NAIVE",
    "PARTIAL",
    "PASSAGE_FIELDS",
    "ROLES",
    "TALK_FIELDS",
    "VERSION",
    "passage_documents",
    "pieces_of",
    "said_in",
    "signed",
    "tag_label",
    "talk_documents",
    "who_labels",
]

VERSION = f"1.{WORDS_VERSION}"

TALK_FIELDS = ("time", "role", "conversation", "flags", "run")
"""Of a message: microseconds UTC or UNKNOWN_US, an index into ROLES, hashes, flags."""
PASSAGE_FIELDS = ("time", "flags", "text", "start", "end")
"""Of a piece of a passage: as above; the hash of its text; where it lies in the passage."""
ROLES = ("user", "assistant", "tool")

PARTIAL = 1
"""Flag of a reply that broke off."""
NAIVE = 2
"""Flag of a time without an offset: it is in the agent's own zone, here taken for UTC."""

DROPPED = "dropped"
DELETED = "deleted"

_ECHOES = frozenset({"conversation_search"})
"""Tools whose returns repeat what was said: to find them again would only hide it."""
_SPOKEN_NAME = re.compile(r"([^\W\d_][\w.'\u2019-]{0,30}(?: [^\W\d_][\w.'\u2019-]{0,30}){0,2}): ")
"""A name at the beginning of a text, as in transcripts: `Caroline: Hi!`."""


def talk_documents(record: RecallRecord) -> Sequence[Document | Mark]:
    """Return what search knows of a record of recall.

    Rows lettafs wrote itself and messages without words are not found.
    """
    match record:
        case MessageRecord(message=message) if message.kind == "message":
            said = said_in(message)
            if not said or message.role not in ROLES:
                return ()
            time, flags = _time(message.created_at)
            fields = (
                time,
                ROLES.index(message.role),
                signed(key_hash(message.conversation_id)),
                flags | (PARTIAL if message.partial else 0),
                signed(key_hash(message.run_id or "")),
            )
            return (Document(message.id, words_of(said), who_labels(message, said), fields),)
        case WindowRecord(reason="undo", drop=drop):
            return [Mark(DROPPED, key) for key in drop]
        case _:
            return ()


def said_in(message: Message) -> str:
    """Return what was said: text, or what an agent of the older types told send_message.

    What such an agent wrote beside that call is a thought, and nobody heard it.
    """
    if message.role == "tool":
        backs = [back for back in message.tool_returns if back.name not in _ECHOES]
        return "\n".join(back.text for back in backs).strip()
    spoken = [call.arguments for call in message.tool_calls if call.name == "send_message"]
    if message.role != "assistant" or not spoken:
        return message.text.strip()
    return "\n".join(filter(None, map(told, spoken))).strip()


def who_labels(message: Message, said: str) -> tuple[str, ...]:
    """Return labels of who speaks: the parts of a name the message carries or begins with."""
    name = message.name
    if name is None:
        spoken = _SPOKEN_NAME.match(said)
        name = spoken.group(1) if spoken is not None else None
    if name is None or message.role == "tool":
        return ()
    return tuple(f"who:{part}" for part in fold(name).split()[:4])


def passage_documents(record: ArchivalRecord) -> Sequence[Document | Mark]:
    """Return what search knows of a record of archival memory: its pieces, or that it is gone."""
    match record:
        case PassageRecord(passage=passage):
            return _pieces(passage)
        case DeleteRecord(id=gone):
            return (Mark(DELETED, gone),)


def _pieces(passage: Passage) -> list[Document]:
    time, flags = _time(passage.created_at)
    labels = tuple(map(tag_label, passage.tags))
    tags = words_of(" ".join(passage.tags))
    found = []
    for piece in pieces_of(passage):
        text = passage.text[piece.start : piece.end]
        words = [*words_of(text), *words_of(" ".join(piece.heading)), *tags]
        fields = (time, flags, signed(key_hash(text)), piece.start, piece.end)
        found.append(Document(passage.id, words, labels, fields))
    return found


def pieces_of(passage: Passage) -> list[Piece]:
    """Return the pieces a passage is found by; one that is short is one."""
    return split(passage.text)


def tag_label(tag: str) -> str:
    """Return the label of a tag."""
    return f"tag:{tag}"


def signed(number: int) -> int:
    """Return 64 bits as the signed number that fields hold."""
    return number - 2**64 if number >= 2**63 else number


def _time(created_at: str) -> tuple[int, int]:
    """Return a record's time in microseconds, and its flags."""
    moment = moment_of(created_at, zone=UTC)
    if moment is None:
        return UNKNOWN_US, 0
    naive = datetime.fromisoformat(created_at).tzinfo is None
    return micros(moment), NAIVE if naive else 0
