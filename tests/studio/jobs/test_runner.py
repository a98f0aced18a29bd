"""The runner: the order of jobs, how each one ends, and cancellation. The process of a job is a shell script here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.studio.jobs.process import JobProcess
from ei_toolkit.studio.jobs.runner import STOPPED, Runner
from ei_toolkit.studio.live.hub import Hub
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.jobs import Job

WAIT = "echo started; exec sleep 60"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    opened.projects.create("p")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the script in the specification of a job instead of `jobs.worker`, which loads for a second."""

    async def start_shell(data: Path, job: int, *, allow_scripts: bool) -> JobProcess:
        store = Store.open(data)
        script = store.jobs.by_id(job).spec["script"]
        store.close()
        if script == "cannot start":
            raise OSError("no process is left")
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        return JobProcess(process)

    monkeypatch.setattr(JobProcess, "start", start_shell)


def add(store: Store, script: str, key: str = "k", project: int = 1) -> Job:
    return store.jobs.add(project, "export", key, "Exporting data", {"script": script})


def run(store: Store, action: Callable[[Runner], Awaitable[None]], *, jobs: int = 1, limit_s: float = 60.0) -> None:
    """Let a runner work while an action runs; then stop it, as a server does."""

    async def main() -> None:
        folder = store.database.path.parent
        runner = Runner(Options(folder, jobs_per_project=jobs, job_limit_s=limit_s), store, Hub())
        task = asyncio.create_task(runner.run())
        try:
            await asyncio.wait_for(action(runner), 20)
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def finished(store: Store, *jobs: Job) -> Callable[[], bool]:
    return lambda: all(store.jobs.by_id(job.id).state == "finished" for job in jobs)


def log_of(store: Store, job: Job) -> list[str]:
    runner = Runner(Options(store.database.path.parent), store, Hub())
    return [entry.data.rstrip("\n") for entry in runner.log(job.id).entries()]


@pytest.mark.parametrize(
    ("script", "success", "reason"),
    [
        ("echo one; echo two", True, ""),
        ("echo Error: no samples; exit 1", False, "no samples"),
        ("echo strange; exit 3", False, "strange"),
        ("exit 1", False, "its process ended without output"),
        ("kill -TERM $$", False, "its process was ended by SIGTERM"),
        ("kill -KILL $$", False, "its process was ended by SIGKILL (out of memory?)"),
        ("cannot start", False, "its process could not be started: no process is left"),
    ],
)
def test_a_job_ends_with_the_reason_of_its_process(store: Store, script: str, success: bool, reason: str) -> None:
    job = add(store, script)
    run(store, lambda _: until(finished(store, job)))
    found = store.jobs.by_id(job.id)
    assert (found.success, found.reason) == (success, reason)
    assert found.seconds is not None and found.seconds >= 0
    assert log_of(store, job)[-1] == ("Job completed (success)" if success else f"Job failed: {reason}")


def test_the_output_is_logged_line_by_line_and_passed_to_subscribers(store: Store) -> None:
    job = add(store, "echo größe; printf 'a\\rb\\n'; echo error >&2; printf end")
    seen: list[tuple[str, bool | None]] = []

    async def action(runner: Runner) -> None:
        runner.hub.subscribe(job.id, lambda line, success: seen.append((line, success)))
        await until(lambda: bool(seen) and seen[-1][1] is not None)

    run(store, action)
    lines = ["größe", "a", "b", "error", "end", "Job completed (success)"]
    assert log_of(store, job) == lines
    assert seen == [*((f"{line}\n", None) for line in lines), ("", True)]


