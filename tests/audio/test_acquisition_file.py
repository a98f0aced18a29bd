"""Sound in the data acquisition format: every sample, and a signature that is checked."""

from __future__ import annotations

import cbor2
import numpy as np
import pytest

from ei_toolkit.audio.acquisition import read_acquisition
from ei_toolkit.audio.acquisition_file import sound_file

SAMPLES = np.array([0, 1, -1, 23, 24, 255, 256, -256, -257, 32767, -32768], np.int16)


@pytest.mark.parametrize(("key", "algorithm"), [("", "none"), ("0123456789abcdef", "HS256")])
def test_a_file_has_every_sample_the_device_and_a_valid_signature(key: str, algorithm: str) -> None:
    data = sound_file(SAMPLES, 16_000, "ac:87:a3:0a:2d:1b", "ARDUINO_NANO33BLE", key)
    assert cbor2.loads(data)["protected"] == {"ver": "v1", "alg": algorithm}
    assert cbor2.loads(data)["payload"]["values"] == SAMPLES.tolist()
    found = read_acquisition(data, "cbor", key or "another key")
    assert (found.interval_ms, found.device_name, found.device_type) == (
        0.0625, "ac:87:a3:0a:2d:1b", "ARDUINO_NANO33BLE"
    )  # fmt: skip
    np.testing.assert_array_equal(found.values[:, 0], SAMPLES)
    assert found.signature_valid == bool(key)


def test_a_signature_of_another_key_or_of_changed_samples_is_not_valid() -> None:
    data = sound_file(SAMPLES, 16_000, "board", "type", "key")
    assert not read_acquisition(data, "cbor", "another key").signature_valid
    changed = data[:-1] + bytes([data[-1] ^ 1])
    assert not read_acquisition(changed, "cbor", "key").signature_valid
