from __future__ import annotations

import random

from lettafs.cli.markdown import Code, CodeEnd, CodeLine, MarkdownParts, Part, Prose

REPLY = """Sure! Here it is:
second line of it

# Title
Setext
------
1. one
2. two
   - nested
   ```py
   inside = "an item"
   ```
3. three

- loose

- list

```python title="x"
def f():

    return "```"
~~~
```
after
~~~~
tilde ``` fence
~~~
~~~~
| a | b |
|---|---|
| 1 | 2 |

> quote
lazy

<div>html</div>

[1]: http://a.definition.example

    indented code

    goes on
* * *
#hashtag and **half"""


def parts_of(chunks: list[str]) -> list[Part]:
    parts = MarkdownParts()
    return [part for chunk in chunks for part in parts.feed(chunk)] + parts.finish()


def text_of(parts: list[Part]) -> str:
    lines: list[str] = []
    for part in parts:
        match part:
            case Prose(markdown):
                lines += markdown.splitlines()
            case Code(opening):
                lines.append(opening)
            case CodeLine(text):
                lines.append(text)
            case CodeEnd(closing):
                lines.append(closing)
    return "\n".join(lines)


def test_parts_are_the_same_however_the_text_is_split() -> None:
    whole = parts_of([REPLY])
    chance = random.Random(3)
    for _ in range(25):
        chunks, at = [], 0
        while at < len(REPLY):
            size = chance.choice([1, 2, 7, 60])
            chunks.append(REPLY[at : at + size])
            at += size

        assert parts_of(chunks) == whole


def test_parts_hold_every_line_once_and_in_order() -> None:
    shown = [line for line in text_of(parts_of([REPLY])).split("\n") if line.strip()]

    assert shown == [line for line in REPLY.split("\n") if line.strip()]


def test_paragraph_is_finished_at_its_blank_line() -> None:
    parts = MarkdownParts()

    assert parts.feed("one\ntwo\n") == []
    assert parts.unfinished() == Prose("one\ntwo\n")
    assert parts.feed("\n") == [Prose("one\ntwo\n")]
    assert parts.unfinished() is None


def test_list_gives_an_item_when_the_next_begins() -> None:
    parts = MarkdownParts()

    assert parts.feed("1. one\n   more\n2.") == []
    assert parts.feed(" two\n") == [Prose("1. one\n   more\n")]
    assert parts.feed("\nafter\n\n") == [Prose("2. two\n\n", joins=True), Prose("after\n")]


def test_code_comes_line_by_line_and_ends_at_its_own_fence() -> None:
    parts = MarkdownParts()

    assert parts.feed("````py\n") == [Code("````py", "py")]
    assert parts.feed("a = 1\n```\n") == [CodeLine("a = 1"), CodeLine("```")]
    assert parts.feed("hal") == []
    assert parts.unfinished() == CodeLine("hal")
    assert parts.feed("f\n````\n") == [CodeLine("half"), CodeEnd("````")]


def test_code_that_never_ends_is_shown_to_its_last_line() -> None:
    assert parts_of(["```\nx\ny"]) == [
        Code("```", ""),
        CodeLine("x"),
        CodeLine("y"),
        CodeEnd("```"),
    ]


def test_hashtag_at_the_end_of_a_chunk_is_not_taken_for_a_heading() -> None:
    parts = MarkdownParts()

    assert parts.feed("para\n#") == []
    assert parts.feed("tag goes on\n\n") == [Prose("para\n#tag goes on\n")]


def test_a_table_of_two_thousand_rows_is_quick_to_split() -> None:
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 2000

    assert [type(part) for part in parts_of([table, "\nend"])] == [Prose, Prose]
