"""CSV time series: the documented format, what the CSV Wizard adds to it, and what is rejected with its line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.dataset import time_series
from ei_toolkit.dataset.time_series import SeriesOptions, TimeSeries, is_time_series, read_time_series
from ei_toolkit.errors import DataError
from ei_toolkit.studio.jobs.acquisition import read_acquisition

DOCUMENTED = """timestamp,accX,accY,accZ
0,4.2208,1.8800,-16.8922
16,4.4717,2.0017,-17.8870
32,4.3192,2.4953,-18.9261
"""
MULTI_LABEL = """seconds_elapsed, accX, accY, label

0.00, 0.1, -0.1, idle
0.16, 0.2, -0.2, idle
0.32, 0.3, -0.3, running
0.48, 0.4, -0.4, idle
"""


def series(folder: Path, text: str | bytes, **options: Any) -> TimeSeries:
    file = folder / "a.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_time_series(file, SeriesOptions(**options))


def test_the_documented_format(tmp_path: Path) -> None:
    found = series(tmp_path, DOCUMENTED)
    assert found.interval_ms == 16.0
    assert found.sensors == (("accX", "N/A"), ("accY", "N/A"), ("accZ", "N/A"))
    np.testing.assert_array_equal(found.values[:, 0], [4.2208, 4.4717, 4.3192])
    assert (found.labels, found.ranges, found.warnings) == ((), [], ())


def test_a_column_of_labels_labels_ranges(tmp_path: Path) -> None:
    found = series(tmp_path, MULTI_LABEL)
    assert found.interval_ms == pytest.approx(160)
    assert found.label == "idle, running"
    assert found.ranges == [
        {"startIndex": 0, "endIndex": 1, "label": "idle"},
        {"startIndex": 2, "endIndex": 2, "label": "running"},
        {"startIndex": 3, "endIndex": 3, "label": "idle"},
    ]


def test_a_column_with_one_label_labels_the_whole_recording(tmp_path: Path) -> None:
    found = series(tmp_path, "timestamp,x,Label\n0,1,on\n10,2,on\n")
    assert (found.label, found.ranges) == ("on", [])


@pytest.mark.parametrize(
    ("header", "rows", "interval_ms"),
    [
        ("timestamp", (0, 5, 10), 5.0), ("Timestamp", (0, 5, 10), 5.0), ("time_s", (0, 0.5, 1), 500.0),
        ("time (s)", (7, 8, 9), 1000.0), ("Time [us]", (0, 62, 125), 0.0625), ("t_ms", (1, 2, 3), 1.0),
        ("elapsed_ns", (0, 1_000_000, 2_000_000), 1.0), ("seconds_elapsed", (0, 0.02, 0.04), 20.0),
        ("timestamp", ("2024-05-01T12:00:00.000Z", "2024-05-01T12:00:00.050Z", "2024-05-01T12:00:00.100Z"), 50.0),
        ("date_time", ("2024-05-01 12:00:00", "2024-05-01 12:00:01", "2024-05-01 12:00:02"), 1000.0),
        ("timestamp", (1714564800000, 1714564800020, 1714564800040), 20.0),
    ],
)  # fmt: skip
def test_the_interval_is_that_of_the_timestamps(
    tmp_path: Path, header: str, rows: tuple[object, ...], interval_ms: float
) -> None:
    found = series(tmp_path, f"{header},x\n" + "".join(f"{row},1\n" for row in rows))
    assert found.interval_ms == pytest.approx(interval_ms)
    assert found.sensors == (("x", "N/A"),)


def test_the_unit_and_the_interval_can_be_given(tmp_path: Path) -> None:
    text = "time,x\n0,1\n1,2\n2,3\n"
    assert series(tmp_path, text, timestamp_unit="us").interval_ms == pytest.approx(1e-3)
    assert series(tmp_path, "x,y\n1,2\n3,4\n", interval_ms=20.0).interval_ms == 20.0
    assert series(tmp_path, DOCUMENTED, interval_ms=20.0).interval_ms == 20.0  # in place of the timestamps


def test_one_reading_needs_no_timestamp(tmp_path: Path) -> None:
    found = series(tmp_path, "accX,accY,accZ\n4.2,1.8,-16.8\n")
    assert found.values.tolist() == [[4.2, 1.8, -16.8]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    text = DOCUMENTED.replace(",", delimiter).replace("\n", newline)
    assert series(tmp_path, text.encode(encoding)).values.shape == (3, 3)


def test_a_decimal_comma_is_read_beside_another_delimiter(tmp_path: Path) -> None:
    assert series(tmp_path, 'timestamp;x\n0;"1,5"\n10;2,25\n').values.tolist() == [[1.5], [2.25]]


def test_units_in_the_header_are_those_of_the_sensor(tmp_path: Path) -> None:
    found = series(tmp_path, "timestamp,accX (m/s2),temp [°C]\n0,1,2\n10,1,2\n".encode("latin-1"))
    assert found.sensors == (("accX", "m/s2"), ("temp", "°C"))


def test_timestamps_that_vary_are_warned_of_and_rounded_ones_are_not(tmp_path: Path) -> None:
    varying = series(tmp_path, "timestamp,x\n0,1\n10,1\n24,1\n30,1\n")
    assert varying.warnings == ("the timestamps are 6 to 14 ms apart; 10 ms are used",)
    assert series(tmp_path, "timestamp,x\n0,1\n16,1\n33,1\n50,1\n").warnings == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a.csv: is empty"), ("timestamp,x\n", "a.csv: has no rows of values"),
        ("0,1\n1,2\n2,3\n", "a.csv: has no header"),
        ("timestamp,label\n0,a\n1,b\n", "a.csv: has no column of values (its columns are timestamp, label)"),
        ("timestamp,x\n0,1\n1\n", "a.csv: line 3: has 1 values, and the header names 2 columns"),
        ("timestamp,x\n0,1\n\n2,abc\n", "a.csv: line 4: the column x: 'abc' is not a number"),
        ("timestamp,x\n0,1\n1,\n", "a.csv: line 3: the column x: is empty"),
        ("timestamp,x\n0,nan\n1,2\n", "a.csv: line 2: the column x: 'nan' is not a number"),
        ("timestamp,x\n0,1e999\n1,2\n", "a.csv: line 2: the column x: '1e999' is too large"),
        ("x,y\n1,2\n3,4\n", "a.csv: has no timestamp column (its columns are x, y)"),
        ("timestamp,x\n5,1\n", "a.csv: one timestamp gives no interval"),
        ("time,x\n0,1\n1,2\n", "a.csv: the unit of the column time is not known"),
        ("timestamp,x\n0,1\nsoon,2\n", "a.csv: line 2: the timestamp '0' is neither a number nor a date"),
        ("timestamp,x\n0,1\n10,1\n5,1\n", "a.csv: line 4: the timestamp is 5 ms before that of the row above"),
        ("timestamp,x\n0,1\n0,1\n5,1\n", "a.csv: line 3: the timestamp is that of the row above"),
        (
            "timestamp,x\n0,1\n10,1\n20,1\n500,1\n",
            "a.csv: line 5: the timestamp is 480 ms after that of the row above, and 10 ms are usual",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_has_its_own_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        series(tmp_path, text)
    assert str(caught.value).startswith(reason)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_series, "LARGEST_CSV_BYTES", 20)
    with pytest.raises(DataError, match="is larger than"):
        series(tmp_path, DOCUMENTED)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: cannot be opened \(No such file"):
        read_time_series(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(DOCUMENTED, True), ("a,b\n1,2\n", True), ("filename,category\na.wav,dog\n", False), ("", False), ("a\n", False)],
)
def test_tables_that_may_describe_sounds_are_no_time_series(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert is_time_series(tmp_path / "a.csv") is expected


def test_the_acquisition_file_is_read_by_the_studio_and_always_the_same(tmp_path: Path) -> None:
    found = series(tmp_path, DOCUMENTED)
    content = found.acquisition_file()
    assert content == series(tmp_path, DOCUMENTED).acquisition_file()
    read = read_acquisition(content, "json")
    assert (read.interval_ms, [name for name, _ in read.sensors]) == (16.0, ["accX", "accY", "accZ"])
    np.testing.assert_allclose(read.values, found.values, rtol=1e-6)
    assert json.loads(content)["protected"]["alg"] == "none"


def test_a_file_takes_twice_its_size_of_memory_beside_its_content() -> None:
    rows = (f"{n * 10},{n % 97 / 8},{n % 89 / 7:.4f},walk {n // 2000}" for n in range(30_000))
    content = "\n".join(["timestamp,accX,accY,label", *rows]).encode()
    tracemalloc.start()
    found = time_series.parse_time_series("a.csv", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.values.shape, found.interval_ms, len(found.ranges)) == ((30_000, 2), 10.0, 15)
    assert peak < 2 * len(content)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_have_every_end_and_a_cell_may_have_several(tmp_path: Path, end: str) -> None:
    text = end.join(["timestamp,x,label", "0,1,a", "", "10,2,a", f'20,3,"b{end}c"', "30,oops,b"])
    with pytest.raises(DataError, match=r"line 7: the column x: 'oops' is not a number"):
        series(tmp_path, text)
    assert series(tmp_path, text.replace("oops", "4")).labels == ("a", "a", f"b{end}c", "b")
