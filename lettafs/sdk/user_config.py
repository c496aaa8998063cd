"""The user's own configuration: `config.toml` in their configuration directory.

It holds what belongs to the person and not to any agent: the default model.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from lettafs.disk import atomic
from lettafs.errors import LettafsError, UsageProblem

__all__ = ["UserConfig"]

_FILE = "config.toml"


class UserConfig:
    """The configuration in one directory; a missing file is an empty one."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / _FILE

    def default_model(self) -> str | None:
        """Return the handle chosen by quickstart; None when none was.

        Raises:
            UsageProblem: the file is not valid TOML.
        """
        value = self._read().get("default_model")
        return value if isinstance(value, str) and value.strip() else None

    def set_default_model(self, handle: str) -> None:
        """Keep a handle as the default; the rest of the file stays as it is.

        Raises:
            UsageProblem: the file is not valid TOML.
            DiskProblem: it cannot be written.
        """
        import tomlkit  # late: only a change needs it

        self._read()
        document = tomlkit.parse(self._bytes().decode("utf-8"))
        document["default_model"] = handle
        target = self._target()
        atomic.make_dirs(target.parent)
        atomic.replace(target, tomlkit.dumps(document).encode())

    def _read(self) -> dict[str, object]:
        try:
            return tomllib.loads(self._bytes().decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageProblem(
                f"{self.path} is not valid TOML: {error}. Mend it, or delete it."
            ) from error

    def _target(self) -> Path:
        """Return the file itself: a person may keep it elsewhere and link it, as stow does."""
        return Path(os.path.realpath(self.path))

    def _bytes(self) -> bytes:
        try:
            return atomic.read_bytes(self._target(), max_bytes=2**20)
        except FileNotFoundError:
            return b""
        except LettafsError as error:
            raise UsageProblem(f"{self.path} cannot be read: {error}") from error
