"""A model that cannot keep up is refused before the board is touched."""

from __future__ import annotations

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
