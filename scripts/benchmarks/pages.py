"""The data page of the studio in Chromium with many samples: first rows, filters, scrolling, memory, first load.

Then the feature explorer with ten thousand points. The samples are those of `growth`. The limits of LIMITS are for
100,000 samples on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import requests
from growth import GENRES, RATE, WINDOWS, fill
from playwright.sync_api import sync_playwright

from ei_toolkit.config import ProjectPaths
from ei_toolkit.studio.lifecycle import ensure, find_server, sign_in_url, stop
from ei_toolkit.studio.options import RunningServer
from ei_toolkit.studio.store import Store

LIMITS = {
    "first load, kB compressed": 250.0,
    "interactive, ms": 1000.0,
    "first rows, ms": 1000.0,
    "filter: label, ms": 500.0,
    "filter: split, ms": 500.0,
    "filter: name, ms": 500.0,
    "filter: artist, ms": 500.0,
    "longest task while scrolling, processor time in ms": 50.0,
    "processor time of a frame while scrolling, ms": 16.7,
    "memory that scrolling adds, MB": 5.0,
    "longest task while zooming the explorer, processor time in ms": 50.0,
}
REPEATS = 5
SCROLL_STEPS = 200  # of 700 px each, one in a frame
SCROLLS = 4
OBSERVE = """() => { window.tasks = [];
    new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration)))
        .observe({type: "longtask"}); }"""
SCROLL = """steps => new Promise(resolve => {
    const grid = document.querySelector("[role=grid]"), frames = [];
    let last = performance.now();
    const next = now => {
        frames.push(now - last);
        last = now;
        grid.scrollTop += 700;
        if (frames.length < steps) requestAnimationFrame(next); else resolve(frames.slice(1));
    };
    requestAnimationFrame(next);
})"""
ZOOM = """async steps => {
    const canvas = document.querySelector("canvas.scatter"), box = canvas.getBoundingClientRect();
    for (let i = 0; i < steps; i += 1) {
        const at = {clientX: box.left + box.width / 3, clientY: box.top + 200};
        canvas.dispatchEvent(new WheelEvent("wheel", {deltaY: i % 20 < 10 ? -1 : 1, cancelable: true, ...at}));
        await new Promise(requestAnimationFrame);
    }
}"""
ZOOM_STEPS = 120
FILTERS = {
    "label": ("label=rock", "rock."), "split": ("testing", "testing"),
    "name": ("name=.000042.", ".000042."), "artist": ("artist=artist+1", "classical."),
}  # fmt: skip


def main() -> int:
    """Measure, print a table, and return 1 if a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.samples)
    print(json.dumps(found) if options.json else table(found))
    return 1 if any(found[name] > limit for name, limit in LIMITS.items()) else 0


def measure(count: int) -> dict[str, float]:
    """Return the figures by name."""
    with tempfile.TemporaryDirectory() as folder:
        paths = ProjectPaths(Path(folder))
        studio = ensure(paths, "Pages")
        stop(paths.studio)
        fill(paths.studio, count)
        add_points(paths.studio)
        studio = ensure(paths, "Pages")
        running = find_server(paths.studio)
        assert isinstance(running, RunningServer)
        try:
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"),
                    args=["--no-sandbox", "--enable-precise-memory-info"],
                )
                add_impulse(running, studio.key)
                return measure_page(chromium, running, studio.key)
        finally:
            stop(paths.studio)


def add_points(data: Path) -> None:
    """Store a projection of ten thousand windows."""
    places = np.random.default_rng(0).normal(size=(WINDOWS, 2)) + np.arange(WINDOWS)[:, None] % len(GENRES)
    document = {
        "impulse": 1, "labels": list(GENRES), "points": places.round(4).tolist(),
        "windows": [[n % 1000 + 1, 0.0, 3000.0, n % len(GENRES), "training"] for n in range(WINDOWS)],
    }  # fmt: skip
    store = Store.open(data)
    store.artifacts.put_result(1, "data-explorer", 0, store.blobs.put(json.dumps(document).encode()))
    store.close()


def add_impulse(running: RunningServer, key: str) -> None:
    """Add the impulse without which the page of the explorer has nothing to show."""
    window = {"windowSizeMs": 3000, "windowIncreaseMs": 3000, "frequencyHz": RATE, "padZeros": True}
    impulse = {
        "inputBlocks": [{"id": 1, "type": "time-series", **window}],
        "dspBlocks": [{"id": 2, "type": "mfe", "axes": ["audio"], "implementationVersion": 4}],
        "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
    }
    answer = requests.post(f"{running.api_url}/api/1/impulse", json=impulse, headers={"x-api-key": key}, timeout=60)
    assert answer.json()["success"], answer.text


