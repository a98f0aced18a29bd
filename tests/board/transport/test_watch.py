"""`eitk tail`: reconnects after unplugging, reads at full speed, writes log files, and starts AT firmware."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.protocol.events import Info, Prediction, Unknown, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.watch import follow, until, usb_source
from ei_toolkit.report.event_sinks import csv_rows, rate_limited
from ei_toolkit.report.tail_view import View

Simulate = Callable[..., Any]
LINE = (
    '{"eitk":1,"seq":SEQ,"end":48000,"ms":3008,"model":"0123456789ab","level_dbfs":-20.81,'
    '"scores":{"classical":0.00000,"rock":0.99609},"q":[-128,127],"winner":"rock","led":"red",'
    '"dsp_us":45355,"nn_us":2,"overruns":0}'
)
ROCK = Prediction({"classical": 0.25, "rock": 0.75}, "rock", "eitk", end=48000, dsp_us=9000, nn_us=1000)


def test_it_reconnects_when_the_board_has_another_port_name(simulate: Simulate) -> None:
    bench = simulate("--line", LINE, "--rate", "50", "--unplug-every", "1", "--late", "0.3")
    source = usb_source(bench.ports()[0], bench.ports)
    lost: list[float] = []
    back: list[float] = []
    for event in follow(source, Parser(), seconds=6):
        if isinstance(event, Warning):
            lost.append(time.monotonic())
        elif isinstance(event, Prediction) and len(back) < len(lost):
            back.append(time.monotonic())
        assert not isinstance(event, Unknown), event
    assert len(back) >= 2
    assert all(after - before < 2 for before, after in zip(lost, back, strict=False))


def test_a_thousand_lines_a_second_take_less_than_half_of_a_core(simulate: Simulate) -> None:
    bench = simulate("--line", LINE, "--rate", "1000")
    arguments = ["tail", "--board", "nano33ble", "--port", bench.ports()[0].device, "--json", "--for"]

    def cpu_of(seconds: int) -> tuple[float, int]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "ei_toolkit", *arguments, f"{seconds}s"]
        done = subprocess.run(command, capture_output=True, check=True, cwd=bench.folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, done.stdout.count(b'"prediction"')

    idle, few = cpu_of(1)
    busy, many = cpu_of(5)
    assert many - few > 500
    # Seconds for each line; 0.22 ms were seen beside other work.
    assert (busy - idle) / (many - few) < 0.5 / 1000


def test_the_impulse_of_at_firmware_is_started(simulate: Simulate) -> None:
    block = (
        "Timing: DSP 30 ms, inference 205 ms, anomaly 0 ms\n#Classification predictions:\n  a: 0.250000\n  b: 0.750000"
    )
    bench = simulate("--at", "--line", block, "--rate", "5")
    source = usb_source(bench.ports()[0], bench.ports)
    seen = list(until(follow(source, Parser(), seconds=15), 2))
    assert Info("AT firmware: its impulse was started") in seen
    assert [event.winner for event in seen if isinstance(event, Prediction)] == ["b", "b"]


def test_the_suffix_of_a_log_selects_its_format(simulate: Simulate, project: Any) -> None:
    bench = simulate("--line", LINE, "--rate", "50")
    port = bench.ports()[0].device
    for name in ("log.csv", "log.jsonl", "log.log"):
        assert project.eitk("tail", "--board", "nano33ble", "--port", port, "--count", "3", "--log", name) == 0
    rows = list(csv.DictReader(io.StringIO((project.root / "log.csv").read_text())))
    assert [row["winner"] for row in rows] == ["rock"] * 3
    assert json.loads(rows[0]["scores"]) == {"classical": 0.0, "rock": 0.99609}
    lines = [json.loads(line) for line in (project.root / "log.jsonl").read_text().splitlines()]
    assert sum(line["event"] == "prediction" for line in lines) == 3
    assert "rock 0.996" in (project.root / "log.log").read_text()
    assert project.eitk("tail", "--board", "nano33ble", "--port", port, "--log", "log.xyz") == 2


def test_a_rate_limit_does_not_apply_to_warnings() -> None:
    now, seen = [0.0], []
    sink = rate_limited(seen.append, 1.0, lambda: now[0])
    for at in (0.0, 0.4, 0.9, 1.0, 1.5):
        now[0] = at
        sink(ROCK)
        sink(Warning("overrun"))
    assert seen.count(ROCK) == 2
    assert seen.count(Warning("overrun")) == 5


def test_csv_contains_predictions_only() -> None:
    stream = io.StringIO()
    sink = csv_rows(stream)
    for event in (Info("hello"), ROCK, Unknown("?")):
        sink(event)
    assert len(list(csv.DictReader(io.StringIO(stream.getvalue())))) == 1


@pytest.mark.parametrize("event", [None, ROCK, Warning("ERR: PDM buffer overrun")])
def test_the_view_is_drawn_after_each_kind_of_event(event: Any) -> None:
    from rich.console import Console

    view = View("emulated", {"rock": "red", "classical": "green"})
    if event is not None:
        view.add(ROCK)
        view.add(event)
    console = Console(file=io.StringIO(), width=80)
    console.print(view.render())
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("waiting" in drawn) == (event is None)
    if event is not None:
        assert "rock" in drawn and "0.750" in drawn and "(features 9.0 + network 1.0) emulated" in drawn


def test_a_log_in_a_folder_that_does_not_exist_is_rejected(project: Any, simulate: Simulate) -> None:
    bench = simulate("--line", LINE)
    port = bench.ports()[0].device
    missing = str(Path("no") / "such" / "folder.csv")
    assert project.eitk("tail", "--board", "nano33ble", "--port", port, "--count", "1", "--log", missing) == 2
