"""Token counts: exact where the encoding is shipped, calibrated or estimated elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public  # type: ignore[import-untyped]  # it has no types

from lettafs.context.calibration import usage_factor
from lettafs.context.encodings.by_model import encoding_name
from lettafs.context.encodings.derive import derived
from lettafs.context.encodings.shipped import ENCODINGS, load, ranks
from lettafs.context.estimate import estimate
from lettafs.context.request import Prompt, compile_prompt, counted_exactly
from lettafs.context.tokens import (
    ESTIMATED,
    TokenCounter,
    counter_for,
    estimated_for,
    exact_for,
)
from lettafs.format.recall_line import MessageRecord, StepRecord
from lettafs.home.home import Home
from lettafs.stores.recall import Recall
from lettafs.values.message import (
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
)
from lettafs.values.run import Step, Usage
from lettafs.values.tool import ToolSpec
from tests.support.homes import make_home

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
O200K = TokenCounter("o200k_base")

TEXTS = {
    "": 0,
    "Hello, world!": 4,
    "tiktoken is great!": 6,
    "antidisestablishmentarianism": 6,
    "2 + 2 = 4": 7,
    "お誕生日おめでとう": 8,
}
"""Texts with their tokens in o200k, as OpenAI's own examples give them."""

VARIED = [
    *TEXTS,
    "<|endoftext|> <|im_start|>system<|im_sep|> <|endofprompt|><|start|>",
    "😀👍🏽👨‍👩‍👧‍👦🇩🇪 ❤️ 🏳️‍🌈",
    "我喜欢北京烤鸭。株式会社　全角スペース。한국어 문장입니다.",
    "def f(x: int) -> str:\n\tif x >= 10:\r\n        return f'{x:>5}'  # done\n\n\n",
    "  leading, trailing  \n\n \t \r\n mixed \u00a0\u2003\u200b blanks\u3000",
    "I'll we've you'RE they'd it's IT'S 'tis rock'n'roll",
    "HTMLParser getElementById snake_case_name SCREAMING_CASE kebab-case v1.2.3 1234567890",
    "https://example.com/a/b?c=d&e=%20#f //// \\\\ --- === *** ```",
    "Zażółć gęślą jaźń; Größe; Ελληνικά; Привет; עברית; العربية; हिन्दी; ไทย; ქართული",
    "e\u0301 combining \u0301\u0302, private \ue000, astral 𝔘𝔫𝔦 𓀀, \x00\x01\x7f controls",
    "half of a pair: \ud83d and \udc4d",
    json.dumps({"a": [1, 2.5, None, True], "ü": "\u00fc\n"}, ensure_ascii=True),
    "x" * 3000,
    " " * 3000,
]


def original_of(table: dict[bytes, int]) -> bytes:
    """Return the file OpenAI publishes."""
    return b"".join(b"%s %d\n" % (base64.b64encode(key), rank) for key, rank in table.items())


