"""Grep through files: what matches, what is refused, and how a page of it looks."""

from __future__ import annotations

import builtins
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lettafs.errors import ToolProblem
from lettafs.tools.grep import Found, grep, name_matcher, searcher, shown_matches
from lettafs.values.file import FileText, PageMark


def found(pattern: str, texts: Mapping[str, str], **options: Any) -> Found:
    files = {name: FileText(body) for name, body in texts.items()}
    return grep(searcher(pattern, **options), files, files.get)


def lines(pattern: str, body: str, **options: Any) -> list[int]:
    return [match.line for match in found(pattern, {"f": body}, **options).matches]


def page(pattern: str, texts: Mapping[str, str], **options: Any) -> str:
    files = {name: FileText(body) for name, body in texts.items()}
    finder = searcher(pattern)
    return shown_matches(grep(finder, files, files.get), files.get, note=finder.note, **options)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("tea", [1, 3]),
        ("^tea", [1, 3]),
        ("rome$", [2]),
        (r"\bro\w+", [2]),
        ("x*", [1, 2, 3, 4]),
        ("TEA with", [1]),
        ("tea.*\n.*rome", [1]),
        ("\nlast", [4]),
        ("(?-i)Tea", [1]),
        ("münchen", [4]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_pattern_finds_each_line_once(pattern: str, expected: list[int], end: str) -> None:
    body = end.join(["Tea with Ann, tea", "in Rome", "tea again", "last: München"])

    assert lines(pattern, body) == expected
    assert lines(pattern, body + end) == expected


def test_case_counts_where_it_is_asked_for() -> None:
    assert lines("Tea", "tea\nTea\n", case_sensitive=True) == [2]


def test_match_over_lines_marks_all_of_them() -> None:
    shown = page("begin\n.*\nend", {"f": "0\nbegin\nx\nend\n5\n6"})

    assert shown.endswith("=== f:2 ===\n  1: 0\n> 2: begin\n> 3: x\n> 4: end\n  5: 5\n")


def test_page_tells_counts_places_and_lines() -> None:
    texts = {"docs/a.txt": "one\ntwo tea\nthree", "docs/b.txt": "no", "docs/c.txt": "tea\nTea"}

    assert page("tea", texts) == (
        "3 matches in 2 files, showing 1-3:\n"
        + "=" * 60
        + "\ndocs/a.txt: 1 match\n"
        + "docs/c.txt: 2 matches\n"
        + "\n"
        + "=== docs/a.txt:2 ===\n"
        + "  1: one\n"
        + "> 2: two tea\n"
        + "  3: three\n"
        + "\n"
        + "=== docs/c.txt:1 ===\n"
        + "> 1: tea\n"
        + "  2: Tea\n"
        + "\n"
        + "=== docs/c.txt:2 ===\n"
        + "  1: tea\n"
        + "> 2: Tea\n"
    )


def test_context_can_be_none() -> None:
    assert page("b", {"f": "a\nb\nc"}, context_lines=0).endswith("=== f:2 ===\n> 2: b\n")


def test_pages_of_matches_go_on_where_the_last_ended() -> None:
    texts = {"f": "".join(f"hit {n}\n" for n in range(1, 46))}

    first, second, third = (page("hit", texts, offset=n, context_lines=0) for n in (0, 20, 40))

    assert "45 matches in 1 file, showing 1-20:" in first
    assert first.endswith("The next matches: the same call with offset 20.")
    assert "> 20: hit 20\n" in first and "hit 21" not in first
    assert "> 21: hit 21\n" in second and "> 40: hit 40\n" in second
    assert "> 45: hit 45\n" in third and "next" not in third
    with pytest.raises(ToolProblem, match="there are 45 matches"):
        page("hit", texts, offset=45)


def test_page_of_wide_context_is_bounded_and_skips_nothing() -> None:
    texts = {"f": "".join("y" * 390 + f" hit {n}\n" for n in range(1, 46))}

    seen: list[str] = []
    offset = 0
    while True:
        shown = page("hit", texts, offset=offset, context_lines=20)
        assert len(shown) < 40_000
        seen += [line for line in shown.split("\n") if line.startswith("=== ")]
        if "same call with offset" not in shown:
            break
        offset = int(shown.rsplit("offset ", 1)[1].rstrip("."))

    assert seen == [f"=== f:{n} ===" for n in range(1, 46)]


def test_more_than_a_thousand_matches_are_not_collected() -> None:
    texts = {"f": "hit\n" * 5_000}

    shown = page("hit", texts, offset=980)

    assert "1,000+ matches in 1 file, showing 981-1000:" in shown
    assert shown.endswith(
        "There are more than were collected: a narrower pattern or include helps."
    )


def test_exactly_a_thousand_matches_are_all() -> None:
    assert found("hit", {"f": "hit\n" * 1_000}).is_all


def test_page_number_stands_beside_the_line() -> None:
    body = "<!-- page 1 -->\none\n<!-- page 2 -->\ntea\n"
    paged = FileText(body, (PageMark(0, "page 1"), PageMark(20, "page 2")), "pdf")
    result = grep(searcher("tea"), ["a.pdf"], {"a.pdf": paged}.get)

    assert "=== a.pdf:4 (page 2) ===\n" in shown_matches(result, {"a.pdf": paged}.get)


def test_long_line_is_cut_around_the_match() -> None:
    shown = page("needle", {"f": "x" * 100_000 + "needle" + "y" * 100_000})

    line = shown.split("> 1: ")[1].split("\n")[0]
    assert line.startswith(" ... xxx") and line.endswith("yyy ... ") and "xneedley" in line
    assert len(line) == 410


def test_match_near_an_end_of_a_long_line_shows_that_end() -> None:
    body = "needle" + "x" * 1_000 + "last"

    assert "> 1: needlexxx" in page("needle", {"f": body})
    assert "xxlast\n" in page("last", {"f": body})


def test_control_characters_of_lines_and_names_are_shown_as_escapes() -> None:
    shown = page("red", {"a\x1bb": "red \x1b]52;c;aGk=\x07 \u202e\n"})

    assert "> 1: red \\x1b]52;c;aGk=\\x07 \\u202e\n" in shown
    assert "=== a\\x1bb:1 ===" in shown
    assert "\x1b" not in shown and "\u202e" not in shown


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "no backreferences"),
        ("a(?=b)", "no lookahead"),
        ("(?<!a)b", "no lookahead and no lookbehind"),
        ("a{1001}", "1,000 at most"),
        ("(", "put a backslash"),
        ("[z-a]", "put a backslash"),
        ("(((a{30}){30}){30}){30}", "1,000 at most"),
        ("\\pN.{999}" * 60, "too large"),
    ],
)
def test_pattern_re2_refuses_says_what_it_takes(pattern: str, reason: str) -> None:
    with pytest.raises(ToolProblem, match=reason) as caught:
        searcher(pattern)
    assert "RE2 takes" in str(caught.value)


