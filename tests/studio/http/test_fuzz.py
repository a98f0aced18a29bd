"""Random requests to every route: no 500, no hang, no growth. `EITK_FUZZ=100000` is the long version."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.coverage import served_shapes
from ei_toolkit.studio.http.not_implemented import Method, official_methods

EXAMPLES = int(os.environ.get("EITK_FUZZ", "400"))
SPARED = {"delete_project", "revoke_project_api_key", "revoke_project_ingestion_only_api_key"}
METHODS = [m for m in official_methods() if m.shape in served_shapes() and m.name not in SPARED]
NAMES = """
    name label labels category limit offset filename metadata ids sortBy minLength config dspId params features
    inputBlocks dspBlocks learnBlocks id type dsp input windowSizeMs windowIncreaseMs frequencyHz padZeros axes
    implementationVersion visualLayers trainingCycles learningRate batchSize mode script customParameters variant
    variants modelVariants engine modelType sliceStart sliceEnd limitPayloadValues impulseId newCategory thresholds
    structuredLabels startIndex endIndex targetDevices tfliteFileBase64 device role ttl apiKey projectName username
    password jobLimitM trainingSplitRatio includeDisabled featureAx1 metadataKey metadataValue zoomStart axisIx
    keepTogetherMetadataKeys key op values kFoldsValidationConfig numFolds seed neurons artist block
    """.split()  # noqa: SIM905 - a list of this length reads better as a text
ids = st.sampled_from([0, 1, 2, 3, 99, 2**31, 2**63 - 2, 2**63 - 1, 2**63, 10**30])
texts = st.one_of(
    st.sampled_from(
        ["", "1", "True", "null", "training", "all", "[]", "{}", "[1]", '["a"]', "nan", "1e400", "-1", "é", "int8"]
    ),
    st.text(max_size=20),
)
unpaired = st.sampled_from(["\ud800", "\udfffx", "x\ud800\ud800"])  # JSON carries them as escapes
huge = st.sampled_from([2**53 + 1, -(2**63), 10**400, -(10**400), 1e308, 5e-324])
deep = st.sampled_from([20, 98, 101, 400]).map(lambda depth: json.loads("[" * depth + "NaN" + "]" * depth))
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, ids, unpaired, huge, deep)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | unpaired, inner, max_size=6),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)
filters = st.builds(
    lambda key, chosen, times: json.dumps([{"key": key, "values": chosen}, *[{"key": "a"}] * times]),
    texts | unpaired, st.lists(leaves, max_size=4), st.sampled_from([0, 1, 99, 1200]),
)  # fmt: skip
queries = st.dictionaries(st.sampled_from(NAMES), texts | values.map(json.dumps), max_size=4)
filtered = st.builds(lambda query, metadata: {**query, "metadata": metadata}, queries, filters)
HEAD = b'--x\r\nContent-Disposition: form-data; name="data"; filename="a.wav"\r\n\r\n'
FIELD = re.compile(r"\{(\w+)\}")


def fill(draw: Any, method: Method) -> str:
    """A path with random fields; the project is the key's own nearly always."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "projectId":
            return "1"
        return str(draw(ids if match[1].endswith("Id") else texts)).replace("/", "") or "x"

    return FIELD.sub(value, method.path)


