from __future__ import annotations

import random
import re
import unicodedata

import pytest

from lettafs.cli.clean import Cleaner, clean

FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# Each is one attack or one everyday sequence; nothing of it may be seen, nothing around it lost.
WHOLE = [
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[38;5;196m",
    "\x1b[38:2::255:0:0m",
    "\x1b[2J",
    "\x1b[H",
    "\x1b[1;1H",
    "\x1b[?25l",
    "\x1b[?1049h",
    "\x1b[>0c",
    "\x1b[6n",
    "\x1b[!p",
    "\x1b[5 q",
    "\x1b[3J",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "\x1b]52;c;cm0gLXJmIH4=\x1b\\",
    "\x1b]8;;http://evil.example/\x1b\\",
    "\x1b]8;id=1;file:///etc/passwd\x07",
    "\x1b]1337;File=name=x:AAAA\x07",
    "\x1b]7;file://host/\x9c",
    "\x1bP1$r0m\x1b\\",
    "\x1bPq#0;2;0;0;0~\x1b\\",
    "\x1b_Gf=24,s=1,v=1;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bXstring\x1b\\",
    "\x1b(B",
    "\x1b)0",
    "\x1b#8",
    "\x1bc",
    "\x1b7",
    "\x1b=",
    "\x1b%G",
    "\x9b31m",
    "\x9b2J",
    "\x9d52;c;AAAA\x9c",
    "\x90data\x9c",
    "\x9f_apc\x9c",
    "\x85",
    "\x00",
    "\x07",
    "\x08",
    "\x0b\x0c",
    "\x0e\x0f",
    "\x7f",
    "\r",
    "\u202e",
    "\u2066\u2069",
    "\x1b\x1b[31m",
    "\x1b[31\x07m",
    "\x1b[3\x1b[1m",
    "\x1b]0;a\x1b[31m",
    "\x1b]0;half\x18",
]
UNTERMINATED = [
    "\x1b[",
    "\x1b[31;1",
    "\x1b]52;c;AAAA",
    "\x1bP1;2|17",
    "\x1b_G",
    "\x9d0;t",
    "\x1b",
    "\x1b(",
]


@pytest.mark.parametrize("sequence", WHOLE)
def test_sequence_vanishes_and_text_around_it_stays_wherever_it_is_split(sequence: str) -> None:
    text = f"before {sequence}Ünï→ after\n\tend"

    for at in range(len(text) + 1):
        cleaner = Cleaner()
        assert cleaner.feed(text[:at]) + cleaner.feed(text[at:]) == "before Ünï→ after\n\tend"


@pytest.mark.parametrize("sequence", UNTERMINATED)
def test_unterminated_sequence_shows_nothing_and_ends_with_its_line(sequence: str) -> None:
    assert clean(f"before {sequence}") == "before "
    assert clean(f"before {sequence}\nafter") == "before \nafter"


def test_sequence_fed_character_by_character_is_removed_whole() -> None:
    text = "".join(f"{number}{sequence}" for number, sequence in enumerate(WHOLE))
    cleaner = Cleaner()

    shown = "".join(cleaner.feed(char) for char in text)

    assert shown == "".join(str(number) for number in range(len(WHOLE)))


def test_random_bytes_leave_nothing_that_steers_a_terminal_however_they_are_split() -> None:
    chance = random.Random(20)
    alphabet = [chr(code) for code in range(0x100)] + list(
        "\u202a\u202e\u2066\u2069\ud800\u200d你é"
    )
    alphabet += ["\x1b", "[", "]", "\\", "\x07", "m", "\n", "\x9b"] * 20
    for _ in range(4000):
        text = "".join(chance.choices(alphabet, k=chance.randrange(40)))
        whole = clean(text)
        at = chance.randrange(len(text) + 1)
        cleaner = Cleaner()

        assert not FORBIDDEN.search(whole), repr(text)
        assert cleaner.feed(text[:at]) + cleaner.feed(text[at:]) == whole, repr(text)
        assert clean(whole) == whole, repr(text)
        assert whole.count("\n") == text.count("\n"), repr(text)


def test_text_without_controls_is_returned_as_it_is() -> None:
    chance = random.Random(21)
    letters = [
        chr(code) for code in range(0x20, 0x3000) if unicodedata.category(chr(code))[0] in "LMNPSZ"
    ]
    for _ in range(200):
        text = "".join(chance.choices(letters, k=80)) + "\n\t👩‍👩‍👧"
        assert clean(text) == text


def test_half_of_a_surrogate_pair_becomes_a_replacement_character() -> None:
    assert clean("a\ud83db") == "a\ufffdb"


def test_a_megabyte_is_cleaned_at_once() -> None:
    text = "plain text, " * 50_000 + "\x1b[31m" + "more, " * 50_000

    assert len(clean(text)) == len(text) - 5
