"""Every example of our pages runs, and prints what the page says it prints."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import fake_ollama, fake_openai
from tests.support.doc_pages import ROOT, Example, Story, environment, examples, fences, pages

WITH_EXAMPLES = [page for page in pages() if examples(page)]
SHOWN_ONLY = re.compile(
    r"(?:export [A-Z_]+=|OLLAMA_\w+=\S+ ollama |ollama |lms |vllm |llama-server |git |cd |"
    r"python3 -m venv \S+ && |rm -r |#|$)"
)
"""What a block that is not run may hold: other people's programs, and what the README sets up."""


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """Stand-ins for model servers, so that pages about models run too; yields what names them."""
    words = "Hello, Kim."
    with ExitStack() as stack:
        openai = stack.enter_context(
            fake_openai.FakeOpenAI(
                [
                    fake_openai.stream(
                        *fake_openai.text_chunks(words), fake_openai.finish(), fake_openai.usage()
                    )
                ]
            )
        )
        ollama = stack.enter_context(
            fake_ollama.FakeOllama(
                [fake_ollama.stream(*fake_ollama.text_lines(words), fake_ollama.done())],
                models=["llama3.1:8b"],
            )
        )
        names = ("OPENAI", "LMSTUDIO", "VLLM", "LLAMACPP", "OPENROUTER", "ANTHROPIC")
        yield {
            **{f"{name}_BASE_URL": openai.base_url for name in names},
            "OLLAMA_HOST": ollama.origin,
        }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_do_what_the_page_shows(
    page: Path, tmp_path: Path, servers: dict[str, str]
) -> None:
    env = environment(Path(os.environ["HOME"]))
    if any("models" in fence.flags for fence in fences(page)):
        env.update(servers)
    story = Story(tmp_path / "here", env)
    try:
        for example in examples(page):
            story.run(example)
    finally:
        story.close()


def test_what_is_not_run_is_not_ours() -> None:
    """A block marked `sh` is shown and not run: it may only hold what this suite cannot run."""
    wrong = [
        f"{fence.place}: {line}"
        for page in pages()
        for fence in fences(page)
        if fence.kind in ("sh", "bash", "shell")
        for line in fence.text.splitlines()
        if SHOWN_ONLY.match(line) is None
    ]
    assert not wrong, wrong


def test_every_block_says_what_it_is() -> None:
    known = {"console", "python", "text", "sh", "toml", "json", "markdown", "diff"}
    contract = ROOT / "docs" / "format.md"  # its blocks are trees and records
    wrong = [
        f"{fence.place}: {fence.kind!r}"
        for page in pages()
        for fence in fences(page)
        if fence.kind not in known and page != contract
    ]
    assert not wrong, wrong


def test_a_wrong_example_is_found(tmp_path: Path) -> None:
    story = Story(tmp_path / "here", environment(Path(os.environ["HOME"])))
    try:
        story.run(Example("page:1", "console", "echo 1234abc; echo b", "beef123\nb"))
        story.run(Example("page:2", "console", "echo beef123", "beef123"))
        with pytest.raises(AssertionError, match="page:3"):
            story.run(Example("page:3", "console", "echo a", "b"))
        with pytest.raises(AssertionError, match="exit code 1"):
            story.run(Example("page:4", "console", "false", None))
        with pytest.raises(AssertionError, match="exit code 1"):
            story.run(Example("page:5", "python", "raise SystemExit(1)", None))
        story.run(Example("page:6", "python", "print('a')\nprint('b')", "a\n..."))
    finally:
        story.close()
