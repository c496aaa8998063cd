"""Opening and making agents: which model answers, whose key is used where, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

import lettafs
from lettafs.errors import ModelAuthProblem, ModelProblem, NotAnAgent, UsageProblem
from lettafs.sdk.open import create_agent, model_choices, open_agent, quickstart
from tests.support import fake_ollama, fake_openai
from tests.support.fake_http import FakeServer
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_openai import FakeOpenAI
from tests.support.talk import talk_with
from tests.support.trees import home_from, tree_of


def home(root: Path, settings: str = "") -> Path:
    return home_from(f'--- agent.toml\nname = "Ada"\n{settings}', root)


def test_place_for_indexes_is_the_same_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = home(tmp_path / "ada")
    monkeypatch.setenv("LETTAFS_INDEX_DIR", "indexes")

    with pytest.raises(UsageProblem, match="LETTAFS_INDEX_DIR is 'indexes'"):
        open_agent(root)
    monkeypatch.setenv("LETTAFS_INDEX_DIR", str(tmp_path / "indexes"))
    assert open_agent(root).settings.name == "Ada"


def chosen(root: Path, **wanted: str) -> tuple[str, str]:
    choice = open_agent(root, **wanted).choice
    return choice.handle, choice.why


# -- which model answers ---------------------------------------------------------------------------


def test_model_is_decided_in_the_order_of_who_is_nearest(tmp_path: Path) -> None:
    named = home(tmp_path / "named", 'model = "openai/gpt-4.1"\n')
    bare = home(tmp_path / "bare")

    assert chosen(bare) == (
        "lettafs/offline",
        "no model is chosen, no key is set and no Ollama runs here",
    )
    with FakeOllama(models=["nomic-embed-text:latest", "llama3.1:8b"]) as server:
        os.environ["OLLAMA_HOST"] = server.origin
        assert chosen(bare) == ("ollama/llama3.1:8b", "Ollama runs on this machine")
        os.environ["OPENAI_API_KEY"] = "sk-1"
        assert chosen(bare) == ("openai/gpt-4.1-mini", "OPENAI_API_KEY is set")
        quickstart("offline")
        assert chosen(bare) == ("lettafs/offline", "your default, from quickstart")
        assert chosen(named) == ("openai/gpt-4.1", "named in agent.toml")
        assert chosen(named, model="ollama/x:1b") == ("ollama/x:1b", "named for this time")


def test_ollama_with_embedders_only_is_no_model(tmp_path: Path) -> None:
    with FakeOllama(models=["nomic-embed-text:latest", "all-minilm:l6"]) as server:
        os.environ["OLLAMA_HOST"] = server.origin
        assert chosen(home(tmp_path))[0] == "lettafs/offline"


def test_server_that_is_no_ollama_is_no_model(tmp_path: Path) -> None:
    with FakeServer([fake_ollama.error(500, "no")]) as server:
        os.environ["OLLAMA_HOST"] = server.origin
        assert chosen(home(tmp_path))[0] == "lettafs/offline"


def test_choice_is_made_once_and_may_be_asked_inside_an_event_loop(tmp_path: Path) -> None:
    with FakeOllama(models=["llama3.1:8b"]) as server:
        os.environ["OLLAMA_HOST"] = server.origin
        agent = open_agent(home(tmp_path))

        async def ask() -> str:
            return agent.model_handle

        assert anyio.run(ask) == "ollama/llama3.1:8b"
    assert agent.model_handle == "ollama/llama3.1:8b"


def test_environment_is_read_when_the_agent_is_opened(tmp_path: Path) -> None:
    agent = open_agent(home(tmp_path))
    os.environ["OPENAI_API_KEY"] = "sk-1"

    assert agent.model_handle == "lettafs/offline"


def test_opening_runs_fetches_and_writes_nothing(tmp_path: Path) -> None:
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')
    before = tree_of(root)

    agent = open_agent(root)
    agent.blocks()
    agent.messages()
    agent.passages()
    agent.prompt()
    agent.problems()

    assert tree_of(root) == before
    assert sorted(path.name for path in root.iterdir()) == ["agent.toml"]


def test_handle_that_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    root = home(tmp_path / "a")

    with pytest.raises(UsageProblem, match="Unknown provider 'acme'"):
        open_agent(root, model="acme/x")
    with pytest.raises(UsageProblem, match="Unknown provider 'acme'"):
        create_agent(tmp_path / "b", model="acme/x")
    assert not (tmp_path / "b").exists()


def test_model_may_be_changed_while_talking(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": "From the script."}\n', encoding="utf-8")
    agent = open_agent(home(tmp_path / "ada"), model="lettafs/offline")

    agent.use_model(f"scripted:{script}")

    assert agent.model_handle == f"scripted:{script}"
    assert agent.send("Hello.").text == "From the script."
    with pytest.raises(UsageProblem):
        agent.use_model("acme/x")
    with pytest.raises(ModelProblem):
        agent.use_model("openai/gpt-4.1")
    assert agent.model_handle == f"scripted:{script}"


def test_model_a_person_names_in_agent_toml_answers_from_the_next_message_on(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": "From the script."}\n', encoding="utf-8")
    root = home(tmp_path / "ada", 'model = "lettafs/offline"\n')
    agent, fixed = open_agent(root), open_agent(root, model="lettafs/offline")
    agent.send("Hello.")
    home(root, f'model = "scripted:{script}"\n')

    assert agent.send("Hello?").text == "From the script."
    assert (agent.model_handle, agent.model_why) == (f"scripted:{script}", "named in agent.toml")
    assert fixed.model_handle == "lettafs/offline"


def test_script_that_is_missing_is_named(tmp_path: Path) -> None:
    agent = open_agent(home(tmp_path), model="scripted:/nowhere.jsonl")

    with pytest.raises(UsageProblem, match="nowhere.jsonl cannot be read"):
        agent.send("Hello.")
    assert not (tmp_path / "recall").exists()


# -- keys and endpoints ----------------------------------------------------------------------------


def heard_from(agent: lettafs.Agent, server: FakeOpenAI) -> dict[str, str]:
    """Say something and return the headers the server got."""
    server.play(fake_openai.stream(*fake_openai.text_chunks("Hi."), fake_openai.finish()))
    assert agent.send("Hello.").text == "Hi."
    return dict(server.requests[-1].headers)


def test_key_of_the_env_file_is_used_and_nothing_else_of_it(tmp_path: Path) -> None:
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')
    with FakeOpenAI() as server, FakeOpenAI() as other:
        (root / ".env").write_text(
            "# keys\n"
            f"OPENAI_BASE_URL={other.base_url}\n"
            f"OPENAI_API_BASE={other.base_url}\n"
            "LETTAFS_NO_REMOTE=0\n"
            "export OPENAI_API_KEY = 'sk-of-the-agent' # a comment\n",
            encoding="utf-8",
        )
        headers = heard_from(open_agent(root, base_url=server.base_url), server)
        assert other.requests == []

    assert headers["authorization"] == "Bearer sk-of-the-agent"


@pytest.mark.parametrize(
    "line, key",
    [
        ("OPENAI_API_KEY=sk-1", "sk-1"),
        ('OPENAI_API_KEY="sk-1"', "sk-1"),
        ('OPENAI_API_KEY="sk-1" # mine', "sk-1"),
        ("OPENAI_API_KEY=sk-1 # mine", "sk-1"),
        ("OPENAI_API_KEY=sk#1", "sk#1"),
        ("OPENAI_API_KEY='sk-1'\r\n", "sk-1"),
        ("\ufeffOPENAI_API_KEY=sk-1", "sk-1"),
        ("  export   OPENAI_API_KEY=sk-1", "sk-1"),
        ("OPENAI_API_KEY=a=b", "a=b"),
        ("#OPENAI_API_KEY=sk-0\nOPENAI_API_KEY=sk-1\nnonsense\n=\n", "sk-1"),
    ],
)
def test_env_file_is_read_as_people_write_it(line: str, key: str, tmp_path: Path) -> None:
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')
    (root / ".env").write_bytes(line.encode())
    with FakeOpenAI() as server:
        headers = heard_from(open_agent(root, base_url=server.base_url), server)

    assert headers["authorization"] == f"Bearer {key}"


def test_persons_key_comes_before_the_agents(tmp_path: Path) -> None:
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')
    (root / ".env").write_text("OPENAI_API_KEY=sk-of-the-agent\n", encoding="utf-8")
    os.environ["OPENAI_API_KEY"] = "sk-of-the-person"
    with FakeOpenAI() as server:
        headers = heard_from(open_agent(root, base_url=server.base_url), server)

    assert headers["authorization"] == "Bearer sk-of-the-person"


def test_env_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')
    (root / ".env").write_bytes(b"OPENAI_API_KEY=\xff\xfe")

    with pytest.raises(ModelProblem, match=r"\.env cannot be read"):
        open_agent(root).send("Hello.")


def test_endpoint_only_the_agent_names_gets_no_key(tmp_path: Path) -> None:
    os.environ["OPENAI_API_KEY"] = "sk-of-the-person"
    with FakeOpenAI() as server:
        root = home(tmp_path, f'model = "openai/gpt-4.1"\nbase_url = "{server.base_url}"\n')
        headers = heard_from(open_agent(root), server)
        assert "sk-of-the-person" not in str(headers)
        # The person vouches for it by naming it too.
        vouched = heard_from(open_agent(root, base_url=server.base_url), server)
        assert vouched["authorization"] == "Bearer sk-of-the-person"


def test_endpoint_elsewhere_that_only_the_agent_names_is_refused(tmp_path: Path) -> None:
    os.environ["OPENAI_API_KEY"] = "sk-of-the-person"
    root = home(tmp_path, 'model = "openai/gpt-4.1"\nbase_url = "https://example.net/v1"\n')

    with pytest.raises(ModelAuthProblem, match="--base-url https://example.net/v1"):
        open_agent(root).send("Hello.")
    assert not (root / "recall").exists()


def test_agents_endpoint_is_not_for_another_model(tmp_path: Path) -> None:
    with FakeOpenAI() as mine, FakeOpenAI() as its:
        root = home(tmp_path, f'model = "openai/gpt-4.1"\nbase_url = "{its.base_url}"\n')
        os.environ["LLAMACPP_BASE_URL"] = mine.base_url
        heard_from(open_agent(root, model="llamacpp/x"), mine)
        assert its.requests == []


def test_missing_key_is_told_before_anything_is_written(tmp_path: Path) -> None:
    del os.environ["LETTAFS_NO_REMOTE"]
    root = home(tmp_path, 'model = "openai/gpt-4.1"\n')

    with pytest.raises(ModelAuthProblem, match="needs OPENAI_API_KEY"):
        open_agent(root).send("Hello.")
    assert not (root / "recall").exists()


# -- making ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["letta_v1_agent", "memgpt_v2_agent", "memgpt_agent"])
def test_new_agent_is_whole_and_committed(kind: str, tmp_path: Path) -> None:
    root = tmp_path / "ada"

    agent = create_agent(
        root,
        name="Ada",
        model="lettafs/offline",
        persona="I am Ada.\n",
        human="Her name is Chad.\n",
        agent_type=kind,
        timezone="Europe/Berlin",
    )

    assert (agent.settings.name, agent.settings.type) == ("Ada", kind)
    assert agent.settings.timezone == "Europe/Berlin"
    assert {b.label: b.value for b in agent.blocks()[0]} == {
        "human": "Her name is Chad.\n",
        "persona": "I am Ada.\n",
    }
    assert agent.problems() == []
    assert [entry.by for entry in agent.log()] == ["person"]
    assert agent.send("Hello.").error is None


def test_new_agent_has_the_name_of_its_directory_and_our_time_zone(tmp_path: Path) -> None:
    os.environ["TZ"] = "Asia/Tokyo"

    agent = create_agent(tmp_path / "grace")

    assert (agent.settings.name, agent.settings.timezone) == ("grace", "Asia/Tokyo")
    assert agent.settings.model is None


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"agent_type": "react_agent"}, "no agent type"),
        ({"model": "nonsense"}, "Which provider"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_agent_that_makes_no_sense_is_not_made(
    wrong: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem, match=words):
        create_agent(tmp_path / "ada", **wrong)
    assert not (tmp_path / "ada").exists()


def test_place_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageProblem, match="is not empty"):
        create_agent(tmp_path)
    assert tree_of(tmp_path) == "--- notes.txt\nmine\n\\ no line feed\n"


def test_place_without_an_agent_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotAnAgent, match="lettafs new"):
        open_agent(tmp_path)
    with pytest.raises(NotAnAgent, match="does not exist"):
        open_agent(tmp_path / "nowhere")


def test_public_doors_are_at_the_top_of_the_package() -> None:
    assert lettafs.create_agent is create_agent
    assert lettafs.open_agent is open_agent
    assert lettafs.Agent.__name__ == "Agent"
    with pytest.raises(AttributeError):
        _ = lettafs.nothing


# -- what can be used ------------------------------------------------------------------------------


def test_quickstart_keeps_the_choice_and_the_rest_of_the_file(tmp_path: Path) -> None:
    config = Path(os.environ["LETTAFS_CONFIG_DIR"]) / "config.toml"
    first = quickstart("offline")
    assert (first.handle, first.path) == ("lettafs/offline", config)
    config.write_text('# mine\ncolour = "red"\n' + config.read_text(encoding="utf-8"), "utf-8")

    second = quickstart("openai")

    assert config.read_text(encoding="utf-8") == (
        '# mine\ncolour = "red"\ndefault_model = "openai/gpt-4.1-mini"\n'
    )
    assert "not set yet" in second.found
    assert chosen(home(tmp_path))[0] == "openai/gpt-4.1-mini"


def test_quickstart_takes_a_model_the_local_server_has() -> None:
    with FakeOllama(models=["llama3.1:8b"]) as ollama, FakeOpenAI(models=["qwen"]) as lmstudio:
        os.environ["OLLAMA_HOST"] = ollama.origin
        os.environ["LMSTUDIO_BASE_URL"] = lmstudio.base_url

        assert quickstart("ollama").handle == "ollama/llama3.1:8b"
        assert quickstart("lmstudio").handle == "lmstudio/qwen"


def test_quickstart_says_why_it_cannot() -> None:
    with pytest.raises(UsageProblem, match="nothing listens there"):
        quickstart("ollama")
    with pytest.raises(UsageProblem, match="There are: openai, ollama, lmstudio, offline"):
        quickstart("acme")
    assert not (Path(os.environ["LETTAFS_CONFIG_DIR"]) / "config.toml").exists()


def test_broken_configuration_is_named(tmp_path: Path) -> None:
    config = Path(os.environ["LETTAFS_CONFIG_DIR"]) / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("default_model = \n", encoding="utf-8")

    with pytest.raises(UsageProblem, match=r"config.toml is not valid TOML"):
        _ = open_agent(home(tmp_path)).choice
    with pytest.raises(UsageProblem, match=r"config.toml is not valid TOML"):
        quickstart("offline")
    assert config.read_text(encoding="utf-8") == "default_model = \n"


def test_model_choices_tell_of_every_provider_whether_it_can_be_used() -> None:
    with FakeOllama(models=["llama3.1:8b"]) as server:
        os.environ["OLLAMA_HOST"] = server.origin
        states = {state.provider: state for state in model_choices()}

    assert states["ollama"].usable
    assert states["ollama"].models == ("ollama/llama3.1:8b",)
    assert states["lettafs"].usable
    assert states["lettafs"].models == ("lettafs/offline",)
    assert not states["openai"].usable
    assert states["openai"].reason
    assert (states["vllm"].usable, states["vllm"].reason) == (False, "nothing listens there")
    assert "scripted" not in states


def test_model_choices_say_which_key_is_missing() -> None:
    del os.environ["LETTAFS_NO_REMOTE"]
    states = {state.provider: state for state in model_choices()}

    assert states["openai"].reason == "OPENAI_API_KEY is not set"
    assert states["gemini"].reason == "GEMINI_API_KEY or GOOGLE_API_KEY is not set"


def test_context_window_of_agent_toml_is_the_scripts_too(tmp_path: Path) -> None:
    talk_with(tmp_path / "ada", settings="context_window = 5000\n")
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": "Hi."}\n', encoding="utf-8")

    agent = open_agent(tmp_path / "ada", model=f"scripted:{script}")

    assert agent.prompt().context_window == agent.model().context_window == 5000


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("openai/gpt-4o", 128_000), ("gpt-4", 8_192), ("ollama/x", 8_192), ("nowhere/x", 32_768)],
)
def test_prompt_shows_the_models_window_also_without_its_key(
    tmp_path: Path, model: str, tokens: int
) -> None:
    agent = open_agent(home(tmp_path, f'model = "{model}"\n'))

    assert agent.prompt().context_window == tokens