def test_pattern_is_neither_empty_nor_endless() -> None:
    with pytest.raises(ToolProblem, match="empty"):
        searcher("")
    searcher("a" * 1_000)
    with pytest.raises(ToolProblem, match="1,001 characters"):
        searcher("a" * 1_001)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*b", "(x+x+)+y|a.*a.*a.*c", "(.*)(.*)(.*)c$"])
def test_no_pattern_is_slow(pattern: str) -> None:
    body = "a" * 1_000_000 + "!"
    begun = time.process_time()

    found(pattern, {"f": body})

    assert time.process_time() - begun < 2.0


def test_many_matching_lines_cost_no_more_than_the_text() -> None:
    body = "some words and a hit\n" * 200_000
    begun = time.process_time()

    assert not found("hit", {"f": body}).is_all

    assert time.process_time() - begun < 1.0


def test_ten_thousand_small_files_are_searched_quickly() -> None:
    texts = {f"docs/{n}": f"file {n}\n" + "some words in it\n" * 100 for n in range(10_000)}
    begun = time.process_time()

    result = found("file 77[0-9]$", texts)

    assert time.process_time() - begun < 1.5
    assert len(result.matches) == 10


def test_search_ends_when_time_is_out() -> None:
    moments = iter(range(0, 10_000, 10))
    files = {f"{n}": FileText("hit\n") for n in range(50)}

    result = grep(searcher("hit"), files, files.get, clock=lambda: float(next(moments)))

    assert 0 < len(result.matches) < 5 and not result.is_all
    assert len(result.matches) + result.unread == 50
    assert f"Time ran out with {result.unread} files" in shown_matches(result, files.get)


def test_file_that_vanished_is_passed_over() -> None:
    files = {"a": FileText("hit"), "c": FileText("hit")}

    result = grep(searcher("hit"), ["a", "b", "c"], files.get)

    assert [match.file for match in result.matches] == ["a", "c"]
    assert "(the file cannot be read any more)" in shown_matches(result, {"c": files["c"]}.get)


@pytest.fixture
def _without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **named: Any) -> Any:
        if name == "re2":
            raise ImportError("no re2 on this machine")
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.usefixtures("_without_re2")
def test_without_re2_a_pattern_is_plain_text() -> None:
    shown = page("A.c", {"f": "abc\nxa.cx"})

    assert "> 2: xa.cx" in shown and "> 1:" not in shown
    assert "taken as plain text" in shown
    assert lines("A.c", "a.c\nA.c", case_sensitive=True) == [2]
    with pytest.raises(ToolProblem, match="only be a glob"):
        name_matcher("(a|b)")


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("*.py", ["src/a.py", "src/deep/B.PY"]),
        ("**/*.py", ["src/a.py", "src/deep/B.PY"]),
        ("deep/*", ["src/deep/B.PY"]),
        ("src/*", ["src/a.py", "src/deep/B.PY", "src/n.md"]),
        ("*.{py,md}", ["src/a.py", "src/deep/B.PY", "src/n.md"]),
        ("[ab].py", ["src/a.py", "src/deep/B.PY"]),
        ("src/n.md", ["src/n.md"]),
        ("deep", ["src/deep/B.PY"]),
        (r"\.(py|md)$", ["src/a.py", "src/deep/B.PY", "src/n.md"]),
        ("^src/a", ["src/a.py"]),
        (".*md", ["src/n.md"]),
        ("*.exe", []),
    ],
)
def test_include_is_a_glob_or_an_expression(include: str, expected: list[str]) -> None:
    fits = name_matcher(include)

    assert [n for n in ("src/a.py", "src/deep/B.PY", "src/n.md") if fits(n)] == expected


@pytest.mark.parametrize("include", ["(", "^(?=a)", "x" * 1_001 + "$"])
def test_include_that_is_nothing_is_refused(include: str) -> None:
    with pytest.raises(ToolProblem):
        name_matcher(include)


def test_include_of_many_wildcards_is_not_slow() -> None:
    fits = name_matcher("*a" * 40 + "b")
    begun = time.process_time()

    assert not fits("a" * 5_000)

    assert time.process_time() - begun < 1.0
