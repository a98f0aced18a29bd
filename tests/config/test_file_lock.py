"""One process at a time holds a lock, and others can find out that it is held."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ei_toolkit.config.file_lock import PROC_LOCKS, acquire_lock, is_locked, lock_owner
from ei_toolkit.errors import ConfigurationError

OWNER = """
import sys
from pathlib import Path
from ei_toolkit.config.file_lock import acquire_lock
with acquire_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock `a.lock` until its standard input is closed."""
    command = [sys.executable, "-c", OWNER, str(tmp_path / "a.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_lock_of_another_process_is_not_acquired(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    assert is_locked(tmp_path / "a.lock")
    with pytest.raises(BlockingIOError, match=r"a\.lock is locked"), acquire_lock(tmp_path / "a.lock"):
        pytest.fail("the lock was acquired twice")
    with acquire_lock(tmp_path / "b.lock"):
        assert is_locked(tmp_path / "b.lock")


def test_a_lock_ends_with_its_process(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait(10)
    assert not is_locked(tmp_path / "a.lock")
    with acquire_lock(tmp_path / "a.lock"):
        pass


def test_with_wait_the_lock_is_acquired_once_it_is_released(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    assert owner.stdin is not None
    release = threading.Timer(0.2, owner.stdin.close)
    release.start()
    with acquire_lock(tmp_path / "a.lock", wait=True):
        assert owner.wait(10) == 0
    release.join()


def test_a_lock_is_released_at_the_end_of_the_block_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), acquire_lock(tmp_path / "a.lock"):
        _ = 1 / 0
    assert not is_locked(tmp_path / "a.lock")


def test_a_process_does_not_acquire_its_own_lock_twice(tmp_path: Path) -> None:
    with acquire_lock(tmp_path / "a.lock"):
        with pytest.raises(BlockingIOError), acquire_lock(tmp_path / "a.lock"):
            pytest.fail("the lock was acquired twice")
        assert is_locked(tmp_path / "a.lock")


def test_asking_creates_no_file(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "a.lock") and not is_locked(tmp_path / "none" / "a.lock")
    assert lock_owner(tmp_path / "a.lock") is None and list(tmp_path.iterdir()) == []


def test_two_that_ask_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    (tmp_path / "a.lock").touch()
    with (tmp_path / "a.lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_locked(tmp_path / "a.lock")


def test_a_lock_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigurationError, match=r"a\.lock cannot be read \(Permission denied\)"):
        is_locked(tmp_path / "a.lock")


@pytest.mark.skipif(not PROC_LOCKS.exists(), reason="only Linux lists the owners of locks")
def test_the_owner_is_named(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    assert lock_owner(tmp_path / "a.lock") == owner.pid
    with acquire_lock(tmp_path / "b.lock"):
        assert lock_owner(tmp_path / "b.lock") == os.getpid()
    assert lock_owner(tmp_path / "b.lock") is None


def test_a_lock_file_stays_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with acquire_lock(tmp_path / "a.lock"):
        assert stat.S_IMODE((tmp_path / "a.lock").stat().st_mode) == 0o600
    assert (tmp_path / "a.lock").exists()
    with acquire_lock(tmp_path / "a.lock"):  # the file of an earlier process
        assert is_locked(tmp_path / "a.lock")


def test_threads_of_one_process_hold_a_lock_one_after_another(tmp_path: Path) -> None:
    inside, most = 0, 0
    counter = threading.Lock()

    def hold(_number: int) -> None:
        nonlocal inside, most
        with acquire_lock(tmp_path / "a.lock", wait=True):
            with counter:
                inside += 1
                most = max(most, inside)
            time.sleep(0.002)
            with counter:
                inside -= 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hold, range(8)))
    assert (inside, most) == (0, 1)


def test_a_missing_folder_of_the_lock_is_created(tmp_path: Path) -> None:
    with acquire_lock(tmp_path / "new" / "a.lock"):
        assert is_locked(tmp_path / "new" / "a.lock")


def test_locks_of_different_files_do_not_exclude_each_other(tmp_path: Path) -> None:
    with acquire_lock(tmp_path / "a.lock"), acquire_lock(tmp_path / "b.lock"):
        assert is_locked(tmp_path / "a.lock") and is_locked(tmp_path / "b.lock")


@pytest.mark.skipif(not PROC_LOCKS.exists(), reason="only Linux lists the owners of locks")
def test_a_shared_lock_has_no_owner(tmp_path: Path) -> None:
    (tmp_path / "a.lock").touch()
    with (tmp_path / "a.lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert lock_owner(tmp_path / "a.lock") is None


def test_without_a_list_of_locks_the_owner_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.config.file_lock.PROC_LOCKS", tmp_path / "none")
    with acquire_lock(tmp_path / "a.lock"):
        assert is_locked(tmp_path / "a.lock")
        assert lock_owner(tmp_path / "a.lock") is None


@pytest.mark.skipif(not PROC_LOCKS.exists(), reason="only Linux lists the owners of locks")
def test_an_owner_that_ended_while_it_was_looked_up_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with acquire_lock(tmp_path / "a.lock"):
        inode = (tmp_path / "a.lock").stat().st_ino
        listed = f"1: FLOCK ADVISORY WRITE 4194999 00:1f:{inode} 0 EOF\n"  # above the largest process id of Linux
        (tmp_path / "locks").write_text(listed)
        monkeypatch.setattr("ei_toolkit.config.file_lock.PROC_LOCKS", tmp_path / "locks")
        assert lock_owner(tmp_path / "a.lock") is None


def test_a_lock_file_without_permission_is_named_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigurationError) as caught:
        is_locked(tmp_path / "a.lock")
    assert caught.value.hint == "Run the command as the user who started the process that uses this folder."
