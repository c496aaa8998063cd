"""The offline model: what it writes down, looks up and says, and that it always comes to an end."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.errors import ContextOverflow
from lettafs.llm.base import LanguageModel, ModelEvent, ModelReply, ModelRequest
from lettafs.llm.offline import OFFLINE_HANDLE, OfflineModel, extractive_summary
from lettafs.values.event import TextDelta, ToolCallDelta
from lettafs.values.message import Kind, Message, Part, Role, TextPart, ToolCall, ToolReturn
from lettafs.values.tool import ToolSpec

CHAD = "The human's name is Chad. They like vibe coding."
SAM = "My name is Sam. I am helpful."

# --- a small honest executor: blocks are strings, tools edit them, the loop is the documented one

_PARAMETERS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "memory_replace": (
        {"label": "string", "old_string": "string", "new_string": "string"},
        ("label", "old_string", "new_string"),
    ),
    "memory_insert": (
        {"label": "string", "new_string": "string", "insert_line": "integer"},
        ("label", "new_string"),
    ),
    "memory_rethink": ({"label": "string", "new_memory": "string"}, ("label", "new_memory")),
    "memory": (
        {
            "command": "string",
            "path": "string",
            "old_string": "string",
            "new_string": "string",
            "insert_line": "integer",
            "insert_text": "string",
        },
        ("command",),
    ),
    "core_memory_append": ({"label": "string", "content": "string"}, ("label", "content")),
    "core_memory_replace": (
        {"label": "string", "old_content": "string", "new_content": "string"},
        ("label", "old_content", "new_content"),
    ),
    "archival_memory_insert": ({"content": "string", "tags": "array"}, ("content",)),
    "archival_memory_search": ({"query": "string", "top_k": "integer"}, ("query",)),
    "conversation_search": ({"query": "string", "limit": "integer"}, ()),
    "search_file": ({"query": "string"}, ("query",)),
    "send_message": ({"message": "string"}, ("message",)),
}
V1 = (
    "conversation_search",
    "memory_insert",
    "memory_replace",
    "archival_memory_insert",
    "archival_memory_search",
)
MEMGPT = (
    "send_message",
    "conversation_search",
    "core_memory_append",
    "core_memory_replace",
    "archival_memory_insert",
    "archival_memory_search",
)


def tool(name: str, *, heartbeats: bool = False) -> ToolSpec:
    kinds, required = _PARAMETERS[name]
    properties: dict[str, Any] = {key: {"type": kind} for key, kind in kinds.items()}
    if heartbeats and name != "send_message":
        properties["request_heartbeat"] = {"type": "boolean"}
        required = (*required, "request_heartbeat")
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(name, f"The tool {name}.", schema)


def system_text(blocks: dict[str, str], read_only: Sequence[str] = ()) -> str:
    rendered = []
    for label, value in blocks.items():
        plain = label.isidentifier()
        opening = f"<{label}>" if plain else f'<block label="{label}">'
        closing = f"</{label}>" if plain else "</block>"
        locked = "- read_only=true\n" if label in read_only else ""
        rendered.append(
            f"{opening}\n<description>\nAbout {label}.\n</description>\n<metadata>\n{locked}"
            f"- chars_current={len(value)}\n- chars_limit=20000\n</metadata>\n"
            f"<value>\n{value}\n</value>\n{closing}\n"
        )
    inside = "\n".join(rendered)
    return f"Be kind.\n\n<memory_blocks>\nThese blocks are yours:\n\n{inside}\n</memory_blocks>\n"


@dataclass
class World:
    """A home in miniature, and the loop around the model."""

    human: str = CHAD
    persona: str = SAM
    tools: tuple[str, ...] = V1
    heartbeats: bool = False
    parallel: bool = True
    fresh_system: bool = True
    """Whether the system text is rendered again in each step."""
    read_only: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    """Tools that fail, with what they say."""
    files: str = "[]"
    blocks: dict[str, str] = field(init=False)
    passages: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.blocks = {"human": self.human, "persona": self.persona}

    def add(self, role: Role, *parts: Part, kind: Kind = "message") -> None:
        number = len(self.messages) + 1
        made = f"2026-03-{1 + number // 40:02d}T09:00:00+00:00"
        self.messages.append(Message(f"message-{number}", role, parts, made, kind=kind))

    def request(self, system: str) -> ModelRequest:
        return ModelRequest(
            message_id=f"message-{len(self.messages) + 1}",
            system=system,
            messages=tuple(self.messages),
            tools=tuple(tool(name, heartbeats=self.heartbeats) for name in self.tools),
            parallel_tool_calls=self.parallel,
        )

    def say(self, text: str) -> Turn:
        """Run a whole turn, and return its calls and its answer."""
        self.add("user", TextPart(text))
        calls: list[tuple[str, dict[str, Any]]] = []
        system = system_text(self.blocks, self.read_only)
        for step in range(1, 8):
            assert step <= 6, f"no end after six steps: {calls}"
            if self.fresh_system:
                system = system_text(self.blocks, self.read_only)
            reply = answer(self.request(system))
            self.add("assistant", *reply.parts)
            made = [part for part in reply.parts if isinstance(part, ToolCall)]
            if not made:
                spoken = "".join(part.text for part in reply.parts if isinstance(part, TextPart))
                assert not self.heartbeats, "this type of agent speaks with a tool"
                return Turn(calls, spoken, step)
            assert not self.heartbeats or len(made) == 1, "one call a step"
            said = self._execute(made, calls)
            if said is not None:
                return Turn(calls, said, step)
            if self.heartbeats:
                self.add("user", TextPart('{"type": "heartbeat"}'), kind="heartbeat")
        raise AssertionError("unreachable")

    def _execute(
        self, made: Sequence[ToolCall], calls: list[tuple[str, dict[str, Any]]]
    ) -> str | None:
        returns: list[ToolReturn] = []
        said: str | None = None
        for call in made:
            arguments = json.loads(call.arguments)
            heartbeat = arguments.pop("request_heartbeat", None)
            if self.heartbeats and call.name != "send_message":
                assert heartbeat is True, "a further step is wanted"
            assert (call.name, arguments) not in calls, "the same call twice in a turn"
            if call.name == "send_message":
                said = arguments["message"]
            else:
                calls.append((call.name, arguments))
            status, text = self._run(call.name, arguments)
            assert status in ("success", "error")
            returns.append(
                ToolReturn(call.id, call.name, "success" if status == "success" else "error", text)
            )
        self.add("tool", *returns)
        return said

    def _run(self, name: str, arguments: dict[str, Any]) -> tuple[str, str]:
        if name in self.broken:
            return "error", self.broken[name]
        match name:
            case "archival_memory_insert":
                self.passages.append(arguments["content"])
                return "success", "None"
            case "archival_memory_search":
                found = [
                    {"id": f"passage-{at}", "timestamp": "2026-02-01T08:00:00+00:00"}
                    | {"content": text, "tags": []}
                    for at, text in enumerate(self.passages[:5])
                ]
                return "success", json.dumps(found, ensure_ascii=False)
            case "conversation_search":
                return "success", self._recall(arguments["query"])
            case "search_file":
                return "success", self.files
            case "send_message":
                return "success", "Sent message successfully."
            case _:
                return self._edit(name, arguments)

    def _edit(self, name: str, arguments: dict[str, Any]) -> tuple[str, str]:
        label = arguments.get("label") or arguments["path"].removeprefix("/memories/")
        match name, arguments.get("command"):
            case ("memory_replace", _) | ("memory", "str_replace"):
                return self._swap(label, arguments["old_string"], arguments["new_string"])
            case ("core_memory_replace", _):
                return self._swap(label, arguments["old_content"], arguments["new_content"])
            case ("memory_insert", _):
                assert arguments["insert_line"] == -1
                return self._append(label, arguments["new_string"])
            case ("core_memory_append", _):
                return self._append(label, arguments["content"])
            case ("memory", "insert"):
                return self._append(label, arguments["insert_text"])
            case ("memory_rethink", _):
                self.blocks[label] = arguments["new_memory"]
                return "success", arguments["new_memory"]
            case _:
                raise AssertionError(f"no such tool: {name} {arguments}")

    def _swap(self, label: str, old: str, new: str) -> tuple[str, str]:
        assert label not in self.read_only, "a read-only block is left alone"
        value = self.blocks[label]
        assert old, "an empty old text matches everywhere"
        assert value.find(old) >= 0, f"{old!r} is not in {value!r}"
        assert value.find(old, value.find(old) + 1) < 0, f"{old!r} is not unique in {value!r}"
        self.blocks[label] = value.replace(old, new)
        return "success", self.blocks[label]

    def _append(self, label: str, text: str) -> tuple[str, str]:
        assert label not in self.read_only, "a read-only block is left alone"
        value = self.blocks[label]
        self.blocks[label] = f"{value}\n{text}" if value else text
        return "success", self.blocks[label]

    def _recall(self, query: str) -> str:
        words = query.lower().split()
        found = [
            {"timestamp": each.created_at, "time_ago": "1h ago", "role": each.role}
            | {"content": each.text}
            for each in self.messages
            if each.kind == "message" and any(word in each.text.lower() for word in words)
        ]
        message = f"Showing {len(found)} results:" if found else "No results found."
        return json.dumps({"message": message, "results": found}, ensure_ascii=False)


@dataclass(frozen=True)
class Turn:
    calls: list[tuple[str, dict[str, Any]]]
    text: str
    steps: int


def events(request: ModelRequest, model: LanguageModel | None = None) -> list[ModelEvent]:
    chosen = model or OfflineModel()

    async def collect() -> list[ModelEvent]:
        return [event async for event in chosen.stream(request)]

    return anyio.run(collect)


def answer(request: ModelRequest, model: LanguageModel | None = None) -> ModelReply:
    last = events(request, model)[-1]
    assert isinstance(last, ModelReply)
    return last


def user_request(text: str, *names: str, system: str = "", **changes: Any) -> ModelRequest:
    message = Message("message-1", "user", (TextPart(text),), "2026-03-01T09:00:00+00:00")
    request = ModelRequest(
        "message-2", system or system_text({"human": CHAD}), (message,), tuple(map(tool, names))
    )
    return replace(request, **changes)


def swap(old: str, new: str, label: str = "human") -> tuple[str, dict[str, Any]]:
    return "memory_replace", {"label": label, "old_string": old, "new_string": new}


def insert(text: str, label: str = "human") -> tuple[str, dict[str, Any]]:
    return "memory_insert", {"label": label, "new_string": text, "insert_line": -1}


def archive(text: str) -> tuple[str, dict[str, Any]]:
    return "archival_memory_insert", {"content": text}


def search(query: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("archival_memory_search", {"query": query}),
        ("conversation_search", {"query": query}),
    ]


NAME = "The human's name is Chad."

# --- what is written down

WRITTEN: list[tuple[str, str, list[tuple[str, dict[str, Any]]]]] = [
    # names
    ("Hey, nice to meet you, my name is Brad.", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("my name is brad", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("MY NAME IS BRAD", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("I'm Brad", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("I’m Brad!", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("Hi, this is Brad.", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("Brad here", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("call me Brad", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("You can call me Al.", CHAD, [swap(NAME, "The human's name is Al.")]),
    ('My name is "Brad"', CHAD, [swap(NAME, "The human's name is Brad.")]),
    (
        "My name is Anna-Lena van der Berg",
        CHAD,
        [swap(NAME, "The human's name is Anna-Lena van der Berg.")],
    ),
    ("I am Dr. Smith", CHAD, [swap(NAME, "The human's name is Dr. Smith.")]),
    ("Hola. My name is María José.", CHAD, [swap(NAME, "The human's name is María José.")]),
    ("I'm not Chad, I'm Brad", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("not Chad, Brad", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("It's Brad, not Chad.", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("My name is Brad, what's yours?", CHAD, [swap(NAME, "The human's name is Brad.")]),
    ("I'm Chad", CHAD, []),
    ("My name is Brad.", "", [insert("The human's name is Brad.")]),
    ("My name is Brad.", "- Name: Chad\n- Likes tea", [swap("Name: Chad", "Name: Brad")]),
    (
        "My name is Brad.",
        "- **Name:** Chad\r\n- Likes tea\r\n",
        [swap("**Name:** Chad", "**Name:** Brad")],
    ),
    (
        "My name is Brad.",
        "Their wife's name is Ann.",
        [insert("The human's name is Brad.")],
    ),
    (
        "My name is Brad.",
        "The human's name is Chad and they live in Rome.",
        [
            swap(
                "The human's name is Chad and they live in Rome.",
                "The human's name is Brad and they live in Rome.",
            )
        ],
    ),
    (
        "my name is Brad",
        "Name: Chad\nNickname: Name: Chad",
        [swap("Name: Chad\nNickname: Name: Chad", "Name: Brad\nNickname: Name: Chad")],
    ),
    # no names
    ("I'm tired", CHAD, []),
    ("I'm hungry", CHAD, []),
    ("I'M HUNGRY", CHAD, []),
    ("I'm Hungry", CHAD, []),
    ("I'm going to the shop", CHAD, []),
    ("I'm Going Home", CHAD, []),
    ("call me later", CHAD, []),
    ("Call me Maybe", CHAD, []),
    ("my name is", CHAD, []),
    ("my name is not important", CHAD, []),
    ("my name is hard to spell", CHAD, []),
    ("If my name were Bob, I would laugh.", CHAD, []),
    ("He said my name is Bob", CHAD, []),
    ("This is great", CHAD, []),
    ("I'm Brad's brother", CHAD, []),
    ('my name is "{evil}"', CHAD, []),
    # likes
    ("I like tea", CHAD, [insert("They like tea.")]),
    ("I really love my dog", CHAD, [insert("They love their dog.")]),
    ("I prefer tea over coffee", CHAD, [insert("They prefer tea over coffee.")]),
    ("I can't stand noise.", CHAD, [insert("They cannot stand noise.")]),
    ("I like tea and hate coffee", CHAD, [insert("They like tea."), insert("They hate coffee.")]),
    (
        'I like "quotes" and {braces}',
        CHAD,
        [insert('They like "quotes" and {braces}.')],
    ),
    ("I like tea", "They like tea and coffee.", []),
    ("I love vibe coding", CHAD, []),
    ("I hate tea", "They like tea.", [swap("They like tea.", "They hate tea.")]),
    (
        "I hate tea",
        "They like tea and coffee.",
        [swap("They like tea and coffee.", "They like coffee. They hate tea.")],
    ),
    ("I hate tea", "- Likes tea", [swap("Likes tea", "Hates tea")]),
    (
        "I don't like vibe coding any more",
        CHAD,
        [swap("They like vibe coding.", "They no longer like vibe coding.")],
    ),
    ("I don't like tea", "", [insert("They do not like tea.")]),
    ("I like it", CHAD, []),
    ("I like you", CHAD, []),
    ("I like how you say that", CHAD, []),
    ("I'd like a coffee", CHAD, []),
    # where, what, whose
    ("I live in Oslo", "", [insert("They live in Oslo.")]),
    ("I live in Oslo", "- Name: Brad", [insert("- Lives in Oslo")]),
    (
        "no, I moved to Oslo",
        "They live in Bergen, Norway.",
        [swap("They live in Bergen, Norway.", "They live in Oslo.")],
    ),
    ("I moved to Rome last year", "", [insert("They live in Rome.")]),
    (
        "I live in Oslo",
        "Their sister lives in Rome.",
        [insert("They live in Oslo.")],
    ),
    (
        "I no longer work at Acme",
        "They work at Acme.",
        [swap("They work at Acme.", "They no longer work at Acme.")],
    ),
    (
        "not Oslo, Bergen",
        "They live in Oslo.",
        [swap("They live in Oslo.", "They live in Bergen.")],
    ),
    ("I work as a baker", "", [insert("They work as a baker.")]),
    ("I'm a nurse", "", [insert("They are a nurse.")]),
    ("I'm a bit tired", "", []),
    ("I'm vegan", "", [insert("They are vegan.")]),
    ("I'm German", "", [insert("They are German.")]),
    ("I'm allergic to nuts", "", [insert("They are allergic to nuts.")]),
    (
        "I'm not allergic to nuts",
        "They are allergic to nuts.",
        [swap("They are allergic to nuts.", "They are not allergic to nuts.")],
    ),
    (
        "I am 34 years old",
        "They are 33 years old.",
        [swap("They are 33 years old.", "They are 34 years old.")],
    ),
    ("I'm 30 minutes late", "", []),
    ("my favourite colour is green", "", [insert("Their favourite colour is green.")]),
    (
        "My favorite colour is green.",
        "Their favourite colour is blue.",
        [swap("Their favourite colour is blue.", "Their favourite colour is green.")],
    ),
    ("My birthday is on 3 May", "", [insert("Their birthday is 3 May.")]),
    ("my dog's name is Rex", CHAD, [insert("Their dog's name is Rex.")]),
    ("I have a dog called Rex", CHAD, [insert("They have a dog called Rex.")]),
    (
        "my dog is called Fido",
        "They have a dog called Rex.",
        [swap("They have a dog called Rex.", "They have a dog called Fido.")],
    ),
    ("my wife's name is Ann", CHAD, [insert("Their wife's name is Ann.")]),
    ("my wife is Ann", CHAD, [insert("Their wife's name is Ann.")]),
    ("my wife is angry", CHAD, []),
    ("Anna likes tea", CHAD, []),
    ("My friend Anna lives in Oslo", CHAD, []),
    ("my head is spinning", CHAD, []),
    ("I have a headache", CHAD, []),
    # the agent itself
    ("your name is Max", CHAD, [swap("My name is Sam.", "My name is Max.", "persona")]),
    ("I'll call you Max", CHAD, [swap("My name is Sam.", "My name is Max.", "persona")]),
    ("you should be concise", CHAD, [insert("I should be concise.", "persona")]),
    (
        "From now on, answer in short sentences.",
        CHAD,
        [insert("I should answer in short sentences.", "persona")],
    ),
    ("Don't be so formal", CHAD, [insert("I should not be so formal.", "persona")]),
    (
        "you should always ask me before you act",
        CHAD,
        [insert("I should always ask the human before I act.", "persona")],
    ),
    ("from now on call me Boss", CHAD, [swap(NAME, "The human's name is Boss.")]),
    ("you are a genius", CHAD, []),
    ("You must be so excited!", CHAD, []),
    ("Never give up!", CHAD, []),
    ("Always here to help.", CHAD, []),
    ("Remember to answer in French", CHAD, [insert("I should answer in French.", "persona")]),
    ("your name is Max", "", [swap("My name is Sam.", "My name is Max.", "persona")]),
    # sympathy and figures of speech
    ("Same here!", CHAD, []),
    ("Oh no, Jon!", CHAD, []),
    ("It's just not right.", CHAD, []),
    ("I love the way it turned out", CHAD, []),
    ("What a day!", CHAD, []),
    # things to remember
    ("remember that the code is 4711", CHAD, [archive("The code is 4711.")]),
    ("Please remember I parked on level 3", CHAD, [archive("The human parked on level 3.")]),
    ("note that my mum's visiting", CHAD, [archive("The human's mum's visiting.")]),
    ("don't forget: the door is {blue}", CHAD, [archive("The door is {blue}.")]),
    ("can you remember that I like jazz?", CHAD, [archive("The human likes jazz.")]),
    (
        "remember that my name is Brad",
        CHAD,
        [archive("The human's name is Brad."), swap(NAME, "The human's name is Brad.")],
    ),
    ("remember me", CHAD, []),
    # taking out
    ("forget my name", CHAD, [swap("The human's name is Chad. ", "")]),
    ("forget that I like tea", "- Name: Chad\n- Likes tea", [swap("\n- Likes tea", "")]),
    ("forget it", CHAD, []),
    # other languages, noise
    ("Ich heiße Karl und mag Tee.", CHAD, []),
    ("我叫王小明。", CHAD, []),
    ("🙂", CHAD, []),
    ("<human> my name is Bob </human>", CHAD, []),
]


@pytest.mark.parametrize(("words", "human", "calls"), WRITTEN)
def test_facts_become_these_edits_and_no_others(
    words: str, human: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    turn = World(human=human).say(words)
    assert turn.calls == calls
    assert turn.text


@pytest.mark.parametrize(
    "words", [words for words, human, calls in WRITTEN if calls and human != "They like tea."]
)
def test_the_same_fact_told_twice_is_written_once(words: str) -> None:
    world = World(human=next(human for each, human, _ in WRITTEN if each == words))
    world.say(words)
    if not any(word in words for word in ("emember", "note", "forget")):
        before = dict(world.blocks)
        assert world.say(words).calls == []
        assert world.blocks == before


@pytest.mark.parametrize(("words", "human", "calls"), WRITTEN)
def test_a_system_text_that_lags_behind_changes_nothing(
    words: str, human: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    turn = World(human=human, fresh_system=False).say(words)
    assert turn.calls == calls


@pytest.mark.parametrize(("words", "human", "calls"), WRITTEN)
def test_older_agent_types_write_the_same_with_their_own_tools(
    words: str, human: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    world, other = World(human=human), World(human=human, tools=MEMGPT, heartbeats=True)
    world.say(words)
    turn = other.say(words)
    assert turn.text
    assert turn.steps == len(calls) + 1
    assert other.blocks == world.blocks
    assert other.passages == world.passages


# --- what is said

SAID: list[tuple[str, tuple[str, ...]]] = [
    ("hi", ("Hello, Chad.", "Sam")),
    ("Good morning, Sam", ("Hello, Chad.",)),
    ("thanks!", ("You are welcome, Chad.",)),
    ("bye", ("Goodbye, Chad.",)),
    ("help", ("remember that", "do not reason", "`--model`")),
    ("what can you do?", ("search", "`--model`")),
    ("who are you?", ("Sam", "`lettafs/offline`", "does not reason")),
    ("Are you ChatGPT?", ("stand-in", "`--model`")),
    ("tell me a joke", ("stand-in", "`--model`")),
    ("what's 2+2?", ("stand-in", "`--model`")),
    (
        "what's my name?",
        ('Your name is Chad. (From the human block: "The human\'s name is Chad.")',),
    ),
    ("what is my name", ("Your name is Chad.",)),
    ("Do you know my name?", ("Your name is Chad.",)),
    ("is my name Chad?", ("Yes, your name is Chad.",)),
    ("is my name Brad?", ("otherwise", "your name is Chad.")),
    ("what's your name?", ("My name is Sam.",)),
    (
        "what do I like?",
        ('You like vibe coding. (From the human block: "They like vibe coding.")',),
    ),
    ("do i like vibe coding?", ("You like vibe coding.",)),
    ("what do you know about me?", (CHAD,)),
    ("who am I?", (CHAD,)),
    ("?", ("no words",)),
    ("", ("Hello, Chad.",)),
]


@pytest.mark.parametrize(("words", "phrases"), SAID)
def test_small_talk_and_what_the_blocks_know_needs_no_tool(
    words: str, phrases: tuple[str, ...]
) -> None:
    turn = World().say(words)
    assert turn.calls == []
    for phrase in phrases:
        assert phrase in turn.text


def test_a_corrected_name_is_told_and_asked_for() -> None:
    world = World()
    first = world.say("Hey, nice to meet you, my name is Brad.")
    assert first.text == (
        "Nice to meet you, Brad. I had Chad in my notes about you, so I changed that in the "
        "human block."
    )
    assert world.blocks["human"] == "The human's name is Brad. They like vibe coding."
    second = world.say("what's my name?")
    assert second.text.startswith("Your name is Brad. (From the human block: ")
    third = world.say("actually, it's Bradley")
    assert third.calls == [swap("The human's name is Brad.", "The human's name is Bradley.")]


def test_a_bare_correction_is_of_the_last_thing_told() -> None:
    world = World()
    world.say("I live in Oslo")
    assert world.say("sorry, I meant Bergen").calls == [
        swap("They live in Oslo.", "They live in Bergen.")
    ]


def test_what_is_known_already_is_quoted_instead_of_written_again() -> None:
    assert World().say("I like vibe coding").text == (
        'That is already in the human block: "They like vibe coding."'
    )


def test_several_facts_are_written_in_one_step_and_named_together() -> None:
    turn = World(human="").say("I like tea. I live in Oslo and I work at Acme.")
    assert turn.steps == 2
    assert turn.text == (
        'I added "They like tea.", "They live in Oslo." and "They work at Acme." to the '
        "human block."
    )


def test_without_parallel_calls_each_step_makes_one() -> None:
    turn = World(human="", parallel=False).say("I like tea. I live in Oslo.")
    assert (len(turn.calls), turn.steps) == (2, 3)


def test_more_facts_than_steps_are_not_lost_silently() -> None:
    world = World(human="", tools=MEMGPT, heartbeats=True)
    turn = world.say("I like tea. I live in Oslo. I'm vegan. I'm a nurse. I work at Acme. I'm 40.")
    assert len(turn.calls) == 4
    assert "tell me again" in turn.text
    assert "They work at Acme." in turn.text


def test_a_statement_without_a_fact_is_explained_once_and_then_briefly() -> None:
    world = World()
    first = world.say("It rained the whole day.")
    second = world.say("The bus was late.")
    assert "conversation history" in first.text
    assert "do not reason" in first.text
    assert len(second.text) < 40


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        (("memory_replace", "memory_insert"), "memory_replace"),
        (("core_memory_append", "core_memory_replace"), "core_memory_replace"),
        (("memory",), "memory"),
        (("memory_rethink",), "memory_rethink"),
        (("memory_insert",), "memory_insert"),
    ],
)
def test_any_of_the_editing_tools_will_do(tools: tuple[str, ...], name: str) -> None:
    world = World(tools=tools)
    turn = world.say("my name is Brad")
    assert [each for each, _ in turn.calls] == [name]
    assert "The human's name is Brad." in world.blocks["human"]
    assert "They like vibe coding." in world.blocks["human"]


def test_a_tool_that_only_replaces_can_also_add() -> None:
    world = World(tools=("memory_replace",))
    world.say("I live in Oslo")
    assert world.blocks["human"] == f"{CHAD}\nThey live in Oslo."


def test_without_an_editing_tool_it_says_so() -> None:
    turn = World(tools=("conversation_search",)).say("my name is Brad")
    assert turn.calls == []
    assert "no tool to edit" in turn.text


def test_a_read_only_block_is_left_alone_and_named() -> None:
    turn = World(read_only=("human",)).say("my name is Brad")
    assert turn.calls == []
    assert "human block is read-only" in turn.text


def test_a_refused_edit_is_told_with_its_reason_and_not_repeated() -> None:
    reason = "Edit failed: 20010 characters, and the limit is 20000."
    turn = World(broken={"memory_insert": reason}).say("I live in Oslo")
    assert len(turn.calls) == 1
    assert "limit is 20000" in turn.text
    assert "added" not in turn.text


def test_a_persona_in_the_second_person_stays_in_it() -> None:
    world = World(persona="You are Sam, a kind helper.")
    world.say("you should be concise")
    world.say("your name is Max")
    assert world.blocks["persona"] == "You are Max, a kind helper.\nYou should be concise."


def test_an_unclear_correction_changes_nothing() -> None:
    world = World()
    world.say("I live in Oslo")
    assert world.say("actually it is raining").calls == []
    assert "say it in full" in world.say("not blue, green").text


def test_without_archival_memory_things_to_remember_go_to_the_block() -> None:
    world = World(tools=("memory_insert", "memory_replace"))
    turn = world.say("remember that the code is 4711")
    assert turn.calls == [insert("The code is 4711.")]
    assert "human block" in turn.text


@pytest.mark.parametrize("label", ["system/human", "My human", "Human"])
def test_a_block_with_an_unusual_label_is_edited_by_it(label: str) -> None:
    request = user_request(
        "I live in Oslo", "memory_insert", system=system_text({label: "Name: Chad"})
    )
    (part,) = answer(request).parts
    if label == "My human":
        assert isinstance(part, TextPart)
        assert "no human block" in part.text
    else:
        assert isinstance(part, ToolCall)
        assert json.loads(part.arguments)["label"] == label


def test_a_value_that_looks_like_markup_is_read_to_its_end() -> None:
    tricky = "The human's name is Chad.\n</value>\n</human>\nThey live in Rome."
    world = World(human=tricky)
    assert world.say("I live in Oslo").calls == [swap("They live in Rome.", "They live in Oslo.")]


def test_a_line_that_occurs_twice_is_replaced_with_its_surroundings() -> None:
    world = World(human="They live in Rome.\nx\nThey live in Rome.")
    world.say("I live in Oslo")
    assert world.blocks["human"] == "They live in Oslo.\nx\nThey live in Rome."


# --- what is looked up


def test_words_that_open_like_our_own_are_still_quoted_when_a_person_said_them() -> None:
    world = World()
    world.say("I found the keys under the mat.")
    assert '"I found the keys under the mat."' in world.say("what did I say about the keys?").text


def test_archived_things_are_quoted_with_source_and_date() -> None:
    world = World()
    world.say("remember that the launch code is 4711")
    turn = world.say("what is the launch code?")
    assert turn.calls == search("launch code")
    assert turn.steps == 2
    assert turn.text == 'From archival memory (2026-02-01): "The launch code is 4711."'


def test_what_was_said_is_quoted_from_the_conversation_with_its_date() -> None:
    world = World()
    world.say("The party on the beach was cold.")
    turn = world.say("what did I say about the party?")
    assert turn.calls[0] == ("conversation_search", {"query": "party"})
    assert turn.text == (
        'From our conversation (2026-03-01, you): "The party on the beach was cold."'
    )


def test_an_older_agent_searches_one_place_after_the_other_until_it_finds() -> None:
    world = World(tools=MEMGPT, heartbeats=True, passages=["The launch code is 4711."])
    found = world.say("what is the launch code?")
    assert [name for name, _ in found.calls] == ["archival_memory_search"]
    missed = world.say("where are my skis?")
    assert [name for name, _ in missed.calls] == ["archival_memory_search", "conversation_search"]


def test_neither_the_question_nor_an_earlier_failure_is_an_answer() -> None:
    world = World()
    for _ in range(3):
        turn = world.say("what is the capital of France?")
        assert 'nothing about "capital of France"' in turn.text
        assert "no model of the world" in turn.text
        assert "From our conversation" not in turn.text


def test_unrelated_passages_are_not_passed_off_as_an_answer() -> None:
    world = World(passages=["The human parked on level 3."])
    assert "I found nothing" in world.say("what's the capital of France?").text


def test_attached_files_are_searched_and_named() -> None:
    found = json.dumps([{"file_name": "manual.pdf", "content": "Reset the pump with button B."}])
    turn = World(tools=(*V1, "search_file"), files=found).say("how do I reset the pump?")
    assert turn.calls[-1] == ("search_file", {"query": "reset pump"})
    assert turn.text == 'From your files, manual.pdf: "Reset the pump with button B."'


def test_plain_text_results_are_understood() -> None:
    lines = "manual.md:12: Reset the pump with button B.\nmanual.md:40: The warranty is void."
    turn = World(tools=("search_file",), files=lines).say("how do I reset the pump?")
    assert 'From your files: "manual.md:12: Reset the pump with button B."' in turn.text
    assert "warranty" not in turn.text


def test_without_a_search_tool_the_window_is_read() -> None:
    world = World(tools=("memory_insert",))
    world.say("The party on the beach was cold.")
    assert "The party on the beach was cold." in world.say("what did I say about the party?").text


def test_a_failing_search_is_told() -> None:
    turn = World(broken={"conversation_search": "index is locked"}).say("where are my skis?")
    assert "I found nothing" in turn.text
    assert "index is locked" in turn.text


def test_a_question_in_another_language_is_searched_for_as_it_stands() -> None:
    world = World(passages=["用户的车停在三楼。"])
    turn = world.say("我的车停在哪里？")
    assert turn.calls[0][1] == {"query": "我的车停在哪里"}
    assert "用户的车停在三楼。" in turn.text


@pytest.mark.parametrize(
    "returned",
    ["", "null", "[]", "{}", "None", "No results found.", "{broken", '{"results": [1, null, {}]}',
     '[{"content": null}]', '{"results": "x"}', "42", '"text"'],
)  # fmt: skip
def test_odd_search_returns_are_survived(returned: str) -> None:
    turn = World(tools=("search_file",), files=returned).say("where are my skis?")
    assert "I found nothing" in turn.text


def test_a_fact_and_a_question_in_one_message_are_both_served() -> None:
    world = World(passages=["The launch code is 4711."])
    turn = world.say("I'm Brad. What is the launch code?")
    assert [name for name, _ in turn.calls] == [
        "memory_replace",
        "archival_memory_search",
        "conversation_search",
    ]
    assert "All right, Brad." in turn.text
    assert "4711" in turn.text


# --- the seam


def test_text_streams_word_by_word_and_equals_the_reply() -> None:
    seen = events(user_request("who are you?", *V1))
    reply = seen[-1]
    assert isinstance(reply, ModelReply)
    deltas = [event for event in seen[:-1] if isinstance(event, TextDelta)]
    assert len(deltas) == len(seen) - 1 > 10
    assert all(len(delta.text.split()) == 1 for delta in deltas)
    assert {delta.message_id for delta in deltas} == {"message-2"}
    assert reply.parts == (TextPart("".join(delta.text for delta in deltas)),)
    assert reply.finish_reason == "stop"


def test_tool_calls_stream_their_names_first_and_their_arguments_whole() -> None:
    seen = events(user_request("I like tea. I live in Oslo.", *V1))
    reply = seen[-1]
    assert isinstance(reply, ModelReply)
    assert reply.finish_reason == "tool_calls"
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == len(calls) == 2
    for index, call in enumerate(calls):
        deltas = [each for each in seen if isinstance(each, ToolCallDelta) and each.index == index]
        assert (deltas[0].call_id, deltas[0].name, deltas[0].arguments) == (call.id, call.name, "")
        assert "".join(delta.arguments for delta in deltas) == call.arguments


@pytest.mark.parametrize("words", ["who are you?", "I like tea", "where are my skis?"])
def test_the_same_request_gives_the_same_events(words: str) -> None:
    request = user_request(words, *V1)
    assert events(request) == events(request) == events(request, OfflineModel(delay_s=0.0001))


def test_handle_window_and_usage_are_stated() -> None:
    model = OfflineModel()
    assert (model.handle, model.context_window) == (OFFLINE_HANDLE, 32_000)
    usage = answer(user_request("hé", system="x" * 397)).usage
    assert usage.prompt_tokens == 100
    assert usage.completion_tokens > 0
    assert usage.step_count == 1


def test_a_request_beyond_the_window_is_refused() -> None:
    with pytest.raises(ContextOverflow, match="32000"):
        events(user_request("hi", system="x" * 128_001))
    assert answer(user_request("hi", system="x" * 127_000)).parts
    with pytest.raises(ContextOverflow):
        events(user_request("hi", *V1), OfflineModel(context_window=50))


def test_an_answer_longer_than_allowed_is_cut_and_says_so() -> None:
    reply = answer(user_request("help", max_output_tokens=3))
    assert reply.finish_reason == "length"
    (part,) = reply.parts
    assert isinstance(part, TextPart)
    assert len(part.text.encode()) <= 12


def test_with_tools_forbidden_it_only_speaks() -> None:
    reply = answer(user_request("my name is Brad", *V1, tool_choice="none"))
    assert all(isinstance(part, TextPart) for part in reply.parts)


def test_a_required_call_is_made_even_for_small_talk() -> None:
    reply = answer(
        user_request("hi", "memory_insert", "conversation_search", tool_choice="required")
    )
    (part,) = reply.parts
    assert isinstance(part, ToolCall)
    assert part.name == "conversation_search"
    assert json.loads(part.arguments) == {"query": "hi"}


def test_a_forced_tool_gets_arguments_its_schema_allows() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
            "days": {"type": "integer", "minimum": 2},
            "exact": {"type": "boolean"},
            "place": {"$ref": "#/$defs/Place"},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "spare": {"type": "string"},
        },
        "required": ["city", "unit", "days", "exact", "place", "tags", "note"],
        "$defs": {
            "Place": {
                "type": "object",
                "properties": {"zip": {"type": "number"}},
                "required": ["zip"],
            }
        },
    }
    request = user_request("Oslo", tool_choice="required", forced_tool="weather")
    request = replace(request, tools=(ToolSpec("weather", "Weather.", schema),))
    (part,) = answer(request).parts
    assert isinstance(part, ToolCall)
    assert json.loads(part.arguments) == {
        "city": "Oslo",
        "unit": "celsius",
        "days": 2,
        "exact": False,
        "place": {"zip": 1.0},
        "tags": ["Oslo"],
        "note": "Oslo",
    }


def test_a_schema_that_refers_to_itself_is_survived() -> None:
    schema = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/N"}},
        "required": ["next"],
        "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}},
    }
    schema["$defs"]["N"]["required"] = ["next"]  # type: ignore[index]  # a literal of mixed types
    request = user_request("x", tool_choice="required", forced_tool="loop")
    (part,) = answer(replace(request, tools=(ToolSpec("loop", "", schema),))).parts
    assert isinstance(part, ToolCall)


def test_a_forced_edit_is_the_edit_the_words_ask_for() -> None:
    request = user_request(
        "I live in Oslo", *V1, tool_choice="required", forced_tool="memory_insert"
    )
    (part,) = answer(request).parts
    assert isinstance(part, ToolCall)
    assert (part.name, json.loads(part.arguments)) == insert("They live in Oslo.")


def test_required_thinking_is_filled_honestly() -> None:
    spec = tool("send_message")
    parameters = dict(spec.parameters)
    parameters["properties"] = {"thinking": {"type": "string"}, **parameters["properties"]}
    parameters["required"] = ["thinking", "message"]
    request = replace(user_request("hi"), tools=(replace(spec, parameters=parameters),))
    (part,) = answer(request).parts
    assert isinstance(part, ToolCall)
    assert json.loads(part.arguments)["thinking"] == "By rule, not by thought."


def test_after_its_answer_it_calls_the_tool_it_is_reminded_of_and_then_ends() -> None:
    world = World(tools=V1)
    world.say("hi")
    world.add(
        "user", TextPart("You must call conversation_search before you end."), kind="heartbeat"
    )
    reply = answer(world.request(system_text(world.blocks)))
    assert [part.name for part in reply.parts if isinstance(part, ToolCall)] == [
        "conversation_search"
    ]


def test_a_sent_message_is_not_sent_again() -> None:
    world = World(tools=(*V1, "send_message"))
    world.say("hi")
    reply = answer(world.request(system_text(world.blocks)))
    assert (reply.parts, reply.finish_reason) == ((), "stop")


def test_a_message_stored_in_an_envelope_is_opened() -> None:
    envelope = json.dumps({"type": "user_message", "message": "my name is Brad", "time": "x"})
    assert World().say(envelope).calls == [swap(NAME, "The human's name is Brad.")]


def test_a_login_alone_is_greeted() -> None:
    world = World()
    world.add("user", TextPart('{"type": "login"}'), kind="login")
    (part,) = answer(world.request(system_text(world.blocks))).parts
    assert isinstance(part, TextPart)
    assert part.text.startswith("Hello, Chad.")


def test_a_request_without_anything_is_answered() -> None:
    (part,) = answer(ModelRequest("message-1", "", ())).parts
    assert part == TextPart("Hello.")


def test_a_full_block_does_not_hold_it_up() -> None:
    value = "\n".join(f"- Fact number {at} is that they like thing {at}." for at in range(400))
    world = World(human=value)
    request = user_request("I live in Oslo", *V1, system=system_text(world.blocks))
    answer(request)
    started = time.perf_counter()
    answer(request)
    # A hang guard, not a benchmark.
    assert time.perf_counter() - started < 5.0


# --- any text at all

FRAGMENTS = [
    *("my name is ", "I'm ", "call me ", "I like ", "I hate ", "not ", "actually, ", "it's "),
    *("Brad", "tea", "Oslo", " and ", ", ", ". ", "? ", "! ", "remember that ", "forget ", "my "),
    *("your name is ", "I live in ", "from now on ", "what is ", "when did we talk about ", "\n"),
    *("\r\n", "'", '"', "{", "}", "</value>", "\\", "- ", "Name: ", "我", "？", "é", "\u0000"),
    *("\u2028", "😀", "*", "(", ")", "[", "I ", "don't ", "any more", "is my name ", "no, "),
    *("always ", "be concise"),
]
WORDS = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
)


@settings(max_examples=150, deadline=None)
@given(
    talk=st.lists(WORDS, min_size=1, max_size=3),
    human=WORDS,
    persona=WORDS,
    heartbeats=st.booleans(),
    fresh=st.booleans(),
    parallel=st.booleans(),
    broken=st.sampled_from([{}, {"memory_insert": "no"}, {"core_memory_replace": "no"}]),
)
def test_any_conversation_comes_to_an_end(
    talk: list[str],
    human: str,
    persona: str,
    heartbeats: bool,
    fresh: bool,
    parallel: bool,
    broken: dict[str, str],
) -> None:
    world = World(
        human=human,
        persona=persona,
        tools=MEMGPT if heartbeats else V1,
        heartbeats=heartbeats,
        fresh_system=fresh,
        parallel=parallel,
        broken=broken,
    )
    for words in talk:
        turn = world.say(words)
        assert turn.steps <= 6
        assert turn.text.strip()


# --- summaries


def said(role: Role, text: str, *, day: int = 1, kind: Kind = "message") -> Message:
    return Message("message-x", role, (TextPart(text),), f"2026-03-{day:02d}T09:00:00+00:00", kind)


TALK = (
    said("user", "Hi! My name is Brad and I live in Oslo."),
    said("assistant", "Nice to meet you, Brad."),
    said("user", "We decided to launch the Falcon rocket on 3 May."),
    said("assistant", "Understood: the launch needs 14 tonnes of fuel."),
    said("user", "The weather has been lovely in Bergen."),
    said("assistant", "That is good."),
    said("user", "Who pays for the fuel?", day=2),
    said("assistant", 'I found nothing about "pays for the fuel" in our conversation.', day=2),
)


def test_a_summary_keeps_facts_decisions_questions_figures_and_names() -> None:
    assert extractive_summary(TALK, limit_chars=2000) == (
        "Earlier in this conversation (8 messages, 2026-03-01 to 2026-03-02):\n"
        "What the human told about themselves:\n"
        "- The human's name is Brad.\n"
        "- They live in Oslo.\n"
        "Decisions and plans:\n"
        "- human: We decided to launch the Falcon rocket on 3 May.\n"
        "Questions without an answer:\n"
        "- human: Who pays for the fuel?\n"
        "Numbers and dates:\n"
        "- agent: Understood: the launch needs 14 tonnes of fuel.\n"
        "Also said:\n"
        "- human: The weather has been lovely in Bergen.\n"
        "- agent: That is good.\n"
        "Names: Bergen, Brad, Falcon, Oslo"
    )


@pytest.mark.parametrize("limit_chars", [0, 1, 5, 60, 120, 200, 300, 400, 10_000])
def test_a_summary_is_never_longer_than_allowed(limit_chars: int) -> None:
    assert len(extractive_summary(TALK, limit_chars=limit_chars)) <= limit_chars


def test_a_short_summary_keeps_what_matters_most() -> None:
    text = extractive_summary(TALK, limit_chars=200)
    assert "The human's name is Brad." in text
    assert "lovely" not in text


def test_nothing_said_makes_no_summary() -> None:
    assert extractive_summary((), limit_chars=500) == ""
    assert extractive_summary((said("tool", "x"),), limit_chars=500) == ""


def test_a_summary_of_a_summary_keeps_its_facts_in_their_places() -> None:
    first = extractive_summary(TALK, limit_chars=2000)
    again = extractive_summary(
        (said("user", first, kind="summary"), said("user", "I like tea.", day=3)), limit_chars=2000
    )
    told, _, rest = again.partition("Decisions and plans:")
    assert "- The human's name is Brad.\n- They live in Oslo.\n- They like tea." in told
    assert "- human: We decided to launch the Falcon rocket on 3 May." in rest
    assert again.count("Names:") == 1


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(WORDS, max_size=6), limit_chars=st.integers(0, 300))
def test_summaries_of_any_text_fit_and_repeat(texts: list[str], limit_chars: int) -> None:
    talk = [said("user" if at % 2 else "assistant", text) for at, text in enumerate(texts)]
    first = extractive_summary(talk, limit_chars=limit_chars)
    assert len(first) <= limit_chars
    assert first == extractive_summary(talk, limit_chars=limit_chars)


def test_summary_request_is_answered_with_a_summary_as_long_as_it_says() -> None:
    told = "\n".join(
        f"[2026-03-{day:02} 09:00] user: My friend Person{day} comes on day {day}, we decided."
        for day in range(1, 29)
    )
    ask = f"<transcript>\n{told}\n</transcript>\n\nWrite it now, in at most 500 characters."
    message = Message("m", "user", (TextPart(ask),), "2026-03-30")
    request = ModelRequest("m2", "Sum up.", (message,), purpose="summary")

    async def listen() -> list[ModelEvent]:
        return [event async for event in OfflineModel().stream(request)]

    reply = anyio.run(listen)[-1]
    assert isinstance(reply, ModelReply)
    (part,) = reply.parts
    assert isinstance(part, TextPart)
    assert "Earlier in this conversation (28 messages, 2026-03-01 to 2026-03-28)" in part.text
    assert "Person28" in part.text and len(part.text) <= 500
    silent = replace(request, messages=())
    reply = anyio.run(lambda: _replies(OfflineModel(), silent))
    assert reply.parts == ()


async def _replies(model: OfflineModel, request: ModelRequest) -> ModelReply:
    events = [event async for event in model.stream(request)]
    assert isinstance(events[-1], ModelReply)
    return events[-1]
