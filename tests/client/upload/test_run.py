"""Uploads to a real local studio: every window arrives once, also with faults of the network."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio, open_studio
from ei_toolkit.client.samples import edit_label, list_samples, move_sample
from ei_toolkit.client.transport import Transport
from ei_toolkit.client.upload.ledger import Ledger
from ei_toolkit.client.upload.plan import annotate, difference, server_samples, visible_samples
from ei_toolkit.client.upload.run import Options, Report, check_complete, upload, write_failures
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

MakeManifest = Callable[..., Path]


def upload_all(studio: Studio, manifest: Path, options: Options | None = None) -> Report:
    with Ledger(manifest.parent / "ledger.sqlite") as ledger:
        plan = difference(Manifest.read(manifest), server_samples(studio))
        return upload(
            studio, plan, WindowReader(manifest.parent), ledger, options or Options(), lambda _done, _note: None
        )


def through(studio: Studio, **changes: Any) -> Studio:
    """The same studio with other addresses or with another key."""
    return Studio(Transport(replace(studio.transport.endpoint, **changes)), studio.project)


def assert_each_window_once(studio: Studio, manifest: Path) -> None:
    there = Counter((s.name, s.category, s.label) for s in server_samples(studio))
    wanted = Counter((Path(w.file).stem, w.split, w.label) for w in Manifest.read(manifest).windows)
    assert there == wanted


def test_windows_arrive_with_category_label_and_metadata(
    studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    manifest = make_manifest(tmp_path / "w", 60)
    report = upload_all(studio, manifest)
    assert (report.done, report.sent, report.failures) == (60, 60, [])
    assert report.requests < 20  # batched by clip, not one by one
    with Ledger(manifest.parent / "ledger.sqlite") as ledger:
        annotate(studio, Manifest.read(manifest), ledger)
    assert_each_window_once(studio, manifest)
    window = Manifest.read(manifest).windows[13]
    sample = next(s for s in server_samples(studio) if s.name == Path(window.file).stem)
    assert dict(sample.metadata) == {
        "artist": window.group, "clip": window.clip, "clip_sha256": window.clip_sha256,
        "start_ms": "30", "augmentation": "pink gain",
    }  # fmt: skip


def test_a_second_upload_sends_nothing(studio: Studio, make_manifest: MakeManifest, tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "w", 30)
    upload_all(studio, manifest)
    again = upload_all(studio, manifest)
    assert (again.done, again.sent, again.requests) == (30, 0, 0)


def test_windows_that_are_there_under_another_name_are_found_by_their_contents(
    studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    manifest = make_manifest(tmp_path / "w", 10)
    upload_all(studio, manifest)
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    windows = []
    for window in Manifest.read(manifest).windows:
        (renamed / f"x{window.file}").write_bytes((manifest.parent / window.file).read_bytes())
        windows.append(replace(window, file=f"x{window.file}", split="testing"))
    Manifest(tuple(windows)).write(renamed / "manifest.csv")
    report = upload_all(studio, renamed / "manifest.csv")
    assert (report.done, report.sent, report.duplicates, report.moved) == (10, 0, 10, 10)
    assert all(sample.category == "testing" for sample in server_samples(studio))


def test_a_window_in_the_wrong_place_is_moved_and_relabelled(
    studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    manifest = make_manifest(tmp_path / "w", 10)
    upload_all(studio, manifest)
    first, second = list(list_samples(studio, "training"))[:2]
    move_sample(studio, first.id, "testing")
    edit_label(studio, second.id, "jazz")
    report = upload_all(studio, manifest)
    assert (report.sent, report.moved) == (0, 2)
    assert_each_window_once(studio, manifest)


@pytest.mark.parametrize("label", ["hip hop/é", "музыка", "🎸 rock", "50 % café, “live”", "a&b=c?d#e"])
def test_labels_in_any_script_survive(studio: Studio, make_manifest: MakeManifest, tmp_path: Path, label: str) -> None:
    manifest = make_manifest(tmp_path / "w", 3)
    windows = tuple(replace(w, label=label, group=f"{label}-artist") for w in Manifest.read(manifest).windows)
    Manifest(windows).write(manifest)
    upload_all(studio, manifest)
    samples = server_samples(studio)
    assert {sample.label for sample in samples} == {label}
    assert {dict(sample.metadata)["artist"] for sample in samples} == {f"{label}-artist"}


def test_an_invalid_file_does_not_affect_the_others(
    studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    manifest = make_manifest(tmp_path / "w", 30)
    changed, gone, *_ = [tmp_path / "w" / window.file for window in Manifest.read(manifest).windows]
    changed.write_bytes(b"RIFF no wave at all")
    gone.unlink()
    report = upload_all(studio, manifest)
    assert report.done == 28
    assert {failure.file for failure in report.failures} == {changed.name, gone.name}
    with pytest.raises(ApiError, match="2 of 30 windows are not in the studio"):
        check_complete(report)
    write_failures(tmp_path / "failures.csv", report.failures)
    assert "has another hash than in the manifest" in (tmp_path / "failures.csv").read_text()


def test_an_unreachable_server_is_an_error_within_seconds(
    studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    manifest = make_manifest(tmp_path / "w", 30)
    start = time.monotonic()
    with pytest.raises(NetworkError, match="does not answer"):
        upload_all(through(studio, ingestion_url="http://127.0.0.1:9"), manifest)
    assert time.monotonic() - start < 30


def test_a_wrong_key_ends_the_upload(studio: Studio, make_manifest: MakeManifest, tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "w", 5)
    plan = difference(Manifest.read(manifest), [])
    wrong = through(studio, key="ei_" + "0" * 40)
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(CredentialError):
        upload(wrong, plan, WindowReader(manifest.parent), ledger, Options(), lambda _done, _note: None)


def test_a_key_that_may_only_upload_uploads(
    endpoint: Endpoint, studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    key = f"ei_{secrets.token_hex(24)}"  # our own, because the transport cuts keys out of answers
    body = official("AddProjectApiKeyRequest")(name="up", isDevelopmentKey=False, role="ingestiononly", apiKey=key)
    studio.transport.post(studio.path("apikeys"), body)
    manifest = make_manifest(tmp_path / "w", 20)
    for sent in (20, 0):
        limited = through(studio, key=key)
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            plan = difference(Manifest.read(manifest), visible_samples(limited) or [])
            report = upload(limited, plan, WindowReader(manifest.parent), ledger, Options(), lambda _done, _note: None)
        assert (report.done, report.sent) == (20, sent)
    assert_each_window_once(studio, manifest)


def check_faults(studio: Studio, proxy: Any, manifest: Path, seed: int) -> dict[str, int]:
    url, plan = proxy(studio.transport.endpoint.ingestion_url, 0.2, seed)
    report = upload_all(through(studio, ingestion_url=url), manifest, Options(concurrency=6, batch=20))
    assert report.failures == []
    assert_each_window_once(studio, manifest)
    return dict(plan.met)


def test_two_hundred_windows_arrive_once_through_faults(
    studio: Studio, make_manifest: MakeManifest, fault_proxy: Any, tmp_path: Path
) -> None:
    met = check_faults(studio, fault_proxy, make_manifest(tmp_path / "w", 200, per_clip=4), 1)
    assert sum(met.values()) - met["none"] > 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20))
def test_two_thousand_windows_arrive_once_through_faults(
    studio: Studio, make_manifest: MakeManifest, fault_proxy: Any, tmp_path: Path, seed: int
) -> None:
    check_faults(studio, fault_proxy, make_manifest(tmp_path / "w", 2000, seed=seed, per_clip=20), seed)


def start_upload(endpoint: Endpoint, manifest: Path) -> subprocess.Popen[bytes]:
    (manifest.parent / "eitk.toml").write_text(
        f'[studio]\nurl = "{endpoint.api_url}"\ningestion_url = "{endpoint.ingestion_url}"\n'
    )
    command = [sys.executable, "-m", "ei_toolkit", "upload", str(manifest), "--batch", "5"]
    environ = {**os.environ, "EI_API_KEY": endpoint.key}
    return subprocess.Popen(
        command, cwd=manifest.parent, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def check_kills(endpoint: Endpoint, studio: Studio, manifest: Path, kills: int) -> int:
    """Kill an upload repeatedly, each time after a short while; return how many kills found it incomplete."""
    chance = random.Random(1)
    ledgers = set()
    half_done = 0
    total = len(Manifest.read(manifest).windows)
    for _ in range(kills):
        process = start_upload(endpoint, manifest)
        before = len(server_samples(studio))
        deadline = time.monotonic() + 20
        while process.poll() is None and len(server_samples(studio)) == before and time.monotonic() < deadline:
            time.sleep(0.01)  # until the first batch has arrived
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        half_done += 0 < len(server_samples(studio)) < total
        ledgers |= {file.name for file in manifest.parent.glob("uploads.*.sqlite")}
    assert start_upload(endpoint, manifest).wait() == 0
    assert len(ledgers) == 1
    assert_each_window_once(studio, manifest)
    return half_done


def test_no_window_is_lost_or_sent_twice_after_kill_9(
    endpoint: Endpoint, studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    assert check_kills(endpoint, studio, make_manifest(tmp_path / "w", 400), 3) > 0


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_no_window_is_lost_or_sent_twice_after_fifty_kills(
    endpoint: Endpoint, studio: Studio, make_manifest: MakeManifest, tmp_path: Path
) -> None:
    assert check_kills(endpoint, studio, make_manifest(tmp_path / "w", 3000), 50) > 10


def test_the_project_is_the_one_that_the_key_opens(endpoint: Endpoint, studio: Studio) -> None:
    assert open_studio(Transport(endpoint)).project == studio.project
