"""Fetch from an address, an archive and a folder; tracks without a published hash replace real ones."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.dataset.download import Patience
from ei_toolkit.dataset.fetch import FetchReport, Source, fetch_gtzan, published_sources
from ei_toolkit.dataset.index import load_index
from ei_toolkit.errors import DataError, NetworkError, UsageError

UNHASHED = ["metal.00061", "metal.00062", "metal.00063", "metal.00064", "metal.00065", "metal.00066", "metal.00094"]
QUICK = Patience(attempts=3, stall_seconds=0.3, pause_seconds=0.01)
Serve = Callable[..., Any]


def clip(seed: int, kind: str = "AU") -> bytes:
    out = io.BytesIO()
    samples = (1000 * np.random.default_rng(seed).standard_normal(22_050)).astype(np.int16)
    soundfile.write(out, samples, 22_050, "PCM_16", format=kind)
    return out.getvalue()


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def published() -> dict[str, bytes]:
    files = {f"genres/metal/{name}.au": clip(number) for number, name in enumerate(UNHASHED)}
    return files | {"genres/metal/metal.00000.au": clip(99), "genres/metal/metal.00001.au": b"torn"}


def fetch(dest: Path, origin: str = "", sources: list[Source] | None = None) -> FetchReport:
    return fetch_gtzan(dest, origin, sources or [], ["metal"], lambda _done, _note: None, QUICK)


def from_address(place: Any) -> list[Source]:
    """The address of a server as a source whose checksum is known."""
    return [Source(place.url, hashlib.md5(place.data, usedforsecurity=False).hexdigest())]


def names(dest: Path) -> list[str]:
    return sorted(path.relative_to(dest).as_posix() for path in dest.rglob("*") if path.is_file())


def test_from_an_address_through_cuts_and_stalls(serve: Serve, tmp_path: Path) -> None:
    place = serve(data=tar_of(published()), ways=["cut", "busy", "stall", "whole"])
    report = fetch(tmp_path / "gtzan", sources=from_address(place))
    assert report.counts() == {"missing": 92, "unverified": 7, "modified": 1}
    assert report.written == 8
    assert names(tmp_path / "gtzan") == sorted(f"metal/{name}.wav" for name in [*UNHASHED, "metal.00000"])


def test_au_becomes_the_wav_that_was_published(tmp_path: Path, serve: Serve) -> None:
    fetch(tmp_path, sources=from_address(serve(data=tar_of(published()))))
    samples, rate = soundfile.read(io.BytesIO(clip(0)), dtype="int16")
    assert (tmp_path / "metal" / "metal.00061.wav").read_bytes() == wav_bytes(samples, rate)


def test_a_second_run_asks_only_for_what_is_not_complete(tmp_path: Path, serve: Serve) -> None:
    place = serve(data=tar_of({name: data for name, data in published().items() if "0006" in name}))
    fetch(tmp_path, sources=from_address(place))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    assert fetch(tmp_path, sources=from_address(place)).written == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")} == before


def test_the_second_place_is_asked_where_the_first_fails(tmp_path: Path, serve: Serve) -> None:
    gone, here = serve(ways=["gone"]), serve(data=tar_of(published()))
    assert fetch(tmp_path, sources=[Source(gone.url), *from_address(here)]).written == 8


def test_an_archive_with_a_wrong_checksum_is_not_used(tmp_path: Path, serve: Serve) -> None:
    place = serve(data=tar_of(published()))
    with pytest.raises(NetworkError, match="cannot be fetched") as caught:
        fetch(tmp_path, sources=[Source(place.url, md5="0" * 32)])
    assert "not the published archive" in caught.value.why
    assert names(tmp_path) == []


def test_no_place_answers(tmp_path: Path, serve: Serve) -> None:
    places = [Source(serve(ways=["gone"]).url), Source(serve(ways=["busy"]).url)]
    with pytest.raises(NetworkError) as caught:
        fetch(tmp_path, sources=places)
    assert "HTTP 404" in caught.value.why
    assert "HTTP 503" in caught.value.why
    assert "--from" in caught.value.hint


def test_a_damaged_download_is_not_found_again(tmp_path: Path, serve: Serve) -> None:
    place = serve(data=b"an error page that calls itself an archive")
    with pytest.raises(DataError, match="neither a zip nor a tar archive"):
        fetch(tmp_path, place.url)
    place.data, place.etag = tar_of(published()), '"v2"'
    assert fetch(tmp_path, sources=from_address(place)).written == 8


def test_of_an_archive_without_a_published_checksum_only_tracks_of_the_index_are_taken(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, rate = soundfile.read(io.BytesIO(clip(99)), dtype="int16")
    genuine = hashlib.sha256(wav_bytes(samples, rate)).hexdigest()
    index = load_index()
    tracks = {**index.tracks, "metal.00000": replace(index.tracks["metal.00000"], sha256=genuine)}
    monkeypatch.setattr("ei_toolkit.dataset.fetch.load_index", lambda: replace(index, tracks=tracks))
    report = fetch(tmp_path, serve(data=tar_of(published() | {"genres/metal/metal.00002.au": clip(2)})).url)
    assert names(tmp_path) == ["metal/metal.00000.wav"]
    assert (report.written, report.refused) == (1, (*sorted(["metal.00002", *UNHASHED]),))


def test_an_archive_without_a_published_checksum_and_without_a_track_of_the_index_is_an_error(
    tmp_path: Path, serve: Serve
) -> None:
    with pytest.raises(DataError, match="has no track of the index") as caught:
        fetch(tmp_path, serve(data=tar_of(published())).url)
    assert "metal.00000" in caught.value.why
    assert "--from FILE" in caught.value.hint
    assert names(tmp_path) == []


def test_from_a_folder(tmp_path: Path) -> None:
    for name, data in published().items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_bytes(data)
    assert fetch(tmp_path / "gtzan", str(tmp_path / "mine")).written == 8


def test_a_corrupt_clip_never_replaces_one_that_is_there(tmp_path: Path) -> None:
    kept = tmp_path / "gtzan" / "metal" / "metal.00061.wav"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(clip(5, "WAV"))
    (tmp_path / "a.tar.gz").write_bytes(tar_of({"x/metal.00061.au": b"torn", "x/metal.00062.au": clip(6)}))
    fetch(tmp_path / "gtzan", str(tmp_path / "a.tar.gz"))
    assert kept.read_bytes() == clip(5, "WAV")


def test_a_source_without_any_track(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.wav").write_bytes(clip(1, "WAV"))
    with pytest.raises(DataError, match="no GTZAN track in"):
        fetch(tmp_path / "gtzan", str(tmp_path / "holiday"))


def test_an_unknown_genre(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no genre polka"):
        fetch_gtzan(tmp_path, "", [], ["polka"], lambda _done, _note: None)


def test_addresses_of_the_user_come_in_place_of_the_known_ones() -> None:
    assert all(source.url.startswith("http") and len(source.md5) == 32 for source in published_sources())
    assert published_sources(["http://mirror.example/g.zip"]) == [Source("http://mirror.example/g.zip")]


@pytest.mark.gtzan
def test_real_tracks_from_a_folder_of_flac_have_the_published_hash(gtzan: Path, tmp_path: Path) -> None:
    report = fetch_gtzan(tmp_path, str(gtzan / "audio"), [], ["blues", "jazz"], lambda _done, _note: None)
    assert report.counts() == {"ok": 10, "missing": 190}
