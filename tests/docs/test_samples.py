"""The samples open, answer offline, and are clean; each copy is an agent of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import lettafs
from lettafs.format import jsonl
from lettafs.values.message import ToolReturn
from tests.support.doc_pages import ROOT

SAMPLES = sorted(path for path in (ROOT / "samples").iterdir() if path.is_dir())

pytestmark = pytest.mark.usefixtures("person")


def _copy(sample: Path, place: Path) -> lettafs.Agent:
    copied = lettafs.open_agent(sample).fork(place)
    return lettafs.open_agent(copied.path, model="lettafs/offline")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample_is_copied_talked_with_and_clean(sample: Path, tmp_path: Path) -> None:
    agent = _copy(sample, tmp_path / "copy")
    assert agent.problems() == []

    answer = agent.send("Hi, my name is Brad and I like sailing.")

    assert answer.error is None
    assert answer.stop_reason == "end_turn"
    assert "Brad" in answer.text
    assert "name is Brad" in agent.block("human").value
    assert agent.problems() == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample_is_plain_text_without_identity_or_past(sample: Path) -> None:
    agent = lettafs.open_agent(sample)
    assert agent.settings.id is None
    assert agent.problems() == []
    present = {path.name for path in sample.iterdir()}
    assert not present & {".git", ".env", "recall", "memory.md"}
    blocks, _ = agent.blocks()
    assert all(block.description for block in blocks)
    assert all(len(block.value) < block.limit_chars // 2 for block in blocks), "room to grow"


def test_copies_have_ids_of_their_own(tmp_path: Path) -> None:
    ids = {_copy(SAMPLES[0], tmp_path / name).settings.id for name in ("one", "two")}
    assert len(ids) == 2
    assert None not in ids


def test_copying_a_sample_leaves_the_clone_as_it_was(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    git = ["git", "-C", str(clone)]
    subprocess.run(["cp", "-R", str(ROOT / "samples"), str(clone)], check=True)
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Begin"], check=True)
    for sample in SAMPLES:
        _copy(clone / "samples" / sample.name, tmp_path / sample.name).send("Hello")
    status = subprocess.run(
        [*git, "status", "--porcelain", "--ignored"], check=True, capture_output=True, text=True
    )
    assert status.stdout == ""


def test_researcher_finds_its_passages_as_lettafs_wrote_them(tmp_path: Path) -> None:
    segment = ROOT / "samples" / "researcher" / "archival" / "000001.jsonl"
    lines = segment.read_bytes().splitlines(keepends=True)
    read = [jsonl.unframe(line, path=segment.name, line_no=n) for n, line in enumerate(lines, 1)]
    assert all(line.problem is None and not line.edited for line in read)

    agent = _copy(ROOT / "samples" / "researcher", tmp_path / "copy")
    hits = agent.search("lost in the middle", sources=["archival"])
    assert "2307.03172" in hits[0].text
    assert "MemGPT" in agent.block("projects/agent-memory").value


def test_tutor_cannot_change_its_syllabus(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(
        '{"tool_calls": [{"name": "memory_insert", "arguments":'
        ' {"label": "syllabus", "new_string": "Unit 9. Poetry."}}]}\n{"text": "I may not."}\n',
        encoding="utf-8",
    )
    tutor = lettafs.open_agent(ROOT / "samples" / "tutor").fork(tmp_path / "tutor")
    agent = lettafs.open_agent(tutor.path, model=f"scripted:{script}")
    before = agent.block("syllabus").value

    answer = agent.send("Add poetry.")

    returns = [
        part for one in answer.messages for part in one.parts if isinstance(part, ToolReturn)
    ]
    assert [part.status for part in returns] == ["error"]
    assert agent.block("syllabus").value == before


def test_memgpt_speaks_by_calling_a_tool(tmp_path: Path) -> None:
    agent = _copy(ROOT / "samples" / "memgpt", tmp_path / "copy")
    answer = agent.send("Hi, my name is Brad.")
    called = [call.name for message in answer.messages for call in message.tool_calls]
    assert called[-1] == "send_message"
    assert called[0] == "core_memory_append"
