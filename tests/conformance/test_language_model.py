"""What every language model promises, held to each of them.

The three that speak a protocol, or pretend to, are told what to say; the offline model decides for
itself, so it is held to the form of its replies only.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import anyio
import pytest

from lettafs.errors import ModelAuthProblem, ModelOverloaded, ModelProblem, StreamCut
from lettafs.llm.base import FinishReason, LanguageModel, ModelReply
from lettafs.llm.scripted import ScriptedModel
from lettafs.values.message import ReasoningPart, TextPart, ToolCall
from lettafs.values.run import Usage
from tests.support import fake_ollama, fake_openai
from tests.support.fake_http import Reply
from tests.support.models import Heard, hear, ollama_model, openai_model, request

Calls = Sequence[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Said:
    """What the model is told to say."""

    reasoning: str = ""
    text: str = ""
    calls: Calls = ()
    finish: FinishReason = "stop"

    @property
    def words(self) -> tuple[ReasoningPart | TextPart, ...]:
        parts: list[ReasoningPart | TextPart] = []
        if self.reasoning:
            parts.append(ReasoningPart(self.reasoning))
        if self.text:
            parts.append(TextPart(self.text))
        return tuple(parts)


@dataclass
class Stage:
    """A model that says what it is told."""

    model: LanguageModel
    say: Callable[[Said], None]
    fail: Callable[[Literal["auth", "overloaded"]], None]
    hang_after: Callable[[str], None]
    """Say this much, then nothing more."""
    left: Callable[[], bool]
    """Whether the connection was closed; at once True where there is none."""


def openai_chunks(said: Said) -> list[bytes]:
    chunks = fake_openai.text_chunks(said.reasoning, field="reasoning_content")
    chunks += fake_openai.text_chunks(said.text)
    for index, (name, arguments) in enumerate(said.calls):
        chunks += fake_openai.call_chunks(
            name, json.dumps(arguments), index=index, call_id=f"call_{index}"
        )
    reason = "tool_calls" if said.calls and said.finish == "stop" else said.finish
    return [*chunks, fake_openai.finish(reason), fake_openai.usage(11, 7), fake_openai.DONE]


def ollama_lines(said: Said) -> list[bytes]:
    lines = fake_ollama.text_lines(said.reasoning, field="thinking")
    lines += fake_ollama.text_lines(said.text)
    lines += [fake_ollama.call_line(call) for call in said.calls]
    return [*lines, fake_ollama.done(said.finish, prompt=11, completion=7)]


@pytest.fixture
def openai_stage() -> Iterator[Stage]:
    with fake_openai.FakeOpenAI() as server:
        failures = {
            "auth": fake_openai.error(401, "bad key"),
            "overloaded": fake_openai.error(503, "busy"),
        }
        yield Stage(
            model=openai_model(server),
            say=lambda said: server.play(fake_openai.stream(*openai_chunks(said), done=False)),
            fail=lambda kind: server.play(failures[kind]),
            hang_after=lambda text: server.play(Reply(fake_openai.text_chunks(text), end="hang")),
            left=lambda: server.client_left.wait(5),
        )


@pytest.fixture
def ollama_stage() -> Iterator[Stage]:
    with fake_ollama.FakeOllama() as server:
        failures = {
            "auth": fake_ollama.error(401, "unauthorized"),
            "overloaded": fake_ollama.error(503, "busy"),
        }
        yield Stage(
            model=ollama_model(server),
            say=lambda said: server.play(fake_ollama.stream(*ollama_lines(said))),
            fail=lambda kind: server.play(failures[kind]),
            hang_after=lambda text: server.play(Reply(fake_ollama.text_lines(text), end="hang")),
            left=lambda: server.client_left.wait(5),
        )


class _Retold:
    """A scripted model whose script can be replaced: each test tells it one thing."""

    def __init__(self) -> None:
        self.inner = ScriptedModel([{"text": "unset"}])

    handle = "scripted:script"
    context_window = 32_768

    def stream(self, asked: Any) -> Any:
        return self.inner.stream(asked)

    def tell(self, **line: Any) -> None:
        self.inner = ScriptedModel([{**line, "chunk_chars": 4}])


@pytest.fixture
def scripted_stage() -> Stage:
    model = _Retold()

    def say(said: Said) -> None:
        model.tell(
            reasoning=said.reasoning,
            text=said.text,
            tool_calls=[{"name": name, "arguments": arguments} for name, arguments in said.calls],
            finish_reason=said.finish,
            usage={"prompt_tokens": 11, "completion_tokens": 7},
        )

    return Stage(
        model=model,
        say=say,
        fail=lambda kind: model.tell(error=kind),
        hang_after=lambda text: model.tell(text=text, delay_s=60),
        left=lambda: True,
    )


@pytest.fixture(params=["openai", "ollama", "scripted"])
def stage(request: pytest.FixtureRequest) -> Stage:
    found: Stage = request.getfixturevalue(f"{request.param}_stage")
    return found


def check_form(heard: Heard) -> None:
    """Hold a reply to the obligations that do not depend on what is said."""
    reply = heard.reply
    order = [(ReasoningPart, TextPart, ToolCall).index(type(part)) for part in reply.parts]
    assert order == sorted(order), "reasoning, then text, then calls"
    assert order.count(0) <= 1 and order.count(1) <= 1, "adjacent pieces are merged"
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    assert all(call.id and call.name for call in calls)
    assert len({call.id for call in calls}) == len(calls)
    assert (reply.finish_reason == "tool_calls") <= bool(calls)
    assert reply.usage.step_count == 1
    for delta in heard.deltas:
        assert delta.message_id == request().message_id
    texts = [part.text for part in reply.parts if isinstance(part, TextPart)]
    assert "".join(texts) == heard.text
    shown: dict[str, str] = {}
    for piece in heard.call_deltas:
        shown[piece.call_id] = shown.get(piece.call_id, "") + piece.arguments
    assert {call.id: call.arguments for call in calls} == {
        call_id: arguments or "{}" for call_id, arguments in shown.items()
    }


ONE: Calls = [("set_flag", {"on": True, "level": "låg"})]
TWO: Calls = [*ONE, ("set_flag", {"on": False})]
SAYINGS = {
    "text": Said(text="Hello, I am here. Ünïcode too: 你好."),
    "reasoning and text": Said(reasoning="Let me think about it.", text="Four."),
    "one call": Said(calls=ONE),
    "two calls at once": Said(calls=TWO),
    "the same call twice": Said(calls=[*ONE, *ONE]),
    "everything": Said(reasoning="First I set it.", text="Setting it.", calls=TWO),
    "only reasoning": Said(reasoning="Hm."),
    "what might have become a tag": Said(text="<thi"),
    "nothing": Said(),
}


@pytest.mark.parametrize("name", SAYINGS)
def test_reply_is_what_was_said(stage: Stage, name: str) -> None:
    said = SAYINGS[name]
    stage.say(said)
    heard = hear(stage.model, request("Hello"))
    check_form(heard)
    calls = [part for part in heard.reply.parts if isinstance(part, ToolCall)]
    assert heard.reply.parts == (*said.words, *calls)
    assert [(call.name, json.loads(call.arguments)) for call in calls] == list(said.calls)
    assert heard.reply.finish_reason == ("tool_calls" if calls else "stop")
    assert heard.reply.usage == Usage(11, 7, step_count=1)
    assert (heard.reasoning, heard.text) == (said.reasoning, said.text)


def test_words_arrive_in_pieces(stage: Stage) -> None:
    stage.say(Said(text="A longer text that takes several pieces."))
    assert len(hear(stage.model).deltas) > 3


def test_length_limit_is_told_and_no_torn_call_given(stage: Stage) -> None:
    stage.say(Said(text="and so o", finish="length"))
    heard = hear(stage.model)
    check_form(heard)
    assert heard.reply.finish_reason == "length"


def test_model_says_the_same_to_the_same_request_again(stage: Stage) -> None:
    replies = []
    for _ in range(2):
        stage.say(SAYINGS["everything"])
        replies.append(hear(stage.model).reply)
    assert replies[0] == replies[1]


def test_refusal_is_one_of_the_tree_and_says_whether_to_try_again(stage: Stage) -> None:
    stage.fail("auth")
    problem = hear(stage.model).problem
    assert type(problem) is ModelAuthProblem
    assert not problem.transient
    stage.fail("overloaded")
    problem = hear(stage.model).problem
    assert type(problem) is ModelOverloaded
    assert problem.transient


def test_cancellation_passes_through_and_closes_the_connection(stage: Stage) -> None:
    stage.hang_after("Hello there")

    async def call() -> tuple[bool, bool]:
        finished = False
        with anyio.move_on_after(0.3) as scope:
            async for event in stage.model.stream(request("Hi")):
                finished = isinstance(event, ModelReply)
        return scope.cancelled_caught, finished

    assert anyio.run(call) == (True, False)
    assert stage.left()


def test_handle_and_window_are_told(stage: Stage) -> None:
    provider, mark, name = stage.model.handle.replace(":", "/", 1).partition("/")
    assert provider and mark and name
    assert stage.model.context_window > 0


# A cut, at every boundary of recorded streams and, in one of them, at every byte.

CUT = {
    "text": Said(reasoning="Think first, then speak.", text="Hello, I am here, and this is long."),
    "one call": Said(text="Setting it now.", calls=ONE),
    "two calls": Said(calls=TWO),
}


def cuts(chunks: Sequence[bytes]) -> Iterator[Reply]:
    """Yield the stream broken off after every chunk, in both framings."""
    whole = Reply(chunks)
    for count in range(len(chunks)):
        yield whole.cut_after(count)
        yield whole.cut_after(count, framing="close")


def check_cut(heard: Heard, said: Said, *, may_be_whole: bool) -> None:
    """A cut stream is a `StreamCut` with what had arrived, or whole where the end was said."""
    if heard.problem is None:
        assert may_be_whole
        check_form(heard)
        calls = [part for part in heard.reply.parts if isinstance(part, ToolCall)]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == list(said.calls)
        return
    assert type(heard.problem) is StreamCut, heard.problem
    assert all(isinstance(part, ReasoningPart | TextPart) for part in heard.problem.parts)
    reasoning = "".join(it.text for it in heard.problem.parts if isinstance(it, ReasoningPart))
    text = "".join(it.text for it in heard.problem.parts if isinstance(it, TextPart))
    assert (reasoning, text) == (heard.reasoning, heard.text)
    assert said.reasoning.startswith(reasoning) and said.text.startswith(text)


@pytest.mark.parametrize("name", CUT)
def test_openai_stream_cut_at_any_chunk_never_gives_a_call(name: str) -> None:
    said = CUT[name]
    chunks = openai_chunks(said)
    with fake_openai.FakeOpenAI() as server:
        for reply in cuts(chunks):
            server.play(reply)
            # Only usage and [DONE] stand behind the chunk that says why it stopped.
            ended = len(reply.chunks) > len(chunks) - 3
            heard = hear(openai_model(server))
            check_cut(heard, said, may_be_whole=ended)
            assert (heard.problem is None) == ended


@pytest.mark.parametrize("name", CUT)
def test_ollama_stream_cut_at_any_line_never_gives_a_call(name: str) -> None:
    said = CUT[name]
    with fake_ollama.FakeOllama() as server:
        for reply in cuts(ollama_lines(said)):
            server.play(reply)
            check_cut(hear(ollama_model(server)), said, may_be_whole=False)


def test_openai_stream_cut_at_any_byte_never_gives_a_call(long: bool) -> None:
    said = Said(text="Set.", calls=[("f", {"x": 1})])
    chunks = openai_chunks(said)
    raw = b"".join(chunks)
    told = raw.index(b'"finish_reason": "tool_calls"') + len(b'"finish_reason": "tool_calls"}]}')
    with fake_openai.FakeOpenAI() as server:
        for at in range(0, len(raw), 1 if long else 23):
            server.play(Reply([raw[:at]], framing="close"))
            check_cut(hear(openai_model(server)), said, may_be_whole=at >= told)


def test_stream_in_pieces_of_any_size_is_read_alike() -> None:
    said = SAYINGS["everything"]
    raw = b"".join(openai_chunks(said))
    lines = b"".join(ollama_lines(said))
    with fake_openai.FakeOpenAI() as openai, fake_ollama.FakeOllama() as ollama:
        for size in (1, 2, 3, 7, 64, 1000):
            openai.play(Reply([raw[at : at + size] for at in range(0, len(raw), size)]))
            ollama.play(Reply([lines[at : at + size] for at in range(0, len(lines), size)]))
            for model in (openai_model(openai), ollama_model(ollama)):
                heard = hear(model)
                check_form(heard)
                assert heard.reply.parts[:2] == said.words
                assert len(heard.reply.parts) == 4


def offline_model() -> LanguageModel:
    try:
        module = importlib.import_module("lettafs.llm.offline")
    except ModuleNotFoundError:
        pytest.skip("there is no offline model")
    model: LanguageModel = module.OfflineModel()
    return model


@pytest.mark.parametrize("text", ["Hello", "My name is Ada.", "What do you know?", "", "x" * 9000])
def test_offline_model_replies_in_the_same_form(text: str) -> None:
    model = offline_model()
    assert model.handle == "lettafs/offline"
    assert model.context_window > 0
    first, second = hear(model, request(text)), hear(model, request(text))
    check_form(first)
    assert first.reply == second.reply, "it keeps no state between calls"


def test_problems_of_the_tree_are_all_the_models_raise(stage: Stage) -> None:
    stage.fail("overloaded")
    problem = hear(stage.model).problem
    assert isinstance(problem, ModelProblem)
    assert str(problem).endswith(".")
