"""Jobs and their logs over the API: states, pages, levels of a log, and cancellation."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http import jobs as routes
from ei_toolkit.studio.http.jobs import job_answer
from ei_toolkit.studio.store.jobs import Job


def add(api: Api, key: str = "export", created: str | None = None, category: str = "Exporting data") -> int:
    job = api.studio.store.jobs.add(1, "export", key, category, {}).id
    if created:
        api.studio.store.database.run("UPDATE jobs SET created = ? WHERE id = ?", (created, job))
    return job


def finish(api: Api, job: int, *, success: bool = True, reason: str = "", seconds: float | None = 1.5) -> None:
    assert api.studio.store.jobs.start(job)
    assert api.studio.store.jobs.finish(job, success=success, reason=reason, seconds=seconds)


def status(api: Api, job: int) -> dict[str, Any]:
    found: dict[str, Any] = api.fields("GET", f"/1/jobs/{job}/status")["job"]
    return found


def test_a_job_shows_its_times_as_it_goes_on(api: Api) -> None:
    job = add(api)
    queued = status(api, job)
    assert (queued["category"], queued["categoryKey"], queued["key"]) == ("Exporting data", "export", "export")
    assert not {"started", "finished", "computeTime"} & queued.keys()
    api.studio.store.jobs.start(job)
    running = status(api, job)
    assert running["started"] >= running["created"] and "finished" not in running
    api.studio.store.jobs.finish(job, success=True, seconds=2.34567)
    finished = status(api, job)
    assert (finished["finishedSuccessful"], finished["computeTime"]) == (True, 2.346)
    assert finished["finished"] >= finished["started"] and "additionalInfo" not in finished


def test_a_failed_job_has_the_reason(api: Api) -> None:
    job = add(api)
    finish(api, job, success=False, reason="no space left on device", seconds=0)
    found = status(api, job)
    assert (found["finishedSuccessful"], found["additionalInfo"]) == (False, "no space left on device")
    assert found["computeTime"] == 0


def test_a_finished_job_without_a_result_has_failed() -> None:
    job = Job(1, 1, "export", "k", "c", {}, "finished", None, "", "2026", "2026", "2026", None)
    assert job_answer(job)["finishedSuccessful"] is False


def test_lists_have_active_finished_or_all_jobs_newest_first(api: Api) -> None:
    one, two, three = (add(api, key) for key in ("a", "b", "c"))
    finish(api, two)
    api.studio.store.jobs.start(three)
    found = {
        path: [job["id"] for job in api.fields("GET", f"/1/jobs{path}")["jobs"]] for path in ("", "/history", "/all")
    }
    assert found == {"": [three, one], "/history": [two], "/all": [three, two, one]}


def test_a_list_of_jobs_is_filtered_by_date_and_key_and_cut_into_pages(api: Api) -> None:
    jobs = [add(api, f"key-{n}", f"2026-01-0{n + 1}T00:00:00.000Z") for n in range(5)]

    def found(query: str) -> tuple[list[int], int]:
        fields = api.fields("GET", f"/1/jobs/all?{query}")
        return [job["id"] for job in fields["jobs"]], fields["totalJobCount"]

    assert found("startDate=2026-01-02T00:00:00.000Z&endDate=2026-01-04T00:00:00.000Z") == (jobs[3:0:-1], 3)
    assert found("key=key-2") == ([jobs[2]], 1)
    assert found("limit=2&offset=1") == ([jobs[3], jobs[2]], 5)
    assert found("offset=4") == ([jobs[0]], 5)
    assert found("key=none") == ([], 0)


def test_the_summary_has_the_compute_time_of_each_category_in_ms(api: Api) -> None:
    for key, category, seconds in (("a", "Training model", 1.5), ("b", "Training model", 0.25), ("c", "Export", None)):
        finish(api, add(api, key, category=category), seconds=seconds)
    found = {entry["category"]: entry["lengthMs"] for entry in api.fields("GET", "/1/jobs/summary")["summary"]}
    assert found == {"Training model": 1750, "Export": 0}
    assert api.fields("GET", "/1/jobs/summary?endDate=2020") == {"summary": []}


@pytest.mark.parametrize("path", ["status", "stdout", "stdout/download"])
def test_a_job_that_does_not_exist_is_an_error(api: Api, path: str) -> None:
    assert api.error("GET", f"/1/jobs/7/{path}") == "No job with this ID found"
    assert api.error("POST", "/1/jobs/7/cancel") == "No job with this ID found"


def test_a_job_of_another_project_is_unknown(api: Api) -> None:
    other = api.studio.store.projects.create("Other").id
    job = api.studio.store.jobs.add(other, "export", "k", "c", {}).id
    assert api.error("GET", f"/1/jobs/{job}/status") == "No job with this ID found"
    assert api.fields("GET", "/1/jobs/all") == {"jobs": [], "totalJobCount": 0}


def write_log(api: Api, job: int, count: int) -> None:
    for number in range(count):
        api.studio.runner.log(job).append(f"line {number}", "error" if number % 3 == 0 else "info")


def test_a_log_is_returned_newest_first_with_levels_and_their_number(api: Api) -> None:
    job = add(api)
    write_log(api, job, 7)
    found = api.fields("GET", f"/1/jobs/{job}/stdout?limit=2")
    assert [line["data"] for line in found["stdout"]] == ["line 6\n", "line 5\n"] and found["totalCount"] == 7
    assert [line["logLevel"] for line in found["stdout"]] == ["error", "info"]
    errors = api.fields("GET", f"/1/jobs/{job}/stdout?logLevel=error")
    assert [line["data"] for line in errors["stdout"]] == ["line 6\n", "line 3\n", "line 0\n"]
    assert errors["totalCount"] == 3
    assert api.fields("GET", f"/1/jobs/{job}/stdout?logLevel=debug") == {"stdout": [], "totalCount": 0}


def test_a_log_has_a_largest_number_of_lines(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MOST_LINES", 4)
    job = add(api)
    write_log(api, job, 9)
    for query in ("?limit=0", "?limit=500", "?limit=4"):
        found = api.fields("GET", f"/1/jobs/{job}/stdout{query}")
        assert (len(found["stdout"]), found["totalCount"]) == (4, 9)
    assert api.error("GET", f"/1/jobs/{job}/stdout?limit=-1") == "limit must be 0 or greater, but is '-1'"


def test_a_whole_log_is_downloaded_oldest_first_as_text(api: Api) -> None:
    job = add(api)
    assert api.call("GET", f"/1/jobs/{job}/stdout/download").text == ""
    api.studio.runner.log(job).append("größe 1")
    api.studio.runner.log(job).append("line 2")
    response = api.call("GET", f"/1/jobs/{job}/stdout/download")
    assert response.text == "größe 1\nline 2\n" and response.headers["content-type"].startswith("text/plain")


def test_a_queued_job_is_cancelled_and_does_not_start(api: Api) -> None:
    job = add(api)
    api.fields("POST", f"/1/jobs/{job}/cancel", "ingestion_deployment")
    assert (status(api, job)["finishedSuccessful"], status(api, job)["additionalInfo"]) == (False, "cancelled")
    assert api.studio.store.jobs.start(job) is False


def test_cancelling_a_finished_job_changes_nothing(api: Api) -> None:
    job = add(api)
    finish(api, job)
    before = status(api, job)
    api.fields("POST", f"/1/jobs/{job}/cancel?forceCancel=true")
    assert status(api, job) == before


def test_only_roles_that_may_build_cancel_jobs(api: Api) -> None:
    job = add(api)
    assert api.call("POST", f"/1/jobs/{job}/cancel", "readonly").status_code == 403
    assert "finished" not in status(api, job)
