"""What every git process is started with, so that nothing from a directory's `.git` is ever run.

A directory that came from elsewhere may bring a `.git` whose configuration names programs: hooks, a
file system monitor, filters, text converters, signers, transports. Flags given here win over any
configuration; places are given outright, so git looks for nothing; and only commands that need no
working tree are used at all.
"""

from __future__ import annotations

from pathlib import Path

from lettafs.disk.objects import EMPTY_TREE

__all__ = ["FLAGS", "NO_CONTENT_PROGRAMS", "UNWANTED", "environment"]

_NOWHERE = "/dev/null"

_SETTINGS = (
    # Programs, each of which a repository's configuration may name.
    f"core.hooksPath={_NOWHERE}",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "uploadpack.packObjectsHook=",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "safe.bareRepository=explicit",
    # Files outside the repository.
    f"core.attributesFile={_NOWHERE}",
    f"core.excludesFile={_NOWHERE}",
    "blame.ignoreRevsFile=",
    # What would change an answer, or work behind our back.
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.quotePath=false",
    "core.splitIndex=false",
    "core.untrackedCache=keep",
    "diff.renames=false",
    "diff.relative=false",
    "i18n.logOutputEncoding=UTF-8",
    "log.follow=false",
    "log.mailmap=false",
    "merge.conflictStyle=merge",
    "advice.graftFileDeprecated=false",  # else the reason for a failure stands behind hints
    "gc.auto=0",
    "maintenance.auto=false",
    # A commit that a branch names is whole after a power cut.
    "core.fsync=committed,reference",
    # Milliseconds to wait for somebody else's git.
    "core.filesRefLockTimeout=1000",
    "core.packedRefsTimeout=1000",
)

FLAGS: tuple[str, ...] = (
    "--no-pager",
    "--literal-pathspecs",
    *(part for setting in _SETTINGS for part in ("-c", setting)),
)
"""They stand between `git` and the command."""

NO_CONTENT_PROGRAMS = ("--no-ext-diff", "--no-textconv")
"""For commands that look at contents: attributes choose programs there, and flags refuse them."""

# Set in the surroundings of a hook, or by a person for another repository: never for this one. An
# empty value means the same as none to git. (Unsetting them is not possible here: the runner adds
# to the surroundings it has.)
_EMPTY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIFF_OPTS",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_NAMESPACE",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PERFORMANCE",
    "GIT_TRACE_SETUP",
)

UNWANTED = {"GIT_ATTR_SOURCE": EMPTY_TREE}
"""Variables to be taken out of the environment, since git refuses an empty value of them.

Where that cannot be done, the value here means the same as none.
"""


def environment(root: Path, *, index: Path) -> dict[str, str]:
    """Return what a git process for the home at `root` finds in its environment.

    Args:
        root: the home, absolute.
        index: the private index; a person's own is never written by git for us.
    """
    git_dir = root / ".git"
    return {
        **dict.fromkeys(_EMPTY, ""),
        "GIT_DIR": str(git_dir),
        "GIT_COMMON_DIR": str(git_dir),
        # No command may look at the files beside `.git`: reading one for an index entry applies
        # the filter programs that attributes name. There is no such directory.
        "GIT_WORK_TREE": str(git_dir / "no-work-tree"),
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(git_dir / "objects"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": _NOWHERE,
        "GIT_CONFIG_GLOBAL": _NOWHERE,
        "GIT_CONFIG_COUNT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": _NOWHERE,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_DEFAULT_REF_FORMAT": "files",
        "GIT_EDITOR": "false",
        "GIT_PAGER": "cat",
        "GIT_ASKPASS": "false",
        "TZ": "UTC",
    }
