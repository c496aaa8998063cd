"""Where everything lies in an agent directory: the only place with path names.

Paths are relative to the home, with forward slashes on every system. A label becomes a path by a
pure function, so that no text a model or a person invents can name a file outside `memory/`, a file
git or Windows gives a meaning to, or a file another block has already.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = [
    "AGENT_TOML",
    "ARCHIVAL",
    "DISPLACED",
    "ENV",
    "FINGERPRINTS",
    "FOLDERS",
    "GIT",
    "GITATTRIBUTES",
    "GITATTRIBUTES_FILE",
    "GITIGNORE",
    "GITIGNORE_FILE",
    "INDEX",
    "LETTAFS",
    "LOCK",
    "LOST_FOUND",
    "MEMORY",
    "RECALL",
    "SEGMENT_ROLL_BYTES",
    "SHELF",
    "SYSTEM_MD",
    "TEMP_PREFIX",
    "TEXTS",
    "block_path",
    "conflict_path",
    "folded",
    "folder_name",
    "folder_path",
    "is_block_path",
    "is_canonical",
    "is_safe_folder_name",
    "is_safe_label",
    "path_label",
    "segment_name",
    "segment_number",
]

AGENT_TOML = "agent.toml"
SYSTEM_MD = "system.md"
MEMORY = "memory"
RECALL = "recall"
ARCHIVAL = "archival"
FOLDERS = "folders"
GITIGNORE_FILE = ".gitignore"
GITATTRIBUTES_FILE = ".gitattributes"
ENV = ".env"
GIT = ".git"

LETTAFS = ".lettafs"
LOCK = ".lettafs/lock"
SHELF = ".lettafs/passages.json"
INDEX = ".lettafs/index"
TEXTS = ".lettafs/text"
FINGERPRINTS = ".lettafs/fingerprints.json"
DISPLACED = ".lettafs/displaced"
LOST_FOUND = ".lettafs/lost+found"

TEMP_PREFIX = ".tmp-"
"""How the name of a file begins that is still being written."""

GITIGNORE = b"/.lettafs/\n/.env\n"
"""What a new home's `.gitignore` holds."""

GITATTRIBUTES = b"* -text\n*.jsonl merge=union\n"
"""What a new home's `.gitattributes` holds: git keeps bytes as they are, and joins journals."""

SEGMENT_ROLL_BYTES = 64 * 1024
"""A segment this long gets no further line: git stores a changed file whole."""

_SEGMENT = re.compile(r"(?:[0-9]{6}|[1-9][0-9]{6,17})\.jsonl", re.ASCII)

_MAX_SEGMENTS = 8
_MAX_SEGMENT_CHARS = 64
_MAX_LABEL_BYTES = 200
_MAX_SLUG_CHARS = 40

# Windows opens a device by these names, in any directory and with any extension. (Its CONIN$ and
# its superscript COM¹ need characters that no safe label has.)
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)]
)

# Letters and marks that show nothing, by their Unicode property Default_Ignorable_Code_Point: two
# labels that look the same must not both be file names, and some file systems ignore these.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

# git refuses the short name that Windows gives to `.git`, whatever dots, spaces or stream follow.
_GIT_SHORT_NAME = re.compile(r"git~1[ .]*(?::.*)?", re.DOTALL)


def segment_name(number: int) -> str:
    """Return the file name of a journal's segment: `000001.jsonl`."""
    return f"{number:06d}.jsonl"


def segment_number(name: str) -> int | None:
    """Return which segment a file name stands for; None when it is not a segment's name."""
    if _SEGMENT.fullmatch(name) is None:
        return None
    return int(name.removesuffix(".jsonl")) or None


def folded(text: str) -> str:
    """Return a key that is equal for two names some file system takes for one.

    That is Unicode's caseless match: upper and lower case are one, and so are composed and
    decomposed letters.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def is_safe_label(label: str) -> bool:
    """Tell whether the label can be a path as it stands, on every system and in git."""
    if not label or unicodedata.normalize("NFC", label) != label:
        return False
    segments = label.split("/")
    return (
        len(segments) <= _MAX_SEGMENTS
        and all(_is_safe_segment(segment) for segment in segments)
        and len(label.encode()) <= _MAX_LABEL_BYTES
    )


def block_path(label: str, *, taken: Iterable[str] = ()) -> str:
    """Return the path of a new block with this label.

    Args:
        label: any text.
        taken: the paths of the files that are there already.

    Returns:
        `memory/LABEL.md`; or `memory/SLUG~HEX.md`, whose header must then name the label, when the
        label is not safe or the plain path would meet one that is taken on a file system that
        folds case. `persona.md` and `persona/x.md` do not meet.
    """
    occupied = _Occupied(taken)
    if is_safe_label(label):
        plain = f"{MEMORY}/{label}.md"
        if not occupied.meets(plain):
            return plain
    # Two labels with one slug and the same first digits can be made on purpose: then more digits.
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
    stem = f"{MEMORY}/{_slug(label)}~"
    for digits in (8, 16, 32):
        path = f"{stem}{digest[:digits]}.md"
        if not occupied.meets(path):
            return path
    return f"{stem}{digest}.md"


def path_label(path: str) -> str:
    """Return the label that a block's path says by itself, when its header names none."""
    label = path.removeprefix(f"{MEMORY}/").removesuffix(".md")
    # Some file systems hand names back decomposed; a model types them composed.
    return unicodedata.normalize("NFC", label)


