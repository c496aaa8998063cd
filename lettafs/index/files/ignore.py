"""Which names of a folder are left out: rubbish and secrets, what its `.gitignore` names, and more.

In this order, the first that says something wins:

1. what keeps a history or is ours (`.git`, `.lettafs`) is never entered;
2. `exclude`: what it fits is left out;
3. `include`, where it is given: what it does not fit is left out, what it spells is in, whatever
   follows (`*.log` spells `a.log`; `docs/` spells `docs`, but nothing in it);
4. the defaults, by name alone: what programs leave behind, hidden files, secrets;
5. the `.gitignore` files of the folder itself, as git reads them, from the directory of a name up.

A directory that is left out is not looked into.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace

from lettafs.index.files.patterns import Patterns, parse
from lettafs.values.folder import Folder

__all__ = ["GITIGNORE", "Here", "here_at", "is_rubbish", "rules_of"]

GITIGNORE = ".gitignore"

_VERSION = 1
"""Changes when the same folder leaves out other names."""

_NEVER = frozenset({".git", ".hg", ".svn", ".bzr", ".lettafs"})
_DIRECTORIES = frozenset(
    {
        "node_modules",
        "bower_components",
        "__pycache__",
        "__MACOSX",
        "site-packages",
        "venv",
        "lost+found",
        "$RECYCLE.BIN",
        "System Volume Information",
    }
)
_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_BUILT = (".pyc", ".pyo", ".pyd", ".o", ".a", ".so", ".dylib", ".dll", ".class")
_UNFINISHED = (".tmp", ".swp", ".swo", ".part", ".crdownload", ".download", "~")
_SECRET = (".pem", ".key", ".p12", ".pfx", ".ppk", ".kdb", ".kdbx", ".jks", ".keystore")
_ENDINGS = (*_BUILT, *_UNFINISHED, *_SECRET)
_BEGINNINGS = (".", "~$", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
_AUTOSAVED = re.compile("#.+#", re.DOTALL)
# `.env`, `.DS_Store`, `.netrc` and all that is hidden begin with the dot.


def is_rubbish(name: str, *, is_directory: bool) -> bool:
    """Tell whether a name is left out by default: it is no document, or holds a secret."""
    if name.startswith(_BEGINNINGS):
        return not is_directory or name[0] == "."
    if is_directory:
        return name in _DIRECTORIES
    small = name.lower()
    return small.endswith(_ENDINGS) or small in _FILES or _AUTOSAVED.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Here:
    """What is left out in one directory of a folder."""

    exclude: Patterns | None
    include: Patterns | None
    is_included: bool = False
    """Whether `include` fits the directory itself, or one above it."""
    gitignores: tuple[Patterns, ...] = ()
    """Of this directory and those above it; the nearest is first."""

    def has_file(self, name: str) -> bool:
        """Tell whether a file of this name, or what is no directory, belongs to the folder."""
        if self.exclude is not None and self.exclude.decide(name, is_directory=False):
            return False
        if self.include is not None:
            fits = self.include.decide(name, is_directory=False)
            if not (self.is_included if fits is None else fits):
                return False
            if fits and self.include.spells(name, is_directory=False):
                return True
        return not is_rubbish(name, is_directory=False) and not self._ignored(name, False)

    def enter(self, name: str) -> Here | None:
        """Return what is left out in a directory of this one; None: all of it is."""
        if name in _NEVER:
            return None
        if self.exclude is not None and self.exclude.decide(name, is_directory=True):
            return None
        is_included, is_spelt = self.is_included, False
        if self.include is not None:
            fits = self.include.decide(name, is_directory=True)
            is_included = is_included or fits is True
            if fits is False or not (is_included or self.include.reach(name)):
                return None
            is_spelt = self.include.spells(name, is_directory=True)
        if not is_spelt and (is_rubbish(name, is_directory=True) or self._ignored(name, True)):
            return None
        if self.exclude is None and self.include is None and not self.gitignores:
            return self
        return Here(
            self.exclude.below(name) if self.exclude is not None else None,
            self.include.below(name) if self.include is not None else None,
            is_included,
            tuple(patterns.below(name) for patterns in self.gitignores),
        )

    def with_gitignore(self, text: str) -> Here:
        """Return what is left out where the directory has a `.gitignore` of this text."""
        return replace(self, gitignores=(parse(text), *self.gitignores))

    def _ignored(self, name: str, is_directory: bool) -> bool:
        for patterns in self.gitignores:
            verdict = patterns.decide(name, is_directory=is_directory)
            if verdict is not None:
                return verdict
        return False


def here_at(folder: Folder) -> Here:
    """Return what is left out at the top of a folder, but for what a `.gitignore` there says."""
    return Here(_listed(folder.exclude), _listed(folder.include))


def _listed(patterns: tuple[str, ...]) -> Patterns | None:
    return parse("\n".join(patterns)) if patterns else None


def rules_of(folder: Folder) -> str:
    """Return what is the same as long as a folder leaves out the same names."""
    said = json.dumps([_VERSION, folder.include, folder.exclude, folder.gitignore])
    return hashlib.blake2b(said.encode("ascii"), digest_size=16).hexdigest()
