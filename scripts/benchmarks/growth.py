"""The local studio with 1,000 to 1,000,000 samples: how long requests and a start take, and how much memory.

On a busy machine the processor time of the studio is a better measure than the time of a request; both are printed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import requests

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, stop
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.samples import NewSample

RATE, SECONDS = 16_000, 3
PER_PACK = 50  # recordings of one request
PER_CLIP, PER_ARTIST = 19, 190  # windows of 3 s with a hop of 1.5 s in a clip of 30 s; ten clips of an artist
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
TESTING_PART = 5  # every fifth artist
CHANGED = 1_000  # samples that are moved, relabelled and deleted at once
SIZE = len(wav_bytes(np.zeros(RATE * SECONDS, np.int16), RATE))
INSERTED_AT_ONCE = 10_000
REPEATS = 15
WINDOWS = 10_000  # in the feature explorer, whose answer has a point for each
Requests = dict[str, Callable[[int], Any]]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--folder", type=Path, help="keep data folders here, and measure those that exist already")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {count: measure(count, options.repeats, options.folder) for count in options.samples}
    print(json.dumps(found) if options.json else table(found))


def measure(count: int, repeats: int, keep: Path | None) -> dict[str, list[float]]:
    """Return median, 99th percentile and processor time in ms, or one value, by what was measured in a studio."""
    with tempfile.TemporaryDirectory() as temporary:
        paths = ProjectPaths(keep / str(count) if keep else Path(temporary))
        found: dict[str, list[float]] = {}
        if not paths.studio.exists():
            ensure(paths, "Growth")
            stop(paths.studio)
            start = time.perf_counter()
            fill(paths.studio, count)
            found["insert, samples/s"] = [round(count / (time.perf_counter() - start))]
        start = time.perf_counter()
        ensure(paths, "Growth")
        found["first start, s"] = [round(time.perf_counter() - start, 2)]
        stop(paths.studio)
        start = time.perf_counter()
        studio = ensure(paths, "Growth")
        found["start, s"] = [round(time.perf_counter() - start, 2)]
        try:
            for name, request in requests_of(studio, count).items():
                found[name] = timed(studio, request, repeats)
            found["memory, MB"] = [round(sum(largest_mb(pid) for pid in processes(studio)), 1)]
        finally:
            stop(paths.studio)
        found["database, MB"] = [round((paths.studio / "studio.sqlite").stat().st_size / 1e6, 1)]
    print(f"{count} samples measured", file=sys.stderr)
    return found


def fill(data: Path, count: int) -> None:
    """Add samples as `eitk upload` does; the recordings are not written, but their packs have the right size."""
    store = Store.open(data)
    samples = new_samples(count)
    while batch := list(islice(samples, INSERTED_AT_ONCE)):
        store.samples.add(1, batch)
        for sample in batch[::PER_PACK]:
            with store.packs.path(sample.pack or "").open("wb") as file:
                file.truncate(SIZE * PER_PACK)
    add_features(store)
    store.close()


def new_samples(count: int) -> Iterator[NewSample]:
    """Yield windows of music with the names and metadata that `eitk slice` gives them."""
    for n in range(count):
        digest = hashlib.sha256(n.to_bytes(8)).hexdigest()
        clip, genre, artist = n // PER_CLIP, GENRES[n // PER_ARTIST % len(GENRES)], n // PER_ARTIST
        start_ms = n % PER_CLIP * 1500
        yield NewSample(
            category="testing" if artist % TESTING_PART == 0 else "training",
            filename=f"{genre}.{clip:06d}.{start_ms}.{digest[:12]}", suffix=".wav", label=genre, label_type="label",
            sha256=digest, format="wav", interval_ms=1000 / RATE, sensors=(("audio", "wav"),),
            values_count=RATE * SECONDS,
            metadata={
                "artist": f"artist {artist}", "clip": f"{genre}/{genre}.{clip:06d}.wav", "start_ms": str(start_ms),
                "clip_sha256": hashlib.sha256(f"clip {clip}".encode()).hexdigest(),
            },
            pack=f"{n // PER_PACK:016x}", start=n % PER_PACK * SIZE, size=SIZE,
        )  # fmt: skip


def add_features(store: Store) -> None:
    """Store features of windows of the first training samples, for the feature explorer."""
    chosen = "SELECT id FROM samples WHERE category = 'training' LIMIT ?"
    ids = [row[0] for row in store.database.all(chosen, (WINDOWS,))]
    digests = []
    for array in (np.zeros((len(ids), 40), np.float32), np.array([(1, id_, 0, 3000) for id_ in ids], np.int32)):
        stream = io.BytesIO()
        np.save(stream, array)
        digests.append(store.blobs.put(stream.getvalue()))
    summary = json.dumps({"labels": list(GENRES), "windowCount": len(ids), "featureCount": 40})
    store.database.run(
        "INSERT INTO features (project, block, category, x, y, summary, created)"
        " VALUES (1, 2, 'training', ?, ?, ?, '')",
        (*digests, summary),
    )


def requests_of(studio: LocalStudio, count: int) -> Requests:
    """Return what browsers and clients ask; each takes the number of the repetition."""
    session = requests.Session()
    session.headers["x-api-key"] = studio.key
    base = f"{studio.api_url}/api/1"

    def ask(method: str, path: str, **arguments: Any) -> Any:
        response = session.request(method, base + path, timeout=600, **arguments)
        document = response.json()
        assert document["success"], document
        return document

    def page(query: str) -> Callable[[int], Any]:
        return lambda _: ask("GET", f"/raw-data?limit=50&{query}")

    def fetched(path: str) -> Callable[[int], Any]:
        return lambda _: ask("GET", path)

    def post(path: str, **fields: str) -> Any:
        return ask("POST", path, json=fields)

    deleted = min(CHANGED, count // 20)
    impulse = {
        "inputBlocks": [{"id": 1, "type": "time-series", "name": "Time", "title": "Time", "windowSizeMs": 3000,
                         "windowIncreaseMs": 1500, "frequencyHz": RATE, "padZeros": True}],
        "dspBlocks": [{"id": 2, "type": "mfe", "name": "MFE", "title": "MFE", "axes": ["audio"], "input": 1,
                       "implementationVersion": 4}],
        "learnBlocks": [{"id": 3, "type": "keras", "name": "NN", "title": "NN", "dsp": [2]}],
    }  # fmt: skip
    ask("POST", "/impulse", json=impulse)
    uploaded = upload(studio, "one.wav", 12_345)
    in_training = ask("GET", "/raw-data/count?category=training")["count"]
    axes = "featureAx1=0&featureAx2=1&featureAx3=2"
    smallest, largest = (
        int(ask("GET", f"/raw-data?category=all&limit=1&sortBy=id-{order}")["samples"][0]["id"])
        for order in ("asc", "desc")
    )
    rock = 'category=training&labels=["rock"]'
    of_label = ask("GET", f"/raw-data/count?{rock}")["count"]
    some = quote('[{"key": "artist", "op": "eq", "values": ["artist 1"]}]')

    def ids(repetition: int) -> str:
        """Neighbouring ids, others in each repetition, as somebody selects them in a list."""
        first = smallest + repetition * CHANGED % max(1, largest - smallest - CHANGED)
        return f"minId={first}&maxId={first + CHANGED}"

    return {
        "list, category, first page": page("category=training"),
        "list, category, middle page": page(f"category=training&offset={in_training // 2}"),
        "list, category, last page": page(f"category=training&offset={max(0, in_training - 50)}"),
        "list, all, first page": page("category=all"),
        "list, all, middle page": page(f"category=all&offset={count // 2}"),
        "list, all, last page": page(f"category=all&offset={max(0, count - 50)}"),
        "list, label, first page": page(rock),
        "list, label, last page": page(f"{rock}&offset={max(0, of_label - 50)}"),
        "list by label, last page": page(f"category=training&sortBy=label-asc&offset={max(0, in_training - 50)}"),
        "list by file name, middle page": page(f"category=training&sortBy=filename-asc&offset={in_training // 2}"),
        "list by length, last page": page(f"category=all&sortBy=length-desc&offset={max(0, count - 50)}"),
        "list, enabled only": page("category=training&includeDisabled=enabled"),
        "list, one artist (metadata)": page(f"category=all&metadata={some}"),
        "search, one clip": page("category=all&search=.000042."),
        "search, many (rock)": page("category=all&search=rock"),
        "search, two letters": page("category=all&search=ro"),
        "search, none": page("category=all&search=zzzz"),
        "file name, one clip": page("category=training&filename=.000042."),
        "file name, many (rock)": page("category=training&filename=rock"),
        "count, category": fetched("/raw-data/count?category=training"),
        "count, search": fetched("/raw-data/count?category=all&search=.000042."),
        "filter options, category": fetched("/raw-data/metadata-filter-options?category=training&limit=20"),
        "metadata of a category": fetched("/raw-data/metadata?category=testing"),
        "one sample": fetched(f"/raw-data/{uploaded}?limitPayloadValues=1000"),
        "project": fetched(""),
        "data summary": fetched("/data-summary"),
        "axes": fetched("/data-axes"),
        "interval": fetched("/data-interval"),
        "processing block": fetched("/dsp/2"),
        "feature explorer, 10,000 windows": fetched(f"/dsp/2/features/get-graph/training?{axes}"),
        "upload of one file": lambda repetition: upload(studio, "more.wav", 20_000 + repetition),
        "label of one sample": lambda n: post(f"/raw-data/{largest - n}/edit-label", label=f"new {n}"),
        f"move {CHANGED:,}": lambda n: post(f"/raw-data/batch/moveSamples?{ids(n)}", newCategory="validation"),
        f"relabel {CHANGED:,}": lambda n: post(f"/raw-data/batch/edit-labels?{ids(n)}", label=f"label {n}"),
        "delete 1,000 (of 1,000: 50)": lambda n: post(f"/raw-data/batch/delete?maxId={smallest + (n + 1) * deleted}"),
    }  # fmt: skip


def upload(studio: LocalStudio, name: str, seed: int) -> int:
    """Upload one file of 3 s; return its id."""
    values = np.random.default_rng(seed).integers(-3000, 3000, RATE * SECONDS).astype(np.int16)
    files = [("data", (name, wav_bytes(values, RATE), "audio/wav"))]
    headers = {"x-api-key": studio.key, "x-label": "rock"}
    answer = requests.post(f"{studio.ingestion_url}/api/testing/files", files=files, headers=headers, timeout=300)
    return int(answer.json()["files"][0]["sampleId"])


def timed(studio: LocalStudio, request: Callable[[int], Any], repeats: int) -> list[float]:
    """Return median, 99th percentile and mean processor time, ms; a slow request is repeated less often."""
    times: list[float] = []
    used_ms = processor_ms(studio)
    while len(times) < repeats and (len(times) < 3 or sum(times) < 20.0):
        start = time.perf_counter()
        request(len(times))
        times.append(1000 * (time.perf_counter() - start))
    used_ms = (processor_ms(studio) - used_ms) / len(times)
    return [round(value, 1) for value in (statistics.median(times), float(np.quantile(times, 0.99)), used_ms)]


def processes(studio: LocalStudio) -> list[int]:
    """Return the server and its compute worker."""
    found = subprocess.run(["pgrep", "-P", str(studio.pid)], capture_output=True, text=True, check=False)
    return [studio.pid, *map(int, found.stdout.split())]


def processor_ms(studio: LocalStudio) -> float:
    """Return the processor time that the studio has used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes(studio)]
    return 1000 / os.sysconf("SC_CLK_TCK") * sum(int(field[11]) + int(field[12]) for field in fields)


def largest_mb(pid: int) -> float:
    """Return the largest resident size that a process has had, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def table(found: dict[int, dict[str, list[float]]]) -> str:
    """Return a Markdown table: a row for each request, a column for each number of samples."""
    counts = list(found)
    rows = [f"| median / 99th percentile (processor time), ms | {' | '.join(f'{count:,}' for count in counts)} |"]
    rows.append("|---|" + "---|" * len(counts))
    for name in found[counts[0]]:
        cells = [cell(found[count].get(name, [])) for count in counts]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def cell(values: list[float]) -> str:
    """Return the text of one value, or of a median, a percentile and a processor time."""
    return f"{values[0]:g} / {values[1]:g} ({values[2]:g})" if len(values) > 1 else " ".join(map(str, values))


if __name__ == "__main__":
    main()
