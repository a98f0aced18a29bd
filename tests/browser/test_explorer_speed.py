"""The feature explorer with ten thousand windows."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from studio_pages import Project, Window
from trained_project import make_trained

from ei_toolkit.studio.store import Store

POINTS, LABELS, LONGEST_TASK_MS = 10_000, 10, 50.0
TASKS_MS = """async () => {
    const canvas = document.querySelector("canvas.scatter");
    const box = canvas.getBoundingClientRect();
    const durations = [];
    for (let i = 0; i < 60; i += 1) {  // a message is handled after the task that draws the frame
        canvas.dispatchEvent(new WheelEvent("wheel", {
            deltaY: i % 20 < 10 ? -1 : 1, clientX: box.left + box.width / 3, clientY: box.top + 200, cancelable: true,
        }));
        const before = await new Promise(requestAnimationFrame);
        const channel = new MessageChannel();
        const drawn = new Promise(done => { channel.port1.onmessage = () => done(performance.now()); });
        channel.port2.postMessage(null);
        durations.push(await drawn - before);
    }
    return durations;
}"""


def put_points(project: Project, sample: int) -> None:
    """Store a projection of ten thousand windows of one sample, with predictions."""
    places = np.random.default_rng(0).normal(size=(POINTS, 2)) + np.arange(POINTS)[:, None] % LABELS
    names = [f"label {number}" for number in range(LABELS)]
    document = {
        "impulse": 1, "labels": names, "points": places.round(4).tolist(),
        "windows": [[sample, 0.0, 500.0, number % LABELS, "training"] for number in range(POINTS)],
        "predicted": [names[number * 7 % LABELS] for number in range(POINTS)],
    }  # fmt: skip
    store = Store.open(project.studio.data)
    blob = store.blobs.put(json.dumps(document).encode())
    store.artifacts.put_result(project.id, "data-explorer", 0, blob)
    store.close()


@pytest.mark.exhaustive
def test_ten_thousand_points_are_drawn_without_a_long_task(window: Window, make_tone: Callable[..., bytes]) -> None:
    make_trained(window.project)
    [sample] = window.project.upload({"a.wav": make_tone(300, 0.6)})
    put_points(window.project, sample)
    page = window.open("dsp?colour=correctness")
    page.wait_for_selector("canvas.scatter")
    assert "10,000 windows" in page.inner_text("main")
    median, late = np.percentile(page.evaluate(TASKS_MS), [50, 95])
    print(f"task of a frame: {median:.1f} ms (median), {late:.1f} ms (95th percentile)")
    assert late < LONGEST_TASK_MS
