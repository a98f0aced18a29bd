"""Write sound as a file in Edge Impulse's data acquisition format (CBOR), signed with the HMAC key of a project."""

from __future__ import annotations

import hmac
from typing import Any

import cbor2
import numpy as np
import numpy.typing as npt

UNSIGNED = "0" * 64  # in place of the signature while the file is signed
UNSIGNED_16, NEGATIVE_16 = 0x19, 0x39  # RFC 8949: an integer of two bytes follows; a negative one is -1 minus it
ARRAY_32 = b"\x9a"  # an array, with its length in four bytes


def sound_file(
    samples: npt.NDArray[np.int16], rate: int, device_name: str, device_type: str, hmac_key: str = ""
) -> bytes:
    """Return the file of int16 samples, shape (n,). Without a key it states that it is not signed."""
    protected = {"ver": "v1", "alg": "HS256" if hmac_key else "none"}
    payload = {
        "device_name": device_name, "device_type": device_type, "interval_ms": 1000 / rate,
        "sensors": [{"name": "audio", "units": "wav"}],
    }  # fmt: skip
    start = b"\xa3" + _members({"protected": protected}) + cbor2.dumps("signature")
    signature = cbor2.dumps(UNSIGNED)
    values = cbor2.dumps("values") + ARRAY_32 + len(samples).to_bytes(4, "big") + _integers(samples)
    rest = cbor2.dumps("payload") + bytes([0xA0 + len(payload) + 1]) + _members(payload) + values
    if hmac_key:
        signature = cbor2.dumps(hmac.new(hmac_key.encode(), start + signature + rest, "sha256").hexdigest())
    return start + signature + rest


def _members(items: dict[str, Any]) -> bytes:
    return b"".join(cbor2.dumps(key) + cbor2.dumps(value) for key, value in items.items())


def _integers(samples: npt.NDArray[np.int16]) -> bytes:
    """Three bytes for each sample, also for small ones: cbor2 would need an object for each."""
    own = np.empty((len(samples), 3), np.uint8)
    own[:, 0] = np.where(samples < 0, NEGATIVE_16, UNSIGNED_16)
    argument = np.where(samples < 0, -1 - samples, samples)
    own[:, 1], own[:, 2] = argument >> 8, argument & 0xFF
    return own.tobytes()
