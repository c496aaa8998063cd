"""A person's configuration may be a link into the place where they keep such files."""

from __future__ import annotations

from pathlib import Path

from lettafs.sdk.user_config import UserConfig


def test_a_linked_configuration_is_read_and_changed_where_it_lies(tmp_path: Path) -> None:
    kept, used = tmp_path / "dotfiles", tmp_path / "config" / "lettafs"
    kept.mkdir()
    used.mkdir(parents=True)
    (kept / "config.toml").write_text('# mine\ndefault_model = "a/b"\n', encoding="utf-8")
    (used / "config.toml").symlink_to(kept / "config.toml")
    config = UserConfig(used)
    assert config.default_model() == "a/b"
    config.set_default_model("c/d")
    assert (used / "config.toml").is_symlink()
    text = (kept / "config.toml").read_text(encoding="utf-8")
    assert text == '# mine\ndefault_model = "c/d"\n'