def theirs(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """Return tiktoken's own definition of an encoding, with the hash it wants of its file."""
    wanted: list[str] = []

    def from_ours(url: str, expected_hash: str) -> dict[bytes, int]:
        wanted.append(expected_hash)
        return ranks(name)

    # It would fetch them; whether ours are the same bytes is what its own hash tells.
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", from_ours)
    definition = getattr(openai_public, name)()
    (expected,) = wanted
    return definition, expected


# -- the encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENCODINGS)
def test_shipped_ranks_are_the_published_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expected = theirs(name, monkeypatch)

    assert hashlib.sha256(original_of(ranks(name))).hexdigest() == expected


@pytest.mark.parametrize("name", ENCODINGS)
def test_shipped_definition_is_the_published_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition, _ = theirs(name, monkeypatch)

    assert definition["name"] == name
    assert ENCODINGS[name].pattern == definition["pat_str"]
    assert ENCODINGS[name].special_tokens == definition["special_tokens"]


@pytest.mark.parametrize("name", ENCODINGS)
def test_shipped_file_is_derived_from_the_published_one(name: str) -> None:
    original = original_of(ranks(name))
    shipped = (ROOT / f"lettafs/context/encodings/{name}.zlib").read_bytes()

    again = derived(original)

    # Another zlib may pack otherwise; what is packed is the same.
    assert len(again) == pytest.approx(len(shipped), rel=0.05)
    assert zlib.decompress(again) == zlib.decompress(shipped)
    readme = (ROOT / "lettafs/context/encodings/README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(shipped).hexdigest() in readme
    assert hashlib.sha256(original).hexdigest() in readme


def test_deriving_refuses_what_is_no_such_file() -> None:
    with pytest.raises(ValueError, match="line 2 is not the token of rank 1"):
        derived(b"IQ== 0\nIg== 2\n")
    with pytest.raises(ValueError):
        derived(b"no words here at all\n")


@pytest.mark.parametrize("name", ENCODINGS)
def test_token_ids_are_those_of_the_original(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    definition, _ = theirs(name, monkeypatch)
    original = tiktoken.Encoding(**definition)
    ours = load(name)
    assert ours is not None
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "lettafs").rglob("*.py")]
    docs = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")]

    for text in (*VARIED, *code, *docs):
        assert ours.encode_ordinary(text) == original.encode_ordinary(text)
    assert ours.decode(ours.encode_ordinary(docs[0])) == docs[0]


@pytest.mark.parametrize("text, count", TEXTS.items())
def test_known_texts_have_their_known_counts(text: str, count: int) -> None:
    assert O200K.text(text) == count


def test_mark_of_the_chat_format_in_a_text_is_a_text() -> None:
    assert O200K.text("<|endoftext|>") == 7
    assert TokenCounter("cl100k_base").text("<|endoftext|>") == 7


def test_damaged_or_missing_data_is_an_estimate_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(name: str) -> dict[bytes, int]:
        raise FileNotFoundError(name)

    monkeypatch.setattr("lettafs.context.encodings.shipped.ranks", gone)
    load.cache_clear()
    try:
        assert exact_for("openai/gpt-4o") is None
        assert counter_for("openai/gpt-4o", factor=None) == ESTIMATED
    finally:
        load.cache_clear()


def test_nothing_is_fetched_and_no_cache_is_looked_for(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "def watch(event, args):\n"
        "    if event.startswith('socket') or 'data-gym' in str(args[:1]):\n"
        "        os._exit(7)\n"
        "sys.addaudithook(watch)\n"
        "from lettafs.context.tokens import counter_for\n"
        "for handle in ('openai/gpt-4o', 'openai/gpt-4'):\n"
        "    print(counter_for(handle, factor=None).text('Hello, world!'))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "", "TIKTOKEN_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "4\n4\n", "")
    assert list(tmp_path.iterdir()) == []


# -- which model ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handle",
    [
        "gpt-4o",
        "openai/gpt-4o",
        "openai/gpt-4o-mini-2024-07-18",
        "openai/gpt-4.1-nano",
        "openai/gpt-4.5-preview",
        "openai/gpt-5",
        "openai/gpt-5.1-codex",
        "openai/GPT-5-Mini",
        "openai/o1",
        "openai/o3-mini",
        "openai/o4-mini",
        "openai/chatgpt-4o-latest",
        "openai/ft:gpt-4o-mini:acme::1",
        "openrouter/openai/gpt-4.1",
        "openrouter/openai/gpt-oss-120b:free",
        "azure/gpt-4o",
        "groq/openai/gpt-oss-20b",
        "ollama/gpt-oss:20b",
        "lmstudio/openai/gpt-oss-20b",
    ],
)
def test_newer_models_of_openai_speak_o200k(handle: str) -> None:
    assert encoding_name(handle) == "o200k_base"


@pytest.mark.parametrize(
    "handle",
    [
        "openai/gpt-4",
        "openai/gpt-4-turbo",
        "openai/gpt-4-0613",
        "openai/gpt-3.5-turbo",
        "azure/gpt-35-turbo",
        "openai/ft:gpt-3.5-turbo:acme",
        "openrouter/openai/gpt-4",
    ],
)
def test_older_models_of_openai_speak_cl100k(handle: str) -> None:
    assert encoding_name(handle) == "cl100k_base"


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "offline",
        "lettafs/offline",
        "scripted:/tmp/gpt-4o",
        "scripted:gpt-4o",
        "anthropic/claude-sonnet-4",
        "gemini/gemini-2.5-pro",
        "openrouter/meta-llama/llama-3.3-70b",
        "ollama/llama3.1:8b",
        "ollama/gpt-4-x-alpaca",
        "ollama/o1-imitation",
        "lmstudio/gpt-4o-distilled",
        "openai/text-davinci-003",
        "openai/gpt-4all-13b",
        "openai/olmo-2",
    ],
)
def test_other_models_have_no_encoding_here(handle: str) -> None:
    assert encoding_name(handle) is None
    assert exact_for(handle) is None
    assert counter_for(handle, factor=None).origin == "estimated"


