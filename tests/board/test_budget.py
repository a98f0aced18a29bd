"""A model that cannot keep up is refused before the board is touched."""

from __future__ import annotations

import json
from typing import Any


def set_hop(project: Any, hop_ms: int) -> None:
    config = project.root / "eitk.toml"
    config.write_text(config.read_text().replace("[board]", f"[board]\nhop_ms = {hop_ms}"))


def test_a_hop_shorter_than_a_decision_is_refused_with_what_would_help(pinned_project: Any) -> None:
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "emulated") == 6
    assert "one is due every 100 ms" in pinned_project.stderr
    assert "hop_ms = " in pinned_project.stderr
    assert "network" in pinned_project.stderr


def test_the_host_is_fast_enough_for_any_hop(pinned_project: Any) -> None:
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "host", "--build") == 0, pinned_project.stderr
    assert pinned_project.eitk("board", "stop", "host", "--json") == 0
    assert '"stopped": false' in pinned_project.stdout  # --build compiles and starts nothing


def test_a_dry_run_checks_and_changes_nothing(pinned_project: Any) -> None:
    before = sorted(pinned_project.root.rglob("*"))
    assert pinned_project.eitk("flash", "--board", "host", "--dry-run", "--json") == 0, pinned_project.stderr
    assert json.loads(pinned_project.stdout)["replaces_running"] is False
    assert sorted(pinned_project.root.rglob("*")) == before
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "emulated", "--dry-run") == 6


def test_a_board_nobody_knows_is_refused(project: Any) -> None:
    for command in ("tail", "flash"):
        assert project.eitk(command, "--board", "uno") == 3
        assert "nano33ble, emulated, host" in project.stderr
