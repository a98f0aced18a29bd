"""The queue of jobs: states, keys, and which change of state wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.jobs import Job
from ei_toolkit.studio.store.projects import job_limit_s


def add(store: Store, key: str = "k", project: int = 1) -> Job:
    return store.jobs.add(project, "export", key, "Exporting data", {"a": [1, "ä"]})


def test_a_new_job_is_queued_with_its_specification(opened: Store) -> None:
    job = add(opened)
    assert (job.state, job.spec, job.success, job.reason) == ("queued", {"a": [1, "ä"]}, None, "")
    assert job.started is job.finished is job.seconds is None
    assert opened.jobs.get(1, job.id) == opened.jobs.by_id(job.id) == job


def test_at_most_one_job_of_a_key_is_queued_or_running(opened: Store) -> None:
    first = add(opened)
    message = rf"Another job for k is queued or running already \(job ID: {first.id}\)"
    with pytest.raises(ApiError, match=message):
        add(opened)
    opened.jobs.start(first.id)
    with pytest.raises(ApiError, match=message):
        add(opened)
    opened.jobs.finish(first.id, success=False)
    assert add(opened).id > first.id


def test_the_same_key_may_be_used_by_two_projects(opened: Store) -> None:
    other = opened.projects.create("other").id
    assert add(opened).id != add(opened, project=other).id


def test_only_one_of_many_simultaneous_jobs_of_a_key_is_queued(opened: Store) -> None:
    def attempt(_: int) -> bool:
        try:
            add(opened)
        except ApiError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_queued_jobs_are_listed_oldest_first_and_running_ones_apart(opened: Store) -> None:
    one, two, three = (add(opened, key) for key in "abc")
    opened.jobs.start(two.id)
    assert [job.id for job in opened.jobs.queued()] == [one.id, three.id]
    assert [job.id for job in opened.jobs.running()] == [two.id]


def test_a_job_is_started_once(opened: Store) -> None:
    job = add(opened)
    assert opened.jobs.start(job.id) is True
    assert opened.jobs.start(job.id) is False
    assert opened.jobs.by_id(job.id).started is not None


def test_a_cancelled_job_is_not_started_and_a_started_one_is_not_cancelled_as_queued(opened: Store) -> None:
    cancelled, started = add(opened, "a"), add(opened, "b")
    assert opened.jobs.finish_queued(cancelled.id, "cancelled") is True
    assert opened.jobs.start(cancelled.id) is False
    assert opened.jobs.start(started.id) is True
    assert opened.jobs.finish_queued(started.id, "cancelled") is False
    found = opened.jobs.by_id(cancelled.id)
    assert (found.state, found.success, found.reason, found.started) == ("finished", False, "cancelled", None)


def test_the_first_end_of_a_job_counts(opened: Store) -> None:
    job = add(opened)
    opened.jobs.start(job.id)
    assert opened.jobs.finish(job.id, success=True, seconds=1.5) is True
    assert opened.jobs.finish(job.id, success=False, reason="late") is False
    found = opened.jobs.by_id(job.id)
    assert (found.success, found.reason, found.seconds) == (True, "", 1.5)


def test_an_unknown_job_is_an_error(opened: Store) -> None:
    other = opened.projects.create("other").id
    job = add(opened)
    for ask in (lambda: opened.jobs.get(other, job.id), lambda: opened.jobs.by_id(99), lambda: opened.jobs.get(1, 99)):
        with pytest.raises(ApiError, match="No job with this ID found"):
            ask()
    assert opened.jobs.start(99) is opened.jobs.finish(99, success=True) is False


def test_a_page_of_jobs_has_the_number_of_all_that_match(opened: Store) -> None:
    jobs = [add(opened, key) for key in "abcde"]
    opened.jobs.start(jobs[0].id)
    opened.jobs.finish(jobs[1].id, success=True)
    page, total = opened.jobs.page(1, active=True, limit=2)
    assert [job.key for job in page] == ["e", "d"] and total == 4
    assert [job.key for job in opened.jobs.page(1, active=True, offset=3)[0]] == ["a"]
    assert [job.key for job in opened.jobs.page(1, active=False)[0]] == ["b"]
    assert opened.jobs.page(1, active=None, key="c")[1] == 1
    assert opened.jobs.page(2, active=None) == ([], 0)


def test_both_ends_of_a_period_are_included(opened: Store) -> None:
    job = add(opened)
    for since, until, found in ((job.created, job.created, 1), ("9", "9999", 0), ("", job.created[:-1], 0)):
        assert opened.jobs.page(1, active=None, since=since, until=until)[1] == found


@pytest.mark.parametrize(
    ("setting", "limit"),
    [(None, 3600.0), (30, 1800.0), (0.5, 30.0), (90, 3600.0), (0, 3600.0), (-5, 3600.0), ("30", 3600.0)],
)
def test_the_limit_of_a_project_counts_if_it_is_lower_than_that_of_the_studio(
    opened: Store, setting: object, limit: float
) -> None:
    opened.projects.update(1, name="p", description="", settings={"jobLimitM": setting})
    assert job_limit_s(opened.projects, 1, 3600.0) == limit


def test_the_limit_of_a_project_that_does_not_exist_is_an_error(opened: Store) -> None:
    with pytest.raises(ApiError, match="No project with this ID found"):
        job_limit_s(opened.projects, 99, 1.0)
