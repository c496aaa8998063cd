from __future__ import annotations

import errno
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lettafs.cli.talk import talk
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent

Start = Callable[..., Any]
Script = Callable[..., str]

EDITS = {
    "tool_calls": [
        {
            "name": "memory_replace",
            "arguments": {"label": "human", "old_string": "Chad", "new_string": "Brad"},
        }
    ]
}


def test_conversation_from_the_first_prompt_to_the_last(
    program: Start, ada: Path, script: Script, tmp_path: Path
) -> None:
    model = script(
        {**EDITS, "reasoning": "their name"},
        {"text": "Nice to meet you, **Brad**.\n\n1. one\n2. two\n"},
        {"delay_s": 60, "text": "never"},
        {"text": "still here"},
    )
    chat = program("chat", str(ada), "--model", model)
    chat.wait_for_prompt()
    assert "Ada · scripted:" in chat.terminal.lines[0]
    assert "2 blocks · /help" in chat.terminal.text

    chat.type("my name is Brad\r")
    chat.wait_for("Nice to meet you, Brad.")
    chat.wait_for("saved as")
    chat.wait_for_prompt()
    assert "  + The human's name is Brad." in chat.terminal.text
    assert chat.terminal.text.count("Nice to meet you") == 1

    time.sleep(0.6)  # the watcher's own lag: until then a change is taken for the turn's
    (ada / "memory/human.md").write_text("I typed this.\n", encoding="utf-8")
    chat.wait_for("memory/human.md changed")
    chat.wait_for_prompt()

    chat.type("wait for me\r")
    chat.wait_for("thinking 0.")
    chat.type("\x03")
    asked = time.monotonic()
    chat.wait_for("what was done is kept")
    assert time.monotonic() - asked < 2
    chat.wait_for_prompt()

    chat.type("are you there?\r")
    chat.wait_for("still here")
    chat.wait_for_prompt()
    chat.type("/undo\r")
    chat.wait_for("took back")
    chat.wait_for_prompt()
    chat.type("\x04")
    assert chat.ended() == 0

    agent = open_agent(ada)
    assert agent.block("human").value == "I typed this.\n"
    assert "wait for me" in [message.text for message in agent.messages()]
    assert "my name is Brad" in (tmp_path / "person/state/history").read_text(encoding="utf-8")
    assert not [path for path in ada.rglob("*history*") if ".git" not in path.parts]


def test_multiline_paste_completion_and_slash_commands(
    program: Start, ada: Path, script: Script
) -> None:
    model = script(
        {"expect": "one\ntwo", "text": "reply 1"},
        {"expect": "pasted\nblock", "text": "reply 2"},
        {"expect": "/etc is a directory", "text": "reply 3"},
    )
    chat = program("chat", str(ada), "--model", model)
    chat.wait_for_prompt()

    chat.type("one\x1b\rtwo\r")
    chat.wait_for("reply 1")
    chat.wait_for_prompt()
    chat.type("\x1b[200~pasted\nblock\x1b[201~\r")
    chat.wait_for("reply 2")
    chat.wait_for_prompt()
    chat.type(" /etc is a directory\r")
    chat.wait_for("reply 3")
    chat.wait_for_prompt()

    chat.type("/mem\t")
    chat.wait_for("/memory")
    chat.type(" pers\t")
    chat.wait_for("/memory persona")
    chat.type("\r")
    chat.wait_for("My name is Ada.")
    chat.wait_for_prompt()
    chat.type("/memroy\r")
    chat.wait_for("Did you mean /memory?")
    chat.wait_for_prompt()
    chat.type("/quit\r")
    assert chat.ended() == 0