def test_origin_says_how_the_figure_came_about() -> None:
    assert counter_for("openai/gpt-4o", factor=1.5).origin == "exact (o200k_base)"
    assert counter_for("openai/gpt-4", factor=None).origin == "exact (cl100k_base)"
    assert counter_for("ollama/qwen3", factor=1.119).origin == "calibrated (x 1.12 from usage)"
    assert counter_for("ollama/qwen3", factor=None).origin == "estimated"


# -- messages and tools ---------------------------------------------------------------------------


def row(*parts: Part, role: str = "user") -> Message:
    return Message("message-1", role, parts, "2026-03-01")  # type: ignore[arg-type]


def test_message_costs_its_words_and_what_the_chat_format_puts_around_them() -> None:
    assert O200K.message(row(TextPart("Hello, world!"))) == 4 + 4
    assert O200K.message(row(TextPart("Hello, "), TextPart("world!"))) == 4 + 3 + 2
    assert O200K.system("Hello, world!") == 4 + 4 + 3
    assert O200K.messages([]) == 0


def test_calls_and_returns_count_and_what_is_not_sent_does_not() -> None:
    call = ToolCall("call-1", "find", '{"query": "x"}')
    back = ToolReturn("call-1", "find", "success", "Hello, world!")
    thought = ReasoningPart("A very long thought. " * 100)

    assert O200K.message(row(call)) == 8 + O200K.text("find") + O200K.text(call.arguments)
    assert O200K.message(row(back, role="tool")) == 8 + 4
    assert O200K.message(row(thought, TextPart("Hello, world!"))) == 8
    assert O200K.message(row(OpaquePart({"type": "image", "data": "x" * 9000}))) == 4


def test_estimate_of_a_message_is_not_below_its_count() -> None:
    message = row(TextPart("Hello, world! How are you today? I have been thinking of you."))

    assert O200K.message(message) <= ESTIMATED.message(message) <= O200K.message(message) * 1.35


def test_tools_count_with_name_words_and_schema() -> None:
    spec = ToolSpec("find", "Find it.", {"type": "object", "properties": {"über": {}}})

    bare = O200K.tools([ToolSpec("find", "Find it.", {})])
    assert O200K.tools([spec, spec]) == 2 * O200K.tools([spec]) > 2 * bare
    assert O200K.tools([]) == 0


def test_factor_applies_to_every_figure() -> None:
    twice = TokenCounter(factor=2.0)
    message = row(TextPart("Hello, world!"), role="assistant")

    assert twice.text("Hello, world!") == 2 * ESTIMATED.text("Hello, world!")
    assert twice.message(message) == 2 * ESTIMATED.message(message)
    assert twice.system("Hi.") == 2 * ESTIMATED.system("Hi.")
    assert TokenCounter(factor=0.5).text("Hello") == 1


# -- texts that are hard on a tokenizer -----------------------------------------------------------


