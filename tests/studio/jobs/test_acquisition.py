"""Data acquisition files in JSON and CBOR: valid files in every encoding, and the limits for untrusted ones."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.audio.acquisition_parts import MOST_CBOR_LEVELS, read_cbor
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.acquisition import read_acquisition

SENSORS = [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}]
PAYLOAD: dict[str, Any] = {
    "device_name": "ac:87:a3:0a:2d:1b", "device_type": "NANO", "interval_ms": 10, "sensors": SENSORS,
    "values": [[-9.81, 0.03], [1, 2.5], [0, -300]],
}  # fmt: skip
FILE = {"protected": {"ver": "v1", "alg": "HS256"}, "signature": "0" * 64, "payload": PAYLOAD}


def file_of(**changes: Any) -> dict[str, Any]:
    return {**FILE, "payload": {**PAYLOAD, **changes}}


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("json", json.dumps(FILE).encode()),
        ("cbor", cbor2.dumps(FILE)),
        ("cbor", cbor2.dumps(FILE, canonical=True)),  # half precision where it is exact
        ("cbor", cbor2.dumps(FILE, indefinite_containers=True)),
        ("cbor", b"\xd9\xd9\xf7" + cbor2.dumps(FILE)),  # the tag of self-described CBOR
        ("cbor", cbor2.dumps(FILE) + b"bytes after the first data item are ignored"),
    ],
)
def test_a_file_is_read_in_every_encoding(form: str, data: bytes) -> None:
    found = read_acquisition(data, form)
    assert (found.interval_ms, found.device_name, found.device_type) == (10.0, "ac:87:a3:0a:2d:1b", "NANO")
    assert found.sensors == (("accX", "m/s2"), ("accY", "m/s2"))
    np.testing.assert_array_equal(found.values, np.array(PAYLOAD["values"], np.float32))


def test_the_values_of_one_sensor_may_be_a_flat_list() -> None:
    found = read_acquisition(cbor2.dumps(file_of(sensors=SENSORS[:1], values=[1, 2, 3])), "cbor")
    assert found.values.shape == (3, 1)


@pytest.mark.parametrize(
    "changes",
    [{"values": [[1], [2]]}, {"values": 3}, {"values": None}, {"values": [[1, "x"]]}, {"values": [[1, float("nan")]]},
     {"values": [[1, 1e300]]}, {"values": [[1, 10**400]]}, {"sensors": "ab"}, {"sensors": [{}]},
     {"interval_ms": "soon"}, {"interval_ms": {}}],
)  # fmt: skip
def test_content_that_does_not_match_the_format_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match=r"not in the data acquisition format \(cbor\)"):
        read_acquisition(cbor2.dumps(file_of(**changes)), "cbor")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"values": [[1, 2], [3]]}, "values[1] has 1 numbers, and there are 2 sensors (accX, accY)"),
        ({"values": [[1, 2], 3]}, "values[1] is a number, not a list of one number for each of 2 sensors (accX, accY)"),
        ({"values": [[1, 2, 3]] * 2}, "every row of values has 3 numbers, and there are 2 sensors (accX, accY)"),
        ({"values": [1, 2]}, "values[0] is a number, not a list of one number for each of 2 sensors (accX, accY)"),
        ({"values": [[1, 2], [3, None]]}, "values[1] of the sensor accY is null, not a number"),
        ({"values": [[float("nan"), 2]]}, "values[0] of the sensor accX is not a number (NaN)"),
        ({"values": [[1, "much"]]}, "values[0] of the sensor accY is text, not a number"),
        ({"values": [[1, {}]]}, "values[0] of the sensor accY is an object, not a number"),
        ({"values": [[1, 1e300]]}, "values[0] of the sensor accY is 1e+300, which is too large"),
        ({"values": [[1, float("-inf")]]}, "values[0] of the sensor accY is -inf, which is too large"),
        ({"sensors": SENSORS[:1], "values": [1, [2, 3]]}, "values[1] has 2 numbers, and there is one sensor"),
        ({"sensors": SENSORS[:1], "values": [[1, 2]]}, "every row of values has 2 numbers, and there is one sensor"),
        ({"values": []}, "values is empty"), ({"values": {}}, "values is an object, not a list"),
        ({"values": None}, "values is null"), ({"sensors": []}, "sensors is empty"),
        ({"sensors": [SENSORS[0], {}]}, "sensors[1] has no name"), ({"sensors": "ab"}, "sensors is text, not a list"),
        ({"interval_ms": 0}, "interval_ms must be a number above 0, but is 0"),
        ({"interval_ms": None}, "interval_ms is null"),
        ({"interval_ms": "soon"}, "interval_ms must be a number above 0, but is 'soon'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["json", "cbor"])
def test_each_fault_has_its_own_message(form: str, changes: dict[str, Any], reason: str) -> None:
    document = file_of(**changes)
    with pytest.raises(ApiError) as caught:
        read_acquisition(json.dumps(document).encode() if form == "json" else cbor2.dumps(document), form)
    assert str(caught.value) == f"The file is not in the data acquisition format ({form}): {reason}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"payload": {"values": [1, 2', "it is no valid JSON: Expecting ',' delimiter: line 1 column 29"),
        (b"[1, 2]", "it is a list, not an object"), (b"{}", "payload is missing"),
        (b'{"payload": 3}', "payload is a number, not an object"),
        (b'{"payload": {"sensors": [{"name": "x"}], "interval_ms": 1}}', "values is missing"),
    ],
)  # fmt: skip
def test_json_that_is_no_acquisition_file_has_its_own_message(data: bytes, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_acquisition(data, "json")
    assert f"(json): {reason}" in str(caught.value)


def test_a_byte_order_mark_is_read() -> None:
    assert len(read_acquisition(b"\xef\xbb\xbf" + json.dumps(FILE).encode(), "json").values) == 3


@pytest.mark.parametrize("changes", [{"sensors": [], "values": []}, {"interval_ms": 0}, {"values": []}])
def test_a_file_without_sensors_interval_or_values_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        read_acquisition(cbor2.dumps(file_of(**changes)), "cbor")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"\x82\x01", b"\x81\xff", b"\x9f\x01", b"\xbf\x01\xff", b"\x61\xff", b"\xf8\x00", b"\x1c",
        b"\x81" * 100_000 + b"\x01", b"\xa1\x01" * 1000 + b"\x01", b"\xc1" * 100_000 + b"\x01", b"\x9f" * 100_000,
    ],
)  # fmt: skip
def test_invalid_or_too_deeply_nested_cbor_is_rejected(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_cbor(data)
    with pytest.raises(ApiError, match="not in the data acquisition format"):
        read_acquisition(data, "cbor")


def test_the_limit_of_nested_levels_is_exact() -> None:
    assert read_cbor(b"\x81" * MOST_CBOR_LEVELS + b"\x01") is not None
    with pytest.raises(ValueError, match="nesting depth"):
        read_cbor(b"\x81" * (MOST_CBOR_LEVELS + 1) + b"\x01")


@pytest.mark.parametrize("head", [b"\x9b", b"\xbb", b"\x5b", b"\x7b"], ids=["array", "map", "bytes", "text"])
def test_a_length_larger_than_the_file_allocates_no_memory(head: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match="end of stream"):
        read_cbor(head + (2**62).to_bytes(8, "big") + b"\x01")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_shared_references_are_not_resolved() -> None:
    cyclic = b"\xd8\x1c\x81\xd8\x1d\x00"  # an array, marked as shared, that contains a reference to itself
    assert read_cbor(cyclic) == [0]
    doubling = b"\x81\x01"
    for index in range(12):  # each array would contain the array before it twice
        doubling = b"\x82\xd8\x1c" + doubling + b"\xd8\x1d" + bytes([index])
    with pytest.raises(ApiError, match="not in the data acquisition format"):
        read_acquisition(cbor2.dumps(FILE).replace(cbor2.dumps(PAYLOAD["values"]), doubling), "cbor")


@pytest.mark.parametrize(
    ("tag", "content"),
    [(2, b"\xff" * 20), (5, [2**40, 3]), (30, [1, 0]), (35, "(a+)+$"), (36, "MIME"), (258, [[1]]), (4242, {"a": 1})],
)
def test_the_content_of_a_tagged_value_is_returned_and_the_tag_is_not_evaluated(tag: int, content: Any) -> None:
    assert cbor2.dumps(read_cbor(cbor2.dumps(cbor2.CBORTag(tag, content)))) == cbor2.dumps(content)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_random_bytes_are_read_or_rejected(data: bytes) -> None:
    for prefix in (b"", b"\xa1gpayload", cbor2.dumps(FILE)[:-30]):
        try:
            found = read_acquisition(prefix + data, "cbor")
        except ApiError:
            continue
        assert found.values.shape[1] == len(found.sensors) and np.isfinite(found.values).all()
