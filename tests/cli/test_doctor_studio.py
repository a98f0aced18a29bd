"""`eitk doctor` for a studio: each check with its verdict and what to do."""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

import pytest

from ei_toolkit.cli import doctor as doctor_module

KEY_INFO = "/api/projects/api-key-info"


@pytest.fixture
def doctor(eitk_there: Any, scripted_studio: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `eitk doctor` against a healthy studio and returns its findings of the studio by name."""
    monkeypatch.setattr(doctor_module, "package_findings", lambda: iter(()))
    monkeypatch.setattr(doctor_module, "tool_findings", lambda _environ: iter(()))
    for name in ("board_findings", "disk_findings"):
        monkeypatch.setattr(doctor_module, name, lambda *_: iter(()))
    monkeypatch.setattr(doctor_module, "confinement_findings", lambda: iter(()))
    scripted_studio.answers |= {
        "/": dated(0),
        "": dated(0),
        KEY_INFO: {"projectId": 1, "role": "admin"},
        "/api/1": {"project": {"name": "Größe"}, "performance": {"jobLimitM": 20}, "computeTime": {"timeLeftMs": 6e5}},
        "/api/1/raw-data/count": {"count": 7},
    }

    def run() -> tuple[int, dict[str, dict[str, str]]]:
        done = eitk_there("doctor", "--json")
        return done.code, {finding["what"]: finding for finding in done.data}

    return run


def dated(off_s: float) -> tuple[int, bytes, dict[str, str]]:
    """An answer of a server whose clock differs by this many seconds."""
    return 200, b"{}", {"Date": email.utils.formatdate(time.time() + off_s, usegmt=True)}


def test_a_healthy_studio(doctor: Any) -> None:
    code, found = doctor()
    assert code == 0
    assert {name: finding["verdict"] for name, finding in found.items()} == dict.fromkeys(
        ("folder", "settings", "studio", "uploads", "clock", "key", "project"), "ok"
    )
    assert found["project"]["detail"] == "1 “Größe”, 21 samples, 20 min a job, 10 min of compute time left"
    assert found["key"]["detail"] == "role admin"
    assert " answers in " in found["uploads"]["detail"]


@pytest.mark.parametrize(("off_s", "verdict", "detail"), [(90, "warning", "-90 s off"), (-90, "warning", "+90 s off")])
def test_a_clock_that_differs_is_a_warning(
    doctor: Any, scripted_studio: Any, off_s: float, verdict: str, detail: str
) -> None:
    scripted_studio.answers["/"] = dated(off_s)
    code, found = doctor()
    assert (code, found["clock"]["verdict"]) == (0, verdict)
    assert found["clock"]["hint"] == "Set the clock of this machine."
    seconds = int(found["clock"]["detail"].split()[3])
    assert abs(seconds - int(detail.split()[0])) <= 2


@pytest.mark.parametrize("headers", [{}, {"Date": "not a date"}])
def test_a_studio_without_a_date_is_a_warning(doctor: Any, scripted_studio: Any, headers: dict[str, str]) -> None:
    scripted_studio.answers["/"] = (200, b"{}", headers)
    code, found = doctor()
    assert (code, found["clock"]["verdict"]) == (0, "warning")
    assert found["clock"]["detail"] == "the studio sends no date"


def test_a_slow_network_is_a_warning(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "SLOW_MS", 0.0)
    code, found = doctor()
    assert (code, found["studio"]["verdict"], found["studio"]["hint"]) == (0, "warning", "The network is slow.")


@pytest.mark.parametrize(
    ("info", "detail"),
    [({"role": "ingestiononly"}, "role ingestiononly: it cannot change the impulse or train"),
     ({"role": "readonly", "expires": "2027-01-01"},
      "role readonly, until 2027-01-01: it cannot change the impulse or train")],
)  # fmt: skip
def test_a_key_that_cannot_train_is_a_warning(doctor: Any, scripted_studio: Any, info: Any, detail: str) -> None:
    scripted_studio.answers[KEY_INFO] = {"projectId": 1, **info}
    code, found = doctor()
    assert (code, found["key"]["verdict"], found["key"]["detail"]) == (0, "warning", detail)
    assert "EI_API_KEY" in found["key"]["hint"]


def test_a_rejected_key_is_a_failure_and_ends_the_checks_of_the_studio(doctor: Any, scripted_studio: Any) -> None:
    answer = json.dumps({"success": False, "error": "Invalid API key"}).encode()
    scripted_studio.answers[KEY_INFO] = (401, answer, {})
    code, found = doctor()
    assert code == 1
    assert found["studio"]["verdict"] == "failure"
    assert "the studio does not accept the key (Invalid API key)" in found["studio"]["detail"]
    assert "project" not in found


def test_limits_that_are_not_stated_are_called_unknown(doctor: Any, scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1"] = {"project": {"name": "x"}}
    assert doctor()[1]["project"]["detail"] == "1 “x”, 21 samples, no limit known"
