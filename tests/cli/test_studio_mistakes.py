"""Mistakes with `eitk studio`: a mistyped folder, an invalid file, a key that is still in use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.studio import lifecycle as running
from ei_toolkit.studio import manage


@pytest.mark.parametrize(
    "arguments",
    [
        ("projects",),
        ("keys", "list"),
        ("keys", "add"),
        ("keys", "revoke", "1"),
        ("export", "x.zip"),
        ("import", "x.zip"),
    ],
    ids=" ".join,
)
def test_a_mistyped_folder_is_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "x.zip").touch()
    code, _, err = eitk(tmp_path, "studio", *arguments, "--data", "TYPO")
    assert code == 3 and "holds no studio" in err and "--data" in err
    assert not (tmp_path / "TYPO").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("export", "nodir/x.zip", "--data", "data"), 1, "does not exist"),
        (("export", ".", "--data", "data"), 1, "is a folder"),
        (("export", "x" * 300 + ".zip", "--data", "data"), 1, "File name too long"),
        (("import", "none.zip", "--data", "data"), 1, "No such file or directory"),
        (("import", ".", "--data", "data"), 1, "Is a directory"),
        (("serve", "--data", "file"), 3, "cannot be used as a data folder"),
        (("projects", "--add", "p", "--data", "file/in"), 3, "Not a directory"),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, tuple) else "",
)
def test_an_invalid_file_or_folder_is_named(tmp_path: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    manage.add_project(tmp_path / "data", "p")
    (tmp_path / "file").touch()
    found = eitk(tmp_path, "studio", *arguments)
    assert found[0] == code and text in found[2] and "try:" in found[2] and "this is an error in eitk" not in found[2]
    assert not list(tmp_path.glob("**/*.part"))


def test_import_finds_its_zip_where_export_wrote_it(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    manage.add_project(folder / "data", "p")
    assert eitk(tmp_path, "-C", str(folder), "studio", "export", "ex.zip", "--data", "data")[0] == 0
    code, _, err = eitk(tmp_path, "-C", str(folder), "studio", "import", "ex.zip", "--data", "data")
    assert (code, err) == (0, "")


def test_the_key_that_eitk_uses_is_revoked_only_after_confirmation(tmp_path: Path) -> None:
    data = tmp_path / "data"
    manage.prepare(data, "p")
    manage.add_key(data, 0, "spare", "admin")
    code, _, err = eitk(tmp_path, "studio", "keys", "revoke", "1", "--data", "data")
    assert code == 2 and "eitk itself uses" in err and "--yes" in err
    assert eitk(tmp_path, "studio", "keys", "revoke", "2", "--data", "data")[0] == 0
    assert eitk(tmp_path, "studio", "keys", "revoke", "1", "--yes", "--data", "data")[0] == 0
    assert manage.list_keys(data, 0) == []


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists the owners of locks")
def test_status_names_the_process_that_holds_the_folder_and_stop_ends_it(tmp_path: Path) -> None:
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "server.lock")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        status = " ".join(eitk(tmp_path, "studio", "status", "--data", ".")[1].split())
        assert f"not running: pid {process.pid} holds" in status and "eitk studio stop" in status
        assert eitk(tmp_path, "studio", "stop", "--data", ".")[:2] == (0, "stopped\n")
        process.wait(10)
    assert eitk(tmp_path, "studio", "status", "--data", ".")[1] == "not running\n"
    assert running.status(tmp_path) is None
