"""What surrounds the code: compose.yaml, .env.example, and the files that the documents name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import ROLES, Settings

ROOT = Path(__file__).parent.parent


def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_the_example_settings_exist() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert "TELEGRAM_BOT_TOKEN" in names
    assert {name.lower() for name in names} <= set(Settings.model_fields)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:bot|services|storage|sandbox|tests|docs)/[\w/.]*)`", text)
    named += re.findall(r"\]\(([\w./]+)\)", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_compose_runs_on_a_read_only_root_with_one_volume() -> None:
    reelay = services((ROOT / "compose.yaml").read_text())["reelay"]
    assert reelay["read_only"]
    assert reelay["cap_drop"] == ["ALL"]
    assert reelay["volumes"] == ["data:/data"]


def test_the_team_variant_of_compose_has_each_role() -> None:
    text = (ROOT / "compose.yaml").read_text()
    team = services(re.sub(r"^#(  .*)$", r"\1", text, flags=re.MULTILINE))
    roles = {name: team[name]["command"][-1].split(",") for name in ("front", "worker")}
    assert set(roles["front"] + roles["worker"]) == set(ROLES)
    assert "web" in roles["worker"], "or the image's health check calls it ill"
