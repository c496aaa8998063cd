"""The house rules: layers, who may import what, no cycles, exports sorted, doors documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lettafs"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "ids", "values"),
    ("format", "disk", "llm", "embed"),
    ("stores",),
    ("index",),
    ("home",),
    ("context",),
    ("tools",),
    ("loop",),
    ("sdk",),
    ("cli", "server"),
)
"""Lowest first. A room imports lower layers and itself, never a sibling."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "charset_normalizer": ("lettafs.index.convert",),
    "git": ("lettafs.disk",),
    "gitdb": ("lettafs.disk",),
    "openai": ("lettafs.llm.openai_chat", "lettafs.embed.openai"),
    "markitdown": ("lettafs.index.convert",),
    "numpy": ("lettafs.embed", "lettafs.index"),
    "ollama": ("lettafs.llm.ollama", "lettafs.embed.ollama"),
    "olefile": ("lettafs.index.convert",),
    "pypdfium2": ("lettafs.index.convert",),
    "re2": ("lettafs.tools.grep",),
    "ruamel": ("lettafs.format.header",),
    "tiktoken": ("lettafs.context.encodings.shipped",),
    "tomlkit": ("lettafs.format.toml_edit", "lettafs.sdk.user_config"),
    "whoosh": ("lettafs.index",),
    "usearch": ("lettafs.index.vectors",),
    "watchdog": ("lettafs.sdk.watch",),
    "click": ("lettafs.cli",),
    "rich": ("lettafs.cli",),
    "markdown_it": ("lettafs.cli.markdown",),
    "prompt_toolkit": ("lettafs.cli",),
    "platformdirs": ("lettafs.sdk", "lettafs.cli"),
    "Stemmer": ("lettafs.index.words",),
    "anyio": ("lettafs.loop", "lettafs.sdk", "lettafs.llm", "lettafs.cli"),
}
"""Third-party packages, and the rooms or modules that may import them."""

WRITES = ("open", "write_text", "write_bytes", "mkdir", "unlink", "rename", "rmtree", "touch")
"""Calls that change a disk; only disk/ makes them (the command line keeps its own history file)."""

OUR_WRITERS = ("atomic", "block_store")
"""Modules of ours whose functions have such names and go through disk/."""


def modules() -> list[tuple[str, Path, ast.Module]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found.append((name, path, ast.parse(path.read_text(encoding="utf-8"))))
    return found


MODULES = modules()


def imports(tree: ast.Module, *, typing_too: bool = True) -> Iterator[str]:
    """Yield every imported name, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> int | None:
    parts = module.split(".")
    if parts[0] != "lettafs" or len(parts) < 2:
        return None
    for number, rooms in enumerate(LAYERS):
        if parts[1] in rooms:
            return number
    return None


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_a_layer() -> None:
    known = {room for rooms in LAYERS for room in rooms}
    unknown = {room_of(name) for name, _, _ in MODULES} - known - {"", "__main__", "version"}
    assert not unknown, f"say in LAYERS where these belong: {sorted(unknown)}"


def test_imports_point_down() -> None:
    wrong = []
    for name, _, tree in MODULES:
        mine = layer_of(name)
        if mine is None:
            continue
        for target in imports(tree):
            theirs = layer_of(target)
            if theirs is None:
                continue
            same_room = room_of(name) == room_of(target)
            if theirs > mine or (theirs == mine and not same_room and mine > 0):
                wrong.append(f"{name} imports {target}")
    assert not wrong, wrong


def test_third_party_packages_stay_in_their_rooms() -> None:
    wrong = []
    for name, _, tree in MODULES:
        for target in imports(tree):
            allowed = MAY_IMPORT.get(target.split(".")[0])
            if allowed is not None and not any(
                name == room or name.startswith(room + ".") for room in allowed
            ):
                wrong.append(f"{name} imports {target}")
    assert not wrong, wrong


def test_no_import_cycles() -> None:
    names = {name for name, _, _ in MODULES}
    edges: dict[str, set[str]] = {}
    for name, _, tree in MODULES:
        targets = set()
        for node in tree.body:  # only what runs at import
            for target in imports(ast.Module(body=[node], type_ignores=[])):
                if isinstance(node, ast.If | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                    continue
                while target and target not in names:
                    target = target.rpartition(".")[0]
                if target and target != name and target != "lettafs":
                    targets.add(target)
        edges[name] = targets
    seen: dict[str, int] = {}

    def visit(node: str, path: tuple[str, ...]) -> None:
        if seen.get(node) == 2:
            return
        assert seen.get(node) != 1, f"cycle: {' -> '.join((*path, node))}"
        seen[node] = 1
        for target in sorted(edges[node]):
            visit(target, (*path, node))
        seen[node] = 2

    for name in sorted(edges):
        visit(name, ())


def test_only_disk_writes() -> None:
    wrong = []
    for name, path, tree in MODULES:
        if room_of(name) == "disk" or name in ("lettafs.cli.reference",):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "open":
                wrong.append(f"{path.name}:{node.lineno} open()")
            if isinstance(called, ast.Attribute) and called.attr in WRITES[1:]:
                if called.attr in ("mkdir", "touch") and room_of(name) == "cli":
                    continue  # its own state directory
                if isinstance(called.value, ast.Name) and called.value.id in OUR_WRITERS:
                    continue
                wrong.append(f"{path.name}:{node.lineno} .{called.attr}()")
            if isinstance(called, ast.Attribute) and ast.unparse(called) in (
                "os.replace",
                "os.remove",
                "shutil.copy",
                "shutil.move",
                "shutil.copytree",
            ):
                wrong.append(f"{path.name}:{node.lineno} {ast.unparse(called)}()")
    assert not wrong, wrong


FORBIDDEN = re.compile(
    r"\bpickle\b|\beval\(|\bexec\(|yaml\.load\(|shell=True|extractall|is_dirty|\bos\.system\("
)


def test_forbidden_calls_are_absent() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for _, path, _ in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line) and not line.strip().startswith(("#", '"""', "-"))
    ]
    assert not wrong, wrong


def test_environment_is_read_at_the_door_only() -> None:
    wrong = []
    for name, _, tree in MODULES:
        # The runner of git reads nothing: it hands the environment on whole.
        if room_of(name) in ("sdk", "cli") or name == "lettafs.disk.git_run":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
                wrong.append(f"{name}:{node.lineno}")
    assert not wrong, wrong


def _rank(exported: str) -> tuple[int, str]:
    """Constants first, then classes, then the rest, as ruff's RUF022 sorts them."""
    dunder_or_plain = 2 if not exported[:1].isupper() else 1
    return (0 if exported.isupper() else dunder_or_plain, exported)


@pytest.mark.parametrize("name, tree", [(name, tree) for name, _, tree in MODULES])
def test_all_is_sorted_and_documented(name: str, tree: ast.Module) -> None:
    exported: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)
    assert exported == sorted(exported, key=_rank), f"{name}.__all__ is not sorted"
    assert ast.get_docstring(tree), f"{name} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name in exported:
                assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"
                continue
            private = any(part.startswith("_") for part in (*name.split("."), node.name))
            assert private or room_of(name) == "cli", (
                f"{name}.{node.name} is public but not in __all__"
            )