@pytest.mark.parametrize(
    "text, tokens",
    [(" " * 1_200_000 + "x", 9_380), ("\t" * 1_200_000, 75_000), ("a" * 1_200_000, 150_000)],
    ids=["spaces", "tabs", "letters"],
)
def test_text_that_would_crash_the_tokenizer_is_counted_in_pieces(
    text: str, tokens: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert O200K.text(text) == pytest.approx(tokens, rel=0.01)
    assert capfd.readouterr() == ("", "")


def test_long_text_with_lines_is_counted_exactly_in_pieces() -> None:
    encoding = load("o200k_base")
    assert encoding is not None
    dice = random.Random(3)
    code = (ROOT / "lettafs/loop/run.py").read_text(encoding="utf-8")
    lines = "\n".join("".join(dice.choices(string.printable, k=70)) for _ in range(4000))
    jsonl = "\n".join(json.dumps({"id": n, "text": "Words, words."}) for n in range(9000))

    for text in (code * 60, lines + "\nend", jsonl):
        assert len(text) > 250_000
        assert abs(O200K.text(text) - len(encoding.encode_ordinary(text))) <= 1


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_counted_the_same_twice(text: str) -> None:
    encoding = load("o200k_base")
    assert encoding is not None

    assert O200K.text(text) == len(encoding.encode_ordinary(text)) == O200K.text(text)


def test_more_texts_than_are_remembered_are_counted_all_the_same() -> None:
    texts = [f"Text number {number}" for number in range(40_000)]

    assert [ESTIMATED.text(text) for text in texts] == [ESTIMATED.text(text) for text in texts]
    assert ESTIMATED.text(texts[0]) == estimate(texts[0])


def test_one_text_counted_in_several_ways_has_several_counts() -> None:
    hindi = "जब आदा शाम को घर लौटी तो चिट्ठी अब भी रसोई की मेज़ पर पड़ी थी"
    older = estimated_for("openai/gpt-4", factor=None)

    for _ in range(2):
        assert ESTIMATED.text(hindi) == estimate(hindi)
        assert older.text(hindi) == estimate(hindi, prices="cl100k")
        assert older.text(hindi) >= TokenCounter("cl100k_base").text(hindi) > O200K.text(hindi)
        assert TokenCounter(factor=2.0).text(hindi) == 2 * estimate(hindi)
    assert older.origin == "estimated"
    assert estimated_for("openai/gpt-4o", factor=None) == ESTIMATED


def test_prompt_in_a_language_an_older_model_has_few_words_of_fits(tmp_path: Path) -> None:
    words = "जब आदा शाम को घर लौटी तो चिट्ठी अब भी रसोई की मेज़ पर पड़ी थी। " * 6
    home = home_with(tmp_path / "ada", messages=40, words=words)

    prompt = prompt_of(home, model="openai/gpt-4", context_window=8_192)

    assert counted_exactly(prompt).total_tokens <= 8_192 * 0.75


# -- calibration ----------------------------------------------------------------------------------


def step(sent: int, estimate: int, *, model: str = "ollama/qwen3", cached: int = 0) -> StepRecord:
    usage = Usage(prompt_tokens=sent, cached_input_tokens=cached, step_count=1)
    return StepRecord(0, Step("step-1", "run-1", model, (), usage, estimate=estimate))


def factor_of(root: Path, *steps: StepRecord, model: str = "ollama/qwen3") -> float | None:
    recall = Recall(root)
    recall.append(steps)
    return usage_factor(recall, model)


def test_factor_is_the_median_of_the_last_eight_steps(tmp_path: Path) -> None:
    old = [step(2_900, 1000)] * 20
    new = [step(sent, 1000) for sent in (1100, 1120, 1150, 900, 2800, 1110, 1130, 1140)]

    assert factor_of(tmp_path, *old, *new) == 1.13


def test_one_step_is_enough_and_none_is_no_factor(tmp_path: Path) -> None:
    assert factor_of(tmp_path) is None
    assert factor_of(tmp_path, step(1250, 1000)) == 1.25


def test_only_steps_of_the_same_model_count(tmp_path: Path) -> None:
    others = [step(2000, 1000, model="ollama/other")] * 3

    assert factor_of(tmp_path, step(1250, 1000), *others) == 1.25


def test_server_that_leaves_out_what_it_had_cached_is_not_believed(tmp_path: Path) -> None:
    tiny = [step(26, 5000), step(0, 5000), step(1400, 5000)]

    assert factor_of(tmp_path, *tiny) is None
    assert factor_of(tmp_path, step(5500, 5000), *tiny) == 1.1


def test_server_that_counts_what_it_had_cached_apart_is_added_up(tmp_path: Path) -> None:
    assert factor_of(tmp_path, step(200, 1000, cached=1000)) == 1.2
    assert factor_of(tmp_path, step(1300, 1000, cached=1024)) == 1.3


def test_steps_without_an_estimate_or_with_an_odd_ratio_are_passed_over(tmp_path: Path) -> None:
    odd = [step(1200, 0), step(3001, 1000), step(499, 1000), step(90_000, 1000)]

    assert factor_of(tmp_path, step(1050, 1000), *odd) == 1.05


def test_factor_is_looked_for_near_the_end_of_the_journal_only(tmp_path: Path) -> None:
    rest = [MessageRecord(0, row(TextPart("Hello."))) for _ in range(300)]
    recall = Recall(tmp_path)
    recall.append([step(1250, 1000)])
    recall.append(rest[:150])
    assert usage_factor(recall, "ollama/qwen3") == 1.25

    recall.append(rest[150:])

    assert usage_factor(recall, "ollama/qwen3") is None


# -- the prompt -----------------------------------------------------------------------------------


def home_with(root: Path, *, messages: int, words: str = "long words " * 40) -> Home:
    home = make_home(root)
    rows = [
        Message(f"message-{n}", "user", (TextPart(f"{n} {words}"),), "2026-03-01")
        for n in range(messages)
    ]
    home.recall.append([MessageRecord(0, one) for one in rows])
    return home


def prompt_of(home: Home, *, model: str, context_window: int = 8_000) -> Prompt:
    agent = home.settings().agent
    return compile_prompt(
        home, agent, tools=(), now=NOW, context_window=context_window, model=model
    )


def test_prompt_without_an_encoding_is_estimated(tmp_path: Path) -> None:
    prompt = prompt_of(home_with(tmp_path / "ada", messages=3), model="ollama/qwen3")

    assert prompt.counted == "estimated"
    assert {section.counted for section in prompt.sections} == {"estimated"}
    assert prompt.total_tokens == prompt.estimate
    assert counted_exactly(prompt) == prompt


def test_usage_in_the_journal_calibrates_the_prompt(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", messages=3)
    before = prompt_of(home, model="ollama/qwen3")
    home.recall.append([step(round(before.estimate * 1.5), before.estimate)])

    after = prompt_of(home, model="ollama/qwen3")
    other = prompt_of(home, model="ollama/other")

    assert after.counted == "calibrated (x 1.50 from usage)"
    assert after.total_tokens == pytest.approx(before.total_tokens * 1.5, rel=0.01)
    assert after.estimate == before.estimate == other.estimate
    assert other.counted == "estimated"


def test_calibration_decides_how_much_fits(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", messages=60)
    before = prompt_of(home, model="ollama/qwen3")
    home.recall.append([step(2_000, 1_000)])

    after = prompt_of(home, model="ollama/qwen3")

    assert before.left_out > 0
    assert len(after.messages) < len(before.messages)
    assert after.total_tokens < 8_000


def test_usage_never_changes_the_count_of_a_model_with_an_encoding(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", messages=60)
    before = prompt_of(home, model="openai/gpt-4o")
    home.recall.append([step(2_500, 1_000, model="openai/gpt-4o")] * 8)

    after = prompt_of(home, model="openai/gpt-4o")

    assert before.counted == after.counted == "exact (o200k_base)"
    assert after.sections == before.sections
    assert after.messages == before.messages


def test_window_that_fits_only_when_counted_exactly_is_sent_whole(tmp_path: Path) -> None:
    words = "wonderful transportation arrangements throughout international departments " * 5
    home = home_with(tmp_path / "ada", messages=60, words=words)
    exact = exact_for("openai/gpt-4o")
    assert exact is not None
    everything = home.recall.window().messages
    least = exact.messages(everything)
    assert least * 1.15 < ESTIMATED.messages(everything)
    context_window = int((least + 1200) / 0.6)

    known = prompt_of(home, model="openai/gpt-4o", context_window=context_window)
    unknown = prompt_of(home, model="ollama/qwen3", context_window=context_window)

    assert (known.left_out, known.counted) == (0, "exact (o200k_base)")
    assert unknown.left_out > 0
    assert known.total_tokens < context_window * 0.75


def test_prompt_that_fits_anyway_is_estimated_and_exact_when_asked(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", messages=5)
    prompt = prompt_of(home, model="openrouter/openai/gpt-4.1")
    exact = exact_for("openai/gpt-4.1")
    assert exact is not None

    shown = counted_exactly(prompt)

    assert (prompt.counted, shown.counted) == ("estimated", "exact (o200k_base)")
    whole = exact.system(shown.system) + exact.messages(shown.messages)
    assert shown.total_tokens == whole
    assert shown.total_tokens < prompt.total_tokens
    assert shown.messages == prompt.messages
    assert (shown.counter, shown.estimate) == (exact, prompt.estimate)
    assert shown.room == prompt.room + prompt.fixed_tokens - shown.fixed_tokens
    assert counted_exactly(shown) is shown
    by_name = {section.name: section.counted for section in shown.sections}
    assert by_name == {
        "instructions": "exact (o200k_base)",
        "core memory": "exact (o200k_base)",
        "metadata": "exact (o200k_base)",
        "tools": "estimated",
        "messages": "exact (o200k_base)",
    }


SHORT_TURN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from lettafs.context.request import compile_prompt
from lettafs.home.home import open_home

home = open_home(Path(sys.argv[1]))
for window in (100_000, 2_000):
    prompt = compile_prompt(
        home, home.settings().agent, tools=(), now=datetime(2026, 3, 1, tzinfo=UTC),
        context_window=window, model="openai/gpt-4o",
    )
    print("tiktoken" in sys.modules, prompt.counted)
"""


def test_encoding_is_loaded_only_where_the_estimate_does_not_decide(tmp_path: Path) -> None:
    home = home_with(tmp_path / "ada", messages=30)

    ran = subprocess.run(
        [sys.executable, "-c", SHORT_TURN, str(home.root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["False estimated", "True exact (o200k_base)"]
