"""Sound in Edge Impulse's data acquisition files is read as any other clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from ei_toolkit.audio import acquisition
from ei_toolkit.audio.acquisition import sound_of
from ei_toolkit.audio.decode import probe, read_clip
from ei_toolkit.errors import DataError

TONE = np.round(8000 * np.sin(np.arange(16_000) / 9)).astype(int).tolist()


def write(file: Path, values: Any, sensors: tuple[str, ...] = ("audio",), interval_ms: float = 0.0625) -> Path:
    named = [{"name": name, "units": "wav"} for name in sensors]
    document = {"payload": {"interval_ms": interval_ms, "sensors": named, "values": values}}
    file.write_bytes(cbor2.dumps(document) if file.suffix == ".cbor" else json.dumps(document).encode())
    return file


@pytest.mark.parametrize("name", ["a.json", "a.cbor"])
def test_samples_of_16_bits_are_read_exactly(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, TONE)
    assert probe(file) == 1.0
    assert read_clip(file, 16_000).tolist() == TONE


def test_rows_of_one_value_are_the_same(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", [[value] for value in TONE])
    assert read_clip(file, 16_000).tolist() == TONE


def test_values_within_1_are_floats(tmp_path: Path) -> None:
    rate, samples = sound_of(write(tmp_path / "a.json", [0.5, -0.25, 1.0]))
    assert (rate, samples.ravel().tolist()) == (16_000, [0.5, -0.25, 1.0])


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    file = write(tmp_path / "a.cbor", TONE, interval_ms=0.125)
    assert probe(file) == 2.0
    assert len(read_clip(file, 16_000)) == 32_000


@pytest.mark.parametrize(
    ("values", "sensors", "interval_ms", "reason"),
    [
        ([[1, 2, 3]], ("accX", "accY", "accZ"), 10, "a.json: no sound: accX, accY, accZ at 100 Hz"),
        ([1, 2, 3], ("temperature",), 1000, "a.json: no sound: temperature at 1 Hz"),
        (
            [1, None],
            ("audio",),
            0.0625,
            r"a.json: the file is not in the data acquisition format \(json\): values\[1\]",
        ),
        ([], ("audio",), 0.0625, r"a.json: the file is not in the data acquisition format \(json\): values is empty"),
    ],
)
def test_what_is_no_sound_has_its_reason(
    tmp_path: Path, values: list[Any], sensors: tuple[str, ...], interval_ms: float, reason: str
) -> None:
    with pytest.raises(DataError, match=f"^{reason}"):
        read_clip(write(tmp_path / "a.json", values, sensors, interval_ms), 16_000)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    with pytest.raises(DataError, match="payload is missing"):
        read_clip(tmp_path / "package.json", 16_000)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquisition, "MOST_FILE_BYTES", 10)
    with pytest.raises(DataError, match=r"a\.json: larger than 0 MiB"):
        read_clip(write(tmp_path / "a.json", TONE), 16_000)
