"""Upload samples, a directory and arrays; find, download and delete them."""

import io
import json
import sys
from pathlib import Path

import edgeimpulse as ei
import numpy as np

data = ei.experimental.data
folder = Path(sys.argv[1])


def wav(seed: int) -> bytes:
    import struct

    values = np.random.default_rng(seed).integers(-3000, 3000, 1600).astype("<i2").tobytes()
    head = (b"RIFF", 36 + len(values), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", len(values))
    return struct.pack("<4sI4s4sIHHIIHH4sI", *head) + values


def samples(label: str) -> list:
    return [
        data.Sample(filename=f"{label}.{n}.wav", data=io.BytesIO(wav(n)), label=label, category="training",
                    metadata={"n": str(n)})
        for n in range(3)
    ]  # fmt: skip


def counts(response: object) -> dict:
    return {"successes": len(response.successes), "fails": len(response.fails)}


uploaded = data.upload_samples(samples("sdk-a"))
again = data.upload_samples(samples("sdk-a"))
(folder / "d").mkdir()
for n in range(2):
    (folder / "d" / f"sdk-b.{n}.wav").write_bytes(wav(50 + n))
directory = data.upload_directory(directory=str(folder / "d"), category="testing", label="sdk-b")
arrays = data.upload_numpy(
    data=np.arange(40, dtype=float).reshape(2, 20, 1), labels=["sdk-c", "sdk-c"],
    sensors=[{"name": "audio", "units": "wav"}],
    sample_rate_ms=0.0625, category="training",
)  # fmt: skip

ids = [success.sample_id for success in uploaded.successes]
infos = [info for info in data.get_sample_ids(category="training") if info.sample_id in ids]
down = data.download_samples_by_ids(ids)
equal = sorted(sample.data.read() for sample in down) == sorted(wav(n) for n in range(3))
labels = sorted({sample.label for sample in down})
for response in (uploaded, directory, arrays):
    for success in response.successes:
        data.delete_sample_by_id(success.sample_id)
left = [i for i in data.get_sample_ids() if i.sample_id in ids]
print(
    json.dumps(
        {
            "uploaded": counts(uploaded),
            "duplicates": [fail.error.partition(" (")[0] for fail in again.fails],
            "directory": counts(directory),
            "numpy": counts(arrays),
            "labels_found": labels,
            "downloaded_equal": equal and len(infos) == 3,
            "left_after_delete": len(left),
        }
    )
)