def test_jobs_of_a_project_run_one_after_the_other_in_their_order(store: Store, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    jobs = [add(store, f"echo b{n} >> {trace}; sleep 0.03; echo e{n} >> {trace}", f"k{n}") for n in range(3)]
    run(store, lambda _: until(finished(store, *jobs)))
    assert trace.read_text().split() == ["b0", "e0", "b1", "e1", "b2", "e2"]


def test_several_jobs_of_a_project_run_at_once_if_the_options_allow_it(store: Store) -> None:
    jobs = [add(store, WAIT, f"k{n}") for n in range(3)]

    async def action(runner: Runner) -> None:
        await until(lambda: len(store.jobs.running()) == 2)
        await asyncio.sleep(0.05)
        assert [job.id for job in store.jobs.queued()] == [jobs[2].id] and runner.busy

    run(store, action, jobs=2)


def test_jobs_of_two_projects_run_at_once(store: Store) -> None:
    other = store.projects.create("other").id
    add(store, WAIT)
    add(store, WAIT, project=other)
    run(store, lambda _: until(lambda: len(store.jobs.running()) == 2))


def test_a_job_that_is_added_later_starts_when_the_runner_is_notified(store: Store) -> None:
    async def action(runner: Runner) -> None:
        await asyncio.sleep(0.02)
        assert not runner.busy
        job = add(store, "echo hello")
        runner.notify()
        await until(finished(store, job))

    run(store, action)


@pytest.mark.parametrize("force", [True, False])
def test_a_running_job_is_cancelled(store: Store, force: bool) -> None:
    job = add(store, WAIT)

    async def action(runner: Runner) -> None:
        await until(lambda: "started" in log_of(store, job))
        runner.cancel(store.jobs.by_id(job.id), force=force)
        await until(finished(store, job))

    run(store, action)
    found = store.jobs.by_id(job.id)
    assert (found.success, found.reason) == (False, "cancelled")
    assert log_of(store, job) == ["started", "Job cancelled"]


def test_a_queued_job_is_cancelled_without_a_process(store: Store) -> None:
    first, second = add(store, WAIT, "a"), add(store, "echo never", "b")
    ends: list[bool | None] = []

    async def action(runner: Runner) -> None:
        await until(lambda: len(store.jobs.running()) == 1)
        runner.hub.subscribe(second.id, lambda _, success: ends.append(success))
        runner.cancel(second)
        await until(lambda: ends == [None, False])

    run(store, action)
    assert log_of(store, second) == ["Job cancelled"]
    assert store.jobs.by_id(second.id).seconds is None and store.jobs.by_id(first.id).reason == STOPPED


def test_a_job_that_is_cancelled_before_its_process_exists_does_not_run_on(store: Store) -> None:
    job = add(store, WAIT)

    async def action(runner: Runner) -> None:
        await until(lambda: bool(store.jobs.running()))
        runner.cancel(replace(job, state="running"), force=True)
        await until(finished(store, job))

    run(store, action)
    assert store.jobs.by_id(job.id).reason == "cancelled"


def test_cancelling_a_finished_job_does_nothing(store: Store) -> None:
    job = add(store, "echo hello")

    async def action(runner: Runner) -> None:
        await until(finished(store, job))
        runner.cancel(store.jobs.by_id(job.id))
        await asyncio.sleep(0.02)

    run(store, action)
    assert store.jobs.by_id(job.id).success is True and log_of(store, job)[-1] == "Job completed (success)"


def test_a_job_over_the_limit_of_its_project_is_ended(store: Store) -> None:
    store.projects.update(1, name="p", description="", settings={"jobLimitM": 0.1 / 60})
    job = add(store, WAIT)
    run(store, lambda _: until(finished(store, job)))
    assert store.jobs.by_id(job.id).reason == "it took longer than its limit of 0.1 s"


def test_a_job_over_the_limit_of_the_studio_is_ended(store: Store) -> None:
    job = add(store, WAIT)
    run(store, lambda _: until(finished(store, job)), limit_s=0.1)
    assert store.jobs.by_id(job.id).reason == "it took longer than its limit of 0.1 s"


def test_running_jobs_end_with_the_studio_and_queued_ones_wait_for_the_next_start(store: Store) -> None:
    running, queued = add(store, WAIT, "a"), add(store, "echo later", "b")
    run(store, lambda _: until(lambda: "started" in log_of(store, running)))
    found = store.jobs.by_id(running.id)
    assert (found.success, found.reason) == (False, STOPPED)
    assert store.jobs.by_id(queued.id).state == "queued"
    run(store, lambda _: until(finished(store, queued)))
    assert store.jobs.by_id(queued.id).success is True


def test_a_job_whose_process_is_just_starting_ends_with_the_studio(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, starting = JobProcess.start, asyncio.Event()

    async def start_slowly(data: Path, job: int, *, allow_scripts: bool) -> JobProcess:
        starting.set()
        await asyncio.sleep(0.05)
        return await start(data, job, allow_scripts=allow_scripts)

    monkeypatch.setattr(JobProcess, "start", start_slowly)
    job = add(store, WAIT)

    async def action(_: Runner) -> None:
        await starting.wait()

    begin = time.monotonic()
    run(store, action)
    assert store.jobs.by_id(job.id).reason == STOPPED and time.monotonic() - begin < 5


def test_a_job_that_ran_when_the_studio_was_killed_has_failed_at_the_next_start(store: Store) -> None:
    job = add(store, "echo never")
    store.jobs.start(job.id)
    run(store, lambda _: until(finished(store, job)))
    assert store.jobs.by_id(job.id).reason == STOPPED
    assert log_of(store, job) == [f"Job failed: {STOPPED}"]


def test_the_failure_of_one_job_does_not_stop_the_next(store: Store) -> None:
    first, second = add(store, "cannot start", "a"), add(store, "echo fine", "b")
    run(store, lambda _: until(finished(store, first, second)))
    assert [store.jobs.by_id(job.id).success for job in (first, second)] == [False, True]


def test_a_runner_that_does_not_run_only_stores_a_cancellation(store: Store, tmp_path: Path) -> None:
    job = add(store, "echo never")
    runner = Runner(Options(tmp_path), store, Hub())
    runner.notify()
    runner.cancel(job)
    assert store.jobs.by_id(job.id).reason == "cancelled" and not runner.busy


def test_a_cancelled_job_leaves_nothing_behind(store: Store) -> None:
    incoming = store.blobs.incoming
    job = add(
        store, f"mkdir {incoming}/job-1-abc; touch {incoming}/job-1-abc/x {incoming}/$$.0 {incoming}/job-12-x; {WAIT}"
    )

    async def cancel(runner: Runner) -> None:
        while not (incoming / "job-12-x").exists():
            await asyncio.sleep(0.01)
        runner.cancel(store.jobs.get(1, job.id))
        while store.jobs.get(1, job.id).state != "finished":
            await asyncio.sleep(0.01)
        assert [path.name for path in incoming.iterdir()] == ["job-12-x"]  # of another job

    run(store, cancel)