def measure_page(chromium: Any, running: RunningServer, key: str) -> dict[str, float]:
    """Measure one page after the other in one window."""
    page = chromium.new_context(viewport={"width": 1200, "height": 900}).new_page()
    client = page.context.new_cdp_session(page)
    received: list[int] = []
    client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    client.send("Network.enable")
    client.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(sign_in_url(running, key))
    page.wait_for_selector(".body .cells .name")
    page.wait_for_load_state("networkidle")
    found = {"first load, kB compressed": round(sum(received) / 1000, 1)}
    base = page.url
    loads = [(*first_rows(page, base), processor_ms(client)) for _ in range(REPEATS)]
    found["first rows, processor time in ms"] = round(statistics.median(one[2] for one in loads), 1)
    found["interactive, ms"] = round(statistics.median(one[0] for one in loads), 1)
    found["first rows, ms"] = round(statistics.median(one[1] for one in loads), 1)
    for name, (query, text) in FILTERS.items():
        times = [filtered(page, base, query, text) for _ in range(REPEATS)]
        found[f"filter: {name}, ms"] = round(statistics.median(times), 1)
    first_rows(page, base)
    page.evaluate(OBSERVE)
    before = heap(client)
    used_ms, frames, longest = processor_ms(client), [], []
    for _ in range(SCROLLS):
        frames += page.evaluate(SCROLL, SCROLL_STEPS)
        longest.append(page.evaluate("Math.max(0, ...window.tasks.splice(0))"))
    used_ms = processor_ms(client) - used_ms
    page.wait_for_timeout(500)
    found["processor time of a frame while scrolling, ms"] = round(used_ms / len(frames), 2)
    found["frame while scrolling, median ms"] = round(statistics.median(frames), 1)
    found["frame while scrolling, 99th percentile ms"] = round(sorted(frames)[int(0.99 * len(frames))], 1)
    found["longest task while scrolling, ms"] = round(min(longest), 1)  # other programs make tasks longer
    found["rows scrolled"] = round(page.evaluate("document.querySelector('[role=grid]').scrollTop") / 34)
    page.evaluate("document.querySelector('[role=grid]').scrollTop = 0")
    found["longest task while scrolling, processor time in ms"] = longest_task_ms(chromium, page, SCROLL, SCROLL_STEPS)
    found["memory of the page, MB"] = round(before / 1e6, 1)
    found["memory that scrolling adds, MB"] = round((heap(client) - before) / 1e6, 1)
    page.goto(base.replace("/acquisition", "/dsp"))
    page.wait_for_selector("canvas.scatter")
    page.wait_for_load_state("networkidle")
    used_ms = processor_ms(client)
    page.evaluate(ZOOM, ZOOM_STEPS)
    found["processor time of a frame of the explorer, ms"] = round((processor_ms(client) - used_ms) / ZOOM_STEPS, 2)
    zooming = longest_task_ms(chromium, page, ZOOM, ZOOM_STEPS)
    found["longest task while zooming the explorer, processor time in ms"] = zooming
    return found


def first_rows(page: Any, address: str) -> tuple[float, float]:
    """Load the page; return the time until its form is shown and until its first rows are, ms."""
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".filters")
    form = time.perf_counter()
    page.wait_for_selector(".body .cells .name")
    return 1000 * (form - start), 1000 * (time.perf_counter() - start)


def filtered(page: Any, base: str, query: str, text: str) -> float:
    """Go from the whole table to a filter as a link does; return the time until its rows are shown, ms."""
    first_rows(page, base)
    page.wait_for_load_state("networkidle")
    address = f"{base}/{query}" if "=" not in query else f"{base}?{query}"
    return float(
        page.evaluate(
            """([address, text]) => new Promise(resolve => {
                const link = document.createElement("a"), start = performance.now();
                link.href = address;
                document.querySelector("main").append(link);
                link.click();
                const look = () => {
                    const names = [...document.querySelectorAll(".body .cells")].map(one => one.textContent);
                    const done = names.length && names.every(one => one.includes(text));
                    const spent = performance.now() - start;
                    if (done || spent > 30_000) resolve(spent); else requestAnimationFrame(look);
                };
                look();
            })""",
            [address.replace(page.evaluate("location.origin"), ""), text],
        )
    )


def longest_task_ms(chromium: Any, page: Any, action: str, steps: int) -> float:
    """Carry out an action; return the processor time of the longest task of the page's main thread meanwhile."""
    chromium.start_tracing(page=page, categories=["toplevel", "__metadata"])
    page.evaluate(action, steps)
    events = json.loads(chromium.stop_tracing())["traceEvents"]
    main = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [one["tdur"] / 1000 for one in events if (one["pid"], one["tid"]) in main and "tdur" in one]
    return float(round(max(tasks), 1))


def processor_ms(client: Any) -> float:
    """Return the processor time of the page's main thread since it was loaded; other programs do not change it."""
    metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(metrics["TaskDuration"])


def heap(client: Any) -> float:
    """Return the bytes of the objects of the page after a garbage collection."""
    client.send("HeapProfiler.collectGarbage")
    return float(client.send("Runtime.getHeapUsage")["usedSize"])


def table(found: dict[str, float]) -> str:
    """Return a Markdown table."""
    rows = [f"| {name} | {value:g} | {LIMITS.get(name, ''):} |" for name, value in found.items()]
    return "\n".join(["| figure | measured | limit |", "|---|---|---|", *rows])


if __name__ == "__main__":
    sys.exit(main())
