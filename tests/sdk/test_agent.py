"""The public Agent: reading, searching, remembering, and several at once."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from lettafs.errors import Busy, HistoryProblem, UsageProblem
from lettafs.llm.scripted import ScriptedModel
from lettafs.sdk.answer import Answer, gather, said
from lettafs.values.message import Message, TextPart, ToolCall, ToolReturn
from tests.support.talk import agent_of, call, talk_with, text


def spoken(*parts: object, role: str = "assistant") -> Message:
    return Message("m", role, parts, "2026-03-01")  # type: ignore[arg-type]


def test_what_was_said_is_the_words_of_whichever_way_it_speaks() -> None:
    tell = ToolCall("c1", "send_message", '{"message": "Hi.", "request_heartbeat": false}')
    failed = ToolCall("c2", "send_message", '{"message": "Refused."}')
    broken = ToolCall("c3", "send_message", '{"message": ')
    refusal = spoken(ToolReturn("c2", "send_message", "error", "no"), role="tool")

    assert said([spoken(TextPart("One.")), spoken(TextPart("Two."))]) == "One.\n\nTwo."
    assert said([spoken(TextPart("Thought."), tell), spoken(TextPart("More."))]) == "Hi."
    assert said([spoken(failed), refusal, spoken(tell)]) == "Hi."
    assert said([spoken(broken), spoken(TextPart("Plain."))]) == "Plain."
    assert said([spoken(TextPart("Mine."), role="user")]) == ""


def test_several_agents_answer_at_once_each_in_its_own_home(tmp_path: Path) -> None:
    talks = [
        talk_with(
            tmp_path / f"agent{number}",
            call("memory_insert", label="human", new_string=f"number {number}"),
            text(f"I am {number}.", delay_s=0.05),
        )
        for number in range(6)
    ]
    answers: dict[int, Answer] = {}

    async def streamed(number: int) -> None:
        answers[number] = await gather(talks[number].agent.stream("Who are you?"))

    async def blocking(number: int) -> None:
        answers[number] = await anyio.to_thread.run_sync(talks[number].agent.send, "Who are you?")

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(streamed if number % 2 else blocking, number)

    anyio.run(all_at_once)

    assert [answers[number].text for number in range(6)] == [f"I am {n}." for n in range(6)]
    assert [talk.value().splitlines()[-1] for talk in talks] == [f"number {n}" for n in range(6)]
    assert all(answer.commit for answer in answers.values())


def test_two_messages_to_one_agent_at_once_are_answered_one_after_the_other(
    tmp_path: Path,
) -> None:
    talk = talk_with(tmp_path, text("One.", delay_s=0.2), text("Two."))
    answers: list[Answer] = []

    async def ask(words: str) -> None:
        answers.append(await gather(talk.agent.stream(words)))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "First?")
            group.start_soon(ask, "Second?")

    anyio.run(both)

    assert [answer.text for answer in answers] == ["One.", "Two."]
    roles = [message.role for message in talk.agent.messages()]
    assert roles == ["user", "assistant", "user", "assistant"]


def test_second_process_is_told_who_holds_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lettafs.loop.caller._BUSY_S", 0.2)
    talk = talk_with(tmp_path, text("Hi."), text("Ho."))
    other = agent_of(tmp_path, ScriptedModel([text("Never.")]))

    with talk.agent._turn(), pytest.raises(Busy, match="busy"):
        other.send("Hello.")
    assert talk.say().text == "Hi."
    assert [m.text for m in talk.agent.messages() if m.role == "user"] == ["Hello."]


def test_searching_finds_in_both_places_best_first(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Tea it is."))
    talk.say("I drink tea every morning before work, and sometimes in the evening too.")
    talk.agent.remember("Tea, green tea.", tags=["food"])

    hits = talk.agent.search("tea")

    assert {hit.source for hit in hits} == {"recall", "archival"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.source for hit in talk.agent.search("tea", sources=["archival"])] == ["archival"]
    assert len(talk.agent.search("tea", k=1)) == 1
    assert talk.agent.search("TEA IT", exact=True)[0].text == "Tea it is."
    assert talk.agent.search("tea", since="2026-03-02") == []
    assert len(talk.agent.search("tea", until="2026-03-01")) == 3
    with pytest.raises(UsageProblem, match="no memory to search"):
        talk.agent.search("tea", sources=["memory"])
    with pytest.raises(UsageProblem, match="is no date"):
        talk.agent.search("tea", since="soon")


def test_person_remembers_and_forgets_in_their_own_name(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("Hi."))
    talk.say()

    passage = talk.agent.remember("Likes tea.", tags=[" hot ", "hot"])
    assert talk.agent.passages() == [passage]
    assert passage.tags == ("hot",)
    assert talk.agent.forget(passage.id) == passage
    assert talk.agent.passages() == []
    assert [(e.by, e.subject) for e in talk.agent.log(2)] == [
        ("person", "Forget a passage"),
        ("person", "Remember a passage"),
    ]
    with pytest.raises(UsageProblem, match="nothing to remember"):
        talk.agent.remember("  ")
    with pytest.raises(UsageProblem, match="no passage"):
        talk.agent.forget("passage-1")


def test_block_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    talk = talk_with(tmp_path)

    assert talk.agent.block("human").value == "Her name is Chad.\n"
    with pytest.raises(UsageProblem, match="Blocks: human, persona"):
        talk.agent.block("Human")


def test_latest_turn_is_what_diff_shows(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, call("memory_insert", label="human", new_string="Tea."), text("Ok."))
    with pytest.raises(HistoryProblem):
        talk.agent.diff()
    talk.say()

    (change,) = talk.agent.diff()

    assert (change.label, change.counts) == ("human", (1, 0))


def test_undo_takes_memory_and_window_back_together(tmp_path: Path) -> None:
    talk = talk_with(
        tmp_path,
        text("Hi."),
        call("memory_insert", label="human", new_string="Tea."),
        text("Noted."),
        text("What tea?"),
    )
    talk.say("Hello.")
    talk.say("I like tea.")

    (undone,) = talk.agent.undo()
    talk.say("Do I like tea?")

    assert undone.messages == 4
    assert talk.value() == "Her name is Chad.\n"
    assert [m.text for m in talk.requests[-1].messages] == ["Hello.", "Hi.", "Do I like tea?"]


def test_fork_answers_for_itself(tmp_path: Path) -> None:
    talk = talk_with(tmp_path / "ada", text("Hi."), text("Hi from the copy."))
    talk.say()

    copy = talk.agent.fork(tmp_path / "bea", name="Bea")

    assert copy.settings.name == "Bea"
    assert copy.settings.id != talk.agent.settings.id
    assert copy.send("Hello?").text == "Hi from the copy."
    assert len(copy.messages()) == 4
    assert len(talk.agent.messages()) == 2


def test_memory_that_knows_nothing_of_a_question_does_not_come_first(tmp_path: Path) -> None:
    talk = talk_with(tmp_path, text("I like the mango."))
    talk.say("Extra fruit is nice")
    passage = talk.agent.remember("The spare key hangs behind the blue door.")

    hits = talk.agent.search("Where is the extra spare key?")

    assert hits[0].id == passage.id
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