def is_block_path(path: str) -> bool:
    """Tell whether a file at this path is a block."""
    names = path.split("/")
    return (
        len(names) > 1
        and names[0] == MEMORY
        and names[-1].endswith(".md")
        and not any(name == "" or name.startswith(".") for name in names[1:])
    )


def is_safe_folder_name(name: str) -> bool:
    """Tell whether an attached folder can have this name, on every system and in git."""
    return is_safe_label(name) and "/" not in name and not folded(name).endswith(".toml")


def folder_path(name: str) -> str:
    """Return the path of the file that attaches a folder of this name."""
    return f"{FOLDERS}/{name}.toml"


def folder_name(path: str) -> str | None:
    """Return the name of the folder a file attaches; None: it attaches none."""
    directory, _, file = path.rpartition("/")
    name = unicodedata.normalize("NFC", file.removesuffix(".toml"))
    if directory != FOLDERS or not file.endswith(".toml") or not is_safe_folder_name(name):
        return None
    return name


def conflict_path(path: str, digest: str) -> str:
    """Return where to keep text that an edit of `path` could not be joined with.

    Args:
        path: the file both wrote.
        digest: the SHA-256 of the text, in hex; its first 8 digits are used.
    """
    return f"{path}.conflict-{digest[:8]}"


@lru_cache(maxsize=8192)  # The same few paths are asked about at every step.
def is_canonical(path: str) -> bool:
    """Tell whether lettafs tracks a file at this path by itself.

    It does so in the places it knows. Elsewhere a person may keep and track what they like. Names
    that begin with a dot (secrets, files still being written, what editors and systems leave) are
    never tracked, apart from git's own two files at the top.
    """
    if path in {AGENT_TOML, SYSTEM_MD, GITIGNORE_FILE, GITATTRIBUTES_FILE}:
        return True
    names = path.split("/")
    if len(names) < 2 or not all(_is_trackable(name) for name in names):
        return False
    match names:
        case ["recall" | "archival", name]:
            return name.endswith(".jsonl")
        case ["memory", *_]:
            return True
        case ["folders", name]:
            return name.endswith(".toml")
        case ["folders", *_]:
            return True  # documents that are kept with the agent
        case _:
            return False


class _Occupied:
    """The names that are taken, by their folded form."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: set[str] = set()
        self._directories: dict[str, str] = {}
        for path in paths:
            self._files.add(folded(path))
            for directory in _ancestors(path):
                self._directories.setdefault(folded(directory), directory)

    def meets(self, path: str) -> bool:
        """Tell whether a file cannot be made at `path`, on this system or on another one.

        A directory in the way counts, and so does one whose name differs only in case: a file
        system that folds case would give the block the other directory's name.
        """
        key = folded(path)
        return (
            key in self._files
            or key in self._directories
            or any(
                folded(directory) in self._files
                or self._directories.get(folded(directory), directory) != directory
                for directory in _ancestors(path)
            )
        )


def _ancestors(path: str) -> Iterator[str]:
    """Yield the directories on the way to `path`, without the first one, which is the room."""
    end = path.find("/", path.find("/") + 1)
    while end != -1:
        yield path[:end]
        end = path.find("/", end + 1)


def _is_safe_segment(segment: str) -> bool:
    return (
        0 < len(segment) <= _MAX_SEGMENT_CHARS
        and all(char in "_-. " or _is_letter_or_digit(char) for char in segment)
        and segment[0] not in "-. "
        and segment[-1] not in ". "
        and not _is_mark(segment[0])
        # The folded form: a directory `x.MD` would be the file `x.md` on some systems.
        and not folded(segment).endswith(".md")
        and folded(segment.partition(".")[0].rstrip()) not in _DEVICES
    )


def _is_letter_or_digit(char: str) -> bool:
    """Tell whether it is an ASCII letter or digit, or a visible letter or mark of any script."""
    if char.isascii():
        return char.isalnum()
    return unicodedata.category(char)[0] in "LM" and _INVISIBLE.match(char) is None


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _slug(label: str) -> str:
    """Return what people recognise the label by: a safe piece of a file name, never empty.

    It has no dots, so that no device name or hidden name can come of it.
    """
    # Cut first: a label may be of any length, and only the beginning can be in the slug.
    start = unicodedata.normalize("NFC", label[: 8 * _MAX_SLUG_CHARS])
    kept = (char if char == "_" or _is_letter_or_digit(char) else "-" for char in start)
    slug = re.sub("-+", "-", "".join(kept)).lstrip("-")
    while slug and (_is_mark(slug[0]) or slug[0] == "-"):
        slug = slug[1:]
    return slug[:_MAX_SLUG_CHARS].rstrip("-") or "block"


def _is_trackable(name: str) -> bool:
    """Tell whether a file or directory of this name may be tracked at all."""
    if not name.isascii():
        if any(unicodedata.category(char) == "Cs" for char in name):
            return False  # Not UTF-8 on disk.
        # macOS ignores invisible characters in names, and git refuses a `.git` hidden among them.
        name = "".join(char for char in name if unicodedata.category(char) != "Cf")
    if name in {"", "__pycache__"} or "\0" in name or name.endswith("~"):
        return False
    # On Windows a backslash begins a new name.
    return not any(
        part.startswith(".") or _GIT_SHORT_NAME.fullmatch(part.lower()) for part in name.split("\\")
    )
