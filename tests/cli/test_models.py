from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from lettafs.sdk.open import open_agent

Run = Callable[..., Result]


def test_models_says_of_each_provider_whether_it_can_be_used(lettafs: Run) -> None:
    text = lettafs("models").stdout
    states = {state["provider"]: state for state in json.loads(lettafs("models", "--json").stdout)}

    assert "OPENAI_API_KEY is not set" in text
    assert "  lettafs/offline" in text.splitlines()
    assert states["lettafs"]["usable"]
    assert not states["openai"]["usable"]


def test_quickstart_writes_the_default_model_and_says_where(lettafs: Run, tmp_path: Path) -> None:
    done = lettafs("quickstart", "--backend", "offline")
    lettafs("new", tmp_path / "sam")

    config = tmp_path / "person/config/config.toml"
    assert "lettafs/offline" in config.read_text(encoding="utf-8")
    assert str(config) in done.stdout
    assert open_agent(tmp_path / "sam").model_handle == "lettafs/offline"
    assert "quickstart" in open_agent(tmp_path / "sam").model_why


def test_quickstart_needs_a_known_backend(lettafs: Run) -> None:
    assert lettafs("quickstart").exit_code == 2
    assert lettafs("quickstart", "--backend", "abacus").exit_code == 2
