"""What a confined process can and cannot do. What the system does not have is left out, and the test skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ei_toolkit.studio.jobs import confinement
from ei_toolkit.studio.jobs.confinement import confined_command

NEEDS_LANDLOCK = pytest.mark.skipif(not confinement.landlock_version(), reason="the system has no Landlock")
NEEDS_NAMESPACES = pytest.mark.skipif(
    not confinement.network_can_be_removed(), reason="this user may not create a network namespace"
)
REACH = {
    "UDP": 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))',
    "TCP": 'import socket; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)',
}


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that may write below `folder`/data, and has a temporary folder there."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    command = [sys.executable, "-c", f"import os, sys, tempfile; {code}", *arguments]
    confined = confined_command(command, writable=data, scratch=data / "incoming" / "tmp")
    return subprocess.run(confined, capture_output=True, text=True, timeout=60, cwd=folder, check=False)


def test_a_process_writes_moves_and_deletes_below_its_folder_and_reads_everywhere(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("text")
    done = run(
        'os.makedirs("data/a/b"); open("data/a/x", "w").write("new"); os.replace("data/a/x", "data/a/b/y");'
        'os.remove("data/a/b/y"); open("/dev/null", "w").write("x");'
        'print(open("outside").read(), tempfile.gettempdir()); tempfile.NamedTemporaryFile().write(b"x")',
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"text {tmp_path}/data/incoming/tmp\n"


@NEEDS_LANDLOCK
@pytest.mark.parametrize(
    "code",
    [
        'open("new", "w")', 'open("old", "a")', 'os.remove("old")', 'os.mkdir("new")', 'os.symlink("old", "new")',
        'os.replace("old", "data/old")', 'os.replace("data/mine", "new")', 'os.rmdir("empty")', 'os.mkfifo("new")',
        'os.link("old", "data/old")', 'os.system("rm old") and open("old", "a")',
    ],
)  # fmt: skip
def test_a_process_changes_nothing_outside_of_its_folder(tmp_path: Path, code: str) -> None:
    for name in ("data", "empty"):
        (tmp_path / name).mkdir()
    for name in ("old", "data/mine"):
        (tmp_path / name).write_text("kept")
    done = run(code, tmp_path)
    assert done.returncode == 1 and ("PermissionError" in done.stderr or "cross-device link" in done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "empty", "old"]
    assert (tmp_path / "old").read_text() == "kept" and (tmp_path / "data/mine").read_text() == "kept"


@NEEDS_NAMESPACES
@pytest.mark.parametrize("protocol", REACH)
def test_a_process_has_no_network(tmp_path: Path, protocol: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = run(REACH[protocol], tmp_path, port)
        assert done.returncode == 1 and ("PermissionError" in done.stderr or "unreachable" in done.stderr)
        free = [sys.executable, "-c", f"import sys; {REACH[protocol]}", port]
        assert subprocess.run(free, timeout=60, check=False).returncode == 0  # the code itself is right


@pytest.mark.skipif(confinement.landlock_version() < 6, reason="the system has no Landlock with scopes")
def test_a_process_sends_no_signal_to_the_one_that_started_it(tmp_path: Path) -> None:
    assert "PermissionError" in run("os.kill(os.getppid(), 0)", tmp_path).stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_limits_hold_and_cannot_be_raised(tmp_path: Path) -> None:
    code = (
        "import resource as r; print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_FSIZE)[1] <= 16 << 30,"
        " r.getrlimit(r.RLIMIT_NOFILE)[1] <= 4096, r.getrlimit(r.RLIMIT_DATA)[1] > 0,"
        " [line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNewPrivs')])"
    )
    assert run(code, tmp_path).stdout == "(0, 0) True True True ['1']\n"


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    assert run("sys.exit(7)", tmp_path).returncode == 7


def test_without_any_of_the_rules_the_command_runs_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)
    monkeypatch.setattr(confinement, "succeeds_in_child", lambda _: False)
    monkeypatch.setattr(confinement, "limit_process", lambda *_: None)
    monkeypatch.setattr(confinement.os, "execv", lambda path, command: done.append((path, command)))
    monkeypatch.setattr(confinement, "_libc", lambda: type("Libc", (), {"prctl": lambda *_: 0})())
    confinement.main(["", "", "/bin/true", "x"])
    assert done == [("/bin/true", ["/bin/true", "x"])]
