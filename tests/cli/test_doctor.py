"""`eitk doctor` reports folders that cannot be written to, and always prints its table."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from support import eitk, write_clips

from ei_toolkit.board.board import FoundBoard
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.boards.virtual import VirtualBoard
from ei_toolkit.cli.doctor import confinement_findings, tool_findings
from ei_toolkit.studio.jobs import confinement


def doctor(folder: Path, *flags: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = eitk(folder, "doctor", "--json", *flags)
    return done.code, {finding["what"]: finding for finding in done.data}


def test_a_folder_that_cannot_be_written_to_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor(tmp_path, "--no-studio")[1]["folder"]["verdict"] == "ok"
    monkeypatch.setattr("ei_toolkit.cli.doctor.os.access", lambda path, mode: not mode or path != tmp_path)
    code, found = doctor(tmp_path, "--no-studio")
    assert code == 1
    assert str(tmp_path) in found["folder"]["detail"]
    assert "eitk -C" in found["folder"]["hint"]


def test_a_studio_that_has_no_room_for_its_data_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / ".eitk").touch()
    code, found = doctor(tmp_path)
    assert code == 1
    assert found["studio"]["verdict"] == "failure"
    assert f"{tmp_path}/.eitk" in found["studio"]["detail"]
    assert found["studio"]["hint"]
    assert "python" in found


def test_ffmpeg_is_listed_with_its_version_or_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "ffmpeg"
    tool.write_text("#!/bin/sh\necho 'ffmpeg version 7.1.3-0+deb13u1 Copyright (c) 2000-2025'\n")
    tool.chmod(0o755)
    found = {one.what: one for one in tool_findings({"PATH": str(tmp_path)})}["ffmpeg"]
    assert (found.verdict, found.detail) == ("ok", f"7.1.3-0+deb13u1 ({tool})")
    found = {one.what: one for one in tool_findings({"PATH": ""})}["ffmpeg"]
    assert (found.verdict, found.detail) == ("missing", "ffmpeg is not installed")
    assert "apt install ffmpeg" in found.hint


@pytest.mark.parametrize(
    ("landlock", "namespace", "files", "network"),
    [
        (7, True, ("ok", "only below the data folder"), ("ok", "no network")),
        (3, False, ("ok", "Landlock 3"), ("warning", "can use the network")),
        (4, False, ("ok", "Landlock 4"), ("warning", "no TCP")),
        (0, True, ("warning", "wherever this user can"), ("ok", "network namespace")),
    ],
)
def test_what_jobs_are_kept_from_is_listed(
    monkeypatch: pytest.MonkeyPatch, landlock: int, namespace: bool, files: tuple[str, str], network: tuple[str, str]
) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: landlock)
    monkeypatch.setattr(confinement, "network_can_be_removed", lambda: namespace)
    for (verdict, text), found in zip((files, network), confinement_findings(), strict=True):
        assert found.verdict == verdict and text in found.detail


def test_for_a_virtual_board_no_cable_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eitk.toml").write_text("[board]\nname = 'host'\n")
    found = doctor(tmp_path, "--no-studio")[1]
    assert (found["board"]["verdict"], found["board"]["detail"]) == ("ok", "host does not run; eitk flash starts it")
    assert "arduino-cli" not in found
    running = FoundBoard("host", "tcp://127.0.0.1:5", "running")
    monkeypatch.setattr(VirtualBoard, "find", lambda *_: [running])
    assert doctor(tmp_path, "--no-studio")[1]["board"]["detail"] == "host runs at tcp://127.0.0.1:5"
    monkeypatch.setattr(type(board_named("host")), "missing_tools", lambda _self: ["c++"])
    assert doctor(tmp_path, "--no-studio")[1]["board"]["detail"] == "host: c++ not found"


def test_without_the_real_board_the_fix_is_a_cable_or_a_virtual_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.cli.doctor.usb_ports", list)
    found = doctor(tmp_path, "--no-studio")[1]
    assert (found["board"]["verdict"], found["board"]["detail"]) == ("missing", "no Nano 33 BLE on USB")
    assert found["board"]["hint"].endswith("eitk config set board.name emulated")
    assert "arduino-cli" in found


def test_the_space_for_all_windows_and_the_studio_is_compared_with_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(tmp_path / "clips", clips=2, seconds=3.0)
    (tmp_path / "eitk.toml").write_text(
        "[dataset]\nroot = 'clips'\n[slice]\nwindow_ms = 1000\nhop_ms = 500\n[slice.augment]\ncopies = 4\n"
    )
    needed = 4 * 3 * 16_000 * 2 * 2 * 5  # clips, seconds, samples, bytes, overlap, copies and originals
    for free, verdict in ((needed, "warning"), (needed + 1, "ok"), (10**12, "ok")):
        monkeypatch.setattr("shutil.disk_usage", lambda _folder, free=free: SimpleNamespace(free=free))
        found = doctor(tmp_path, "--no-studio")[1]
        assert found["disk"]["verdict"] == verdict
        assert found["studio disk"]["verdict"] == ("ok" if free == 10**12 else "warning")
        assert found["disk"]["detail"].endswith("about 4 MiB needed")
    assert "MiB free for" in found["disk"]["detail"]


def test_settings_that_are_wrong_are_findings_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 0\n[board]\nthreshold = 2\n")
    done = eitk(tmp_path, "doctor", "--json")
    found = [finding for finding in done.data if finding["what"] == "settings"]
    assert done.code == 1
    assert [finding["detail"].split(": ", 1)[0].rpartition(":")[2] for finding in found] == ["2", "4"]
    assert all(finding["verdict"] == "failure" and finding["hint"] for finding in found)


def test_tools_have_their_versions_or_a_fix(tmp_path: Path) -> None:
    tool = tmp_path / "g++"
    tool.write_text("#!/bin/sh\necho 'g++ (Debian 14.2.0-19) 14.2.0'\n")
    tool.chmod(0o755)
    found = {one.what: one for one in tool_findings({"PATH": str(tmp_path)})}
    assert found["C++ compiler"].detail == f"14.2.0-19 ({tool})"
    assert found["ARM compiler"].verdict == found["emulator"].verdict == "missing"
    assert "apt-get install" in found["emulator"].hint


def test_the_table_has_a_column_for_the_fix(tmp_path: Path) -> None:
    assert eitk(tmp_path, "doctor", "--no-studio").out.splitlines()[0].split() == ["check", "status", "detail", "fix"]


def test_the_confinement_of_this_machine_is_a_finding(tmp_path: Path) -> None:
    assert {"job files", "job network"} <= set(doctor(tmp_path, "--no-studio")[1])
