"""Large data acquisition files are read in parts: the same values and errors as of small ones, in bounded memory."""

from __future__ import annotations

import hmac
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import pytest

from ei_toolkit.audio import acquisition_parts
from ei_toolkit.audio.acquisition import Acquisition, inspect_acquisition, read_acquisition
from ei_toolkit.errors import DataError

TWO = [{"name": "accX", "units": "g"}, {"name": "accY"}]
KEY = "0123456789abcdef"


def document(values: Any, sensors: Any = TWO, **payload: Any) -> dict[str, Any]:
    """A data acquisition file with these values."""
    own = {"device_name": "d", "device_type": "D", "interval_ms": 10, "sensors": sensors, "values": values, **payload}
    return {"protected": {"ver": "v1", "alg": "HS256"}, "signature": "0" * 64, "payload": own}


def last_first(found: dict[str, Any]) -> dict[str, Any]:
    """The same file with its members in the opposite order: the values before what describes them."""
    return {name: last_first(value) if isinstance(value, dict) else value for name, value in [*found.items()][::-1]}


def text(found: Any) -> bytes:
    return json.dumps(found).encode()


WRITERS: dict[str, Callable[[Any], bytes]] = {"json": text, "cbor": cbor2.dumps}
ROWS = [[index / 7, -index] for index in range(500)]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every file over 300 bytes in parts."""
    monkeypatch.setattr(acquisition_parts, "LARGEST_AT_ONCE", 300)
    monkeypatch.setattr(acquisition_parts, "LARGEST_ROW", 1200)
    monkeypatch.setattr(acquisition_parts, "ROWS_AT_ONCE", 64)


def same(one: Acquisition, other: Acquisition) -> bool:
    return np.array_equal(one.values, other.values) and vars(one).keys() == vars(other).keys() and all(
        getattr(one, name) == getattr(other, name) for name in vars(one) if name != "values"
    )  # fmt: skip


@pytest.mark.parametrize("form", ["json", "cbor"])
@pytest.mark.parametrize("order", [dict, last_first])
@pytest.mark.parametrize(
    ("values", "sensors"),
    [
        (ROWS, TWO),
        ([row[0] for row in ROWS], TWO[:1]),
        ([row[:1] for row in ROWS], TWO[:1]),
        ([[True, "1.5"]] * 99, TWO),
    ],
)
def test_a_file_in_parts_has_the_values_of_the_whole(
    form: str, order: Any, values: Any, sensors: Any, request: pytest.FixtureRequest
) -> None:
    data = WRITERS[form](order(document(values, sensors)))
    whole = read_acquisition(data, form)
    request.getfixturevalue("in_parts")
    assert same(read_acquisition(data, form), whole) and len(whole.values) == len(values)
    assert inspect_acquisition(data, form).count == len(values)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_json_in_parts_may_have_every_encoding_and_layout(in_parts: None, encoding: str) -> None:
    spaced = json.dumps(document(ROWS), indent=2).replace("],", "]  ,\r\n")
    assert same(read_acquisition(spaced.encode(encoding), "json"), read_acquisition(text(document(ROWS)), "json"))


def test_cbor_in_parts_may_have_tags_and_indefinite_lengths(in_parts: None) -> None:
    rows = b"\x9f" + b"".join(cbor2.dumps(row) for row in ROWS) + b"\xff"
    payload = b"\xbf" + b"".join(
        cbor2.dumps(name) + (rows if name == "values" else cbor2.dumps(value))
        for name, value in document(None)["payload"].items()
    ) + b"\xff"  # fmt: skip
    data = b"\xd9\xd9\xf7\xa2" + cbor2.dumps("payload") + payload + cbor2.dumps("more") + cbor2.dumps({"x": [1]})
    assert np.array_equal(read_acquisition(data, "cbor").values, np.asarray(ROWS, np.float32))


FAULTS: dict[str, tuple[Any, str]] = {
    "a row is short": ([*ROWS, [1]], r"values\[500\] has 1 numbers, and there are 2 sensors"),
    "null": ([*ROWS[:99], [1, None], *ROWS], r"values\[99\] of the sensor accY is null, not a number"),
    "text": ([*ROWS, [1, "x"]], r"values\[500\] of the sensor accY is text, not a number"),
    "large": ([*ROWS, [1e39, 0]], r"values\[500\] of the sensor accX is 1e\+39, which is too large"),
    "number": ([*ROWS, 7], r"values\[500\] is a number, not a list"),
    "empty": ([], "values is empty"),
    "object": ({"a": 1}, "values is an object, not a list"),
    "null values": (None, "values is null"),
}


@pytest.mark.parametrize("form", ["json", "cbor"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_file_in_parts_has_its_index_in_the_whole(in_parts: None, form: str, name: str) -> None:
    values, message = FAULTS[name]
    data = WRITERS[form](document(values, device_name="d" * 250))
    with pytest.raises(DataError, match=message):
        read_acquisition(data, form)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (text(document(ROWS))[:-3], "it is no valid JSON"),
        (text([document(ROWS)]), "it is a list, not an object"),
        (text({**document(ROWS), "payload": [ROWS]}), "payload has more than 300 bytes"),
        (text({"protected": ["x" * 400]}), "protected has more than 300 bytes"),
        (text({"none": "x" * 400}), "payload is missing"),
        (text(document(ROWS, [{"name": "x" * 400}])), "sensors has more than 300 bytes"),
        (text(document([[1] * 2000, [1, 2]])), "a row of values has more than 1200 bytes"),
        (text(document([[[1], [2]]] * 99)), "values is no table of numbers|numbers"),
        (b'{"payload":' + b"[" * 100_000, "nested too deeply"),
        (cbor2.dumps(document(ROWS))[:-3], "it is no valid CBOR"),
        (cbor2.dumps([document(ROWS)]), "it is no valid CBOR: an item has more than 300 bytes"),
        (b"\xa1" + cbor2.dumps("payload") + b"\x81" * 400 + b"\x01", "it is no valid CBOR"),
        (b"\xbb" + b"\x7f" * 400, "it is no valid CBOR"),
        (cbor2.dumps(document([[[]] * 400, [1, 2]])), "it is no valid CBOR: an item has more than 300 bytes"),
        (cbor2.dumps({"more": [[]] * 400, **document(ROWS)}), "it is no valid CBOR: an item has more than 300 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_in_parts_is_an_error(in_parts: None, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_acquisition(data, "json" if data.startswith((b"{", b"[")) else "cbor")


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_signature_of_a_large_file_is_checked_without_a_copy(in_parts: None, form: str) -> None:
    unsigned = WRITERS[form](document(ROWS))
    signature = hmac.new(KEY.encode(), unsigned, "sha256").hexdigest()
    signed = unsigned.replace(b"0" * 64, signature.encode(), 1)
    assert read_acquisition(signed, form, KEY).signature_valid
    assert not read_acquisition(unsigned, form, KEY).signature_valid
    assert not read_acquisition(signed, form, KEY[::-1]).signature_valid


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_file_is_checked_in_the_memory_of_twice_its_size(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquisition_parts, "LARGEST_AT_ONCE", 2**11)
    monkeypatch.setattr(acquisition_parts, "ROWS_AT_ONCE", 128)
    data = WRITERS[form](document([[index % 9, 1] for index in range(10_000)]))
    tracemalloc.start()
    inspect_acquisition(data, form)
    assert tracemalloc.get_traced_memory()[1] < 2 * len(data)
    tracemalloc.reset_peak()
    size = read_acquisition(data, form).values.nbytes
    assert tracemalloc.get_traced_memory()[1] < 2 * len(data) + 1.25 * size
    tracemalloc.stop()
