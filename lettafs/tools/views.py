"""Views changed by a tool call: which files are open afterwards, and which were closed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lettafs.values.view import View

__all__ = ["Opened", "open_views"]


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open after files were opened."""

    views: tuple[View, ...]
    """Least recently used first; those just opened last."""
    before: tuple[View, ...]
    """The former views of files that were open already and are shown otherwise now."""
    for_room: tuple[str, ...]
    """Names of the files that were closed because too many were open."""
    as_asked: tuple[str, ...]
    """Names of the files that were closed because all others were to be."""


def open_views(
    views: Sequence[View],
    asked: Sequence[View],
    *,
    max_files_open: int,
    close_all_others: bool = False,
) -> Opened:
    """Return what is open once `asked` is: at most `max_files_open`, the least used closed first.

    A file that is asked for twice is shown as the last request says.
    """
    fresh = {view.file: view for view in asked}
    old = {view.file: view for view in views}
    before = tuple(old[name] for name, view in fresh.items() if name in old and old[name] != view)
    others = [view for view in views if view.file not in fresh]
    stay = [] if close_all_others else others[max(len(others) + len(fresh) - max_files_open, 0) :]
    kept = {view.file for view in stay}
    gone = tuple(view.file for view in others if view.file not in kept)
    return Opened(
        views=(*stay, *fresh.values()),
        before=before,
        for_room=() if close_all_others else gone,
        as_asked=gone if close_all_others else (),
    )