def test_block_is_edited_from_the_chat(program: Start, ada: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "edited" > "$1"\n', encoding="utf-8")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    chat = program("chat", str(ada), EDITOR=str(editor))
    chat.wait_for_prompt()

    chat.type("/edit human\r")
    chat.wait_for("the next turn sees it")
    chat.wait_for_prompt()
    chat.type("\x04")

    assert chat.ended() == 0
    assert open_agent(ada).block("human").value == "edited"


def test_keys_typed_during_a_reply_wait_for_the_next_prompt(
    program: Start, ada: Path, script: Script
) -> None:
    model = script({"delay_s": 1.5, "text": "first reply"}, {"expect": "typed", "text": "second"})
    chat = program("chat", str(ada), "--model", model)
    chat.wait_for_prompt()

    chat.type("go\r")
    chat.wait_for("thinking")
    chat.type("typed ahead\r")
    chat.wait_for("second")

    assert chat.terminal.text.count("typed ahead") == 1
    assert chat.terminal.text.index("first reply") < chat.terminal.text.index("> typed ahead")


def test_second_ctrl_c_at_the_prompt_leaves(program: Start, ada: Path) -> None:
    chat = program("chat", str(ada))
    chat.wait_for_prompt()

    chat.type("half a li\x03")
    chat.wait_for("Ctrl-C again")
    chat.wait_for_prompt()
    chat.type("\x03")

    assert chat.ended() == 130


@pytest.mark.parametrize(("number", "busy"), [(signal.SIGTERM, True), (signal.SIGHUP, False)])
def test_signal_ends_the_conversation_in_order(
    program: Start, ada: Path, script: Script, number: signal.Signals, busy: bool
) -> None:
    chat = program("chat", str(ada), "--model", script(EDITS, {"delay_s": 60, "text": "never"}))
    chat.wait_for_prompt()
    if busy:
        chat.type("my name is Brad\r")
        chat.wait_for("+ The human's name is Brad.")

    chat.process.send_signal(number)

    assert chat.ended() == 143
    assert "Traceback" not in chat.raw
    assert chat.raw.count("\x1b[?25l") <= chat.raw.count("\x1b[?25h")
    if busy:
        assert open_agent(ada).log(1)[0].changes[0].label == "human"


def test_closed_terminal_ends_the_turn_and_keeps_it(
    program: Start, ada: Path, script: Script
) -> None:
    chat = program("chat", str(ada), "--model", script(EDITS, {"delay_s": 60, "text": "never"}))
    chat.wait_for_prompt()
    chat.type("my name is Brad\r")
    chat.wait_for("+ The human's name is Brad.")

    chat.hang_up()

    assert chat.process.wait(10) == 143
    assert open_agent(ada).log(1)[0].changes[0].label == "human"


def test_dumb_terminal_can_talk_too(program: Start, ada: Path, script: Script) -> None:
    model = script({"text": "Some **bold** words."})
    chat = program("chat", str(ada), "--model", model, TERM="dumb")
    chat.wait_for_prompt()

    chat.type("hi\r")
    chat.wait_for("Some **bold** words.")
    chat.wait_for_prompt()
    chat.type("/quit\r")

    assert chat.ended() == 0
    assert "\x1b" not in chat.raw


def test_no_color_is_honoured(program: Start, ada: Path, script: Script) -> None:
    chat = program("chat", str(ada), "--model", script(EDITS, {"text": "Hi."}), NO_COLOR="1")
    chat.wait_for_prompt()
    chat.type("hi\r")
    chat.wait_for("saved as")

    assert "\x1b[31m" not in chat.raw
    assert "\x1b[32m" not in chat.raw


def test_problem_during_a_turn_is_said_and_the_conversation_goes_on(
    program: Start, ada: Path, script: Script
) -> None:
    model = script({"error": "refused", "message": "no such thing"}, {"text": "fine again"})
    chat = program("chat", str(ada), "--model", model)
    chat.wait_for_prompt()

    chat.type("hi\r")
    chat.wait_for("no such thing")
    chat.wait_for_prompt()
    chat.type("hi\r")
    chat.wait_for("fine again")


def test_one_turn_without_a_message_in_a_terminal_needs_p(program: Start, ada: Path) -> None:
    chat = program("chat", str(ada), "--output-format", "json")

    assert chat.ended() == 2
    assert "Say what to send" in chat.terminal.text


def test_mistake_of_ours_in_a_turn_is_told_and_the_conversation_goes_on(
    ada: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["hello", "/memory", "are you there?"])
    stream = Agent.stream

    class Keyboard:
        def __init__(self, *_: object, **__: object) -> None: ...

        async def prompt_async(self) -> str:
            for line in typed:
                return line
            raise EOFError

    def broken(*_: object, **__: object) -> Any:
        monkeypatch.setattr(Agent, "stream", stream)
        raise TypeError("not\x1b[31m this")

    def broken_command(*_: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    monkeypatch.setattr("lettafs.cli.talk.PromptSession", Keyboard)
    monkeypatch.setattr("lettafs.cli.talk.run_slash", broken_command)
    monkeypatch.setattr(Agent, "stream", broken)

    code = talk(open_agent(ada))

    shown = capsys.readouterr().out
    assert code == 0
    assert "A mistake inside lettafs, TypeError: not this." in shown
    assert "No space left on device: /tmp/x." in shown
    assert "are you there?" in [message.text for message in open_agent(ada).messages()]
