"""`eitk doctor` reports folders that cannot be written to, and always prints its table."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import eitk

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


def test_the_confinement_of_this_machine_is_a_finding(tmp_path: Path) -> None:
    assert {"job files", "job network"} <= set(doctor(tmp_path, "--no-studio")[1])