@pytest.fixture(scope="module")
def busy(server: Any) -> Any:
    """A server with something in it, so that random requests find objects."""
    import numpy as np

    from ei_toolkit.audio.wav import wav_bytes

    for seed, label in enumerate(("classical", "rock", "rock")):
        noise = np.random.default_rng(seed).integers(-99, 99, 1600).astype(np.int16)
        server.upload({f"{seed}.wav": wav_bytes(noise, 16000)}, x_label=label)
    window = {"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000}
    dsp = {"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}
    learn = {"id": 3, "type": "keras", "dsp": [2]}
    server.json("POST", "/1/impulse", json={"inputBlocks": [window], "dspBlocks": [dsp], "learnBlocks": [learn]})
    server.wait(server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"])
    return server


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_requests_cause_no_server_error(busy: Any, data: Any) -> None:
    method = data.draw(st.sampled_from(METHODS))
    path = fill(data.draw, method).removeprefix("/api")
    url = busy.api + path if method.path.startswith("/api/") else busy.api.removesuffix("/api") + method.path
    bottomless = st.sampled_from([900, 100_000]).map(lambda depth: b'{"metadata":' + b"[" * depth + b"]" * depth + b"}")
    body = data.draw(st.one_of(objects.map(lambda o: json.dumps(o).encode()), st.binary(max_size=40), bottomless))
    start = time.monotonic()
    answer = requests.request(
        method.verb, url, params=data.draw(queries | filtered), data=body if method.verb == "POST" else None,
        headers={"x-api-key": busy.keys["admin"]}, timeout=60,
    )  # fmt: skip
    assert answer.status_code in (200, 400, 403, 404, 413), (method, answer.status_code, answer.text[:300])
    assert time.monotonic() - start < 30
    if answer.headers["content-type"] == "application/json":
        assert isinstance(answer.json()["success"], bool)


header_values = st.one_of(
    st.sampled_from(
        ["1", "", "rock", "%zz", "{}", "[", '{"a":1}', "multipart/form-data", "multipart/form-data; boundary=x"]
    ),
    st.just('{"artist":"\\ud800"}'),
    st.text(st.characters(codec="latin-1", categories=["L", "N", "P"]), max_size=30),
)


def part(name: str, document: Any) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="data"; filename="{name}"\r\n\r\n'
    return head.encode() + json.dumps(document).encode() + b"\r\n"


recordings = st.fixed_dictionaries(
    {
        "device_name": leaves,
        "interval_ms": st.floats() | huge | st.just(1),
        "sensors": st.lists(st.fixed_dictionaries({"name": texts | unpaired, "units": leaves}), min_size=1, max_size=2),
        "values": st.just([1, 2, 3]) | values,
    }
).map(lambda payload: part("r.json", {"payload": payload}))
ranges = st.fixed_dictionaries({"startIndex": leaves | st.just(0), "endIndex": leaves, "label": texts | unpaired})
labels_files = st.lists(ranges, max_size=3).map(
    lambda labels: part("structured_labels.labels", {"structuredLabels": {"r.json": labels}})
)


@given(
    category=st.sampled_from(["training", "split", "testing", "nowhere"]),
    route=st.sampled_from(["files", "data"]),
    headers=st.dictionaries(
        st.sampled_from(["x-label", "x-metadata", "x-no-label", "x-file-name", "content-type"]),
        header_values,
    ).map(lambda headers: {"content-type": "multipart/form-data; boundary=x", **headers}),
    body=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=60).map(lambda data: HEAD + data + b"\r\n--x--\r\n"),
        st.builds(lambda *parts: b"".join(parts) + b"--x--\r\n", recordings, recordings, labels_files),
    ),
)  # fmt: skip
@settings(max_examples=EXAMPLES // 2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_uploads_cause_no_server_error(
    busy: Any, category: str, route: str, headers: dict[str, str], body: bytes
) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = requests.post(
        f"{busy.ingestion}/{category}/{route}", data=body, headers={**sent, "x-api-key": busy.keys["admin"]}, timeout=60
    )
    assert answer.status_code in (200, 400, 404, 413, 421), (answer.status_code, answer.text[:300])


def test_afterwards_memory_and_files_are_within_limits(busy: Any) -> None:
    for job in busy.json("GET", "/1/jobs")["jobs"]:
        busy.json("POST", f"/1/jobs/{job['id']}/cancel?forceCancel=true")
        busy.wait(job["id"])
    lines = Path(f"/proc/{busy.pid}/status").read_text().splitlines()
    resident = int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    assert resident < 400 * 1024
    assert len(list(Path(f"/proc/{busy.pid}/fd").iterdir())) < 120
    assert not [f for f in (busy.data / "incoming").iterdir() if f.is_file()]
    assert "Traceback" not in (busy.data / "server.log").read_text()
