"""Read randomly damaged files of six formats: no crash, no hang, and no sound lost without a word.

The files are read in another process, which is replaced where it ends or takes longer than LONGEST_S. What is lost is
what ffmpeg recovers of the original and eitk does not, where eitk neither refuses the file nor warns.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from audio_files import Floats, best_shift, by_ffmpeg, by_suffix, mutated, noise, recovered, written

from ei_toolkit.audio.decode import describe, read_clip
from ei_toolkit.audio.stream import TOLERATED_LOSS_S
from ei_toolkit.errors import DataError

FORMATS = ("wav", "aiff", "flac", "ogg", "opus", "mp3")
SECONDS = 3.0
LONGEST_S, ANSWER_S = 5.0, 60.0  # of the processor for one file; of the clock on a busy machine
SLACK_S = 0.03  # three blocks of the comparison: frames of lossy formats overlap


@dataclass(frozen=True)
class Original:
    """A file without damage and its samples."""

    suffix: str
    data: bytes
    rate: int
    samples: Floats


def original(suffix: str, folder: Path) -> Original:
    """Write and read the file whose copies are damaged."""
    path = folder / f"original.{suffix}"
    rate = 48_000 if suffix == "opus" else 16_000  # ffmpeg decodes every Opus at 48 kHz
    path.write_bytes(written(noise(SECONDS, rate), rate, **by_suffix(suffix)))
    return Original(suffix, path.read_bytes(), rate, read_clip(path, rate).astype(np.float64))


def outcome(file: Original, number: int, folder: Path) -> str:
    """Read the damaged copy of a number: refused, warned, same, no-worse, or lost with its seconds."""
    path = folder / f"mutated.{file.suffix}"
    path.write_bytes(mutated(file.data, np.random.default_rng([number, FORMATS.index(file.suffix)])))
    warnings: list[str] = []
    try:
        rate = describe(path).rate
        found = read_clip(path, rate, warn=warnings.append).astype(np.float64)
    except DataError:
        return "refused"
    if warnings:
        return "warned"
    whole = recovered(file.samples, file.samples, file.rate)
    own = recovered(file.samples, found, file.rate)
    if own >= whole - TOLERATED_LOSS_S and len(found) >= len(file.samples) - TOLERATED_LOSS_S * file.rate:
        return "same"
    theirs = by_ffmpeg(path)
    best = recovered(file.samples, theirs, file.rate)
    limit = TOLERATED_LOSS_S + SLACK_S
    if best - own > limit:  # decoders differ in how much silence they leave in front of a damaged file
        own = recovered(file.samples, found, file.rate, best_shift(file.samples, found))
    lost = max(best - own, (len(theirs) - len(found)) / file.rate)
    return f"lost {lost:.2f} s" if lost > limit else "no-worse"


def _work(connection: Connection, suffix: str) -> None:
    """Answer each number that arrives with the outcome of that file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = original(suffix, folder)
        connection.send("ready")
        while (number := connection.recv()) is not None:
            start = time.process_time()
            try:
                result = outcome(file, number, folder)
                connection.send("hang" if time.process_time() - start > LONGEST_S else result)
            except Exception:  # noqa: BLE001  any exception but DataError is what this program looks for
                connection.send("crash: " + traceback.format_exc().strip().rsplit("\n", 1)[-1])


class Worker:
    """A process that reads damaged copies of one file."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._start()

    def _start(self) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_work, args=(theirs, self._suffix), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.recv()

    def outcome(self, number: int) -> str:
        """Return the outcome of one file; a process that ends or hangs is replaced."""
        self._connection.send(number)
        try:
            if self._connection.poll(ANSWER_S):
                return str(self._connection.recv())
            result = "hang"
        except (EOFError, ConnectionError):
            result = "crash: the process ended"
        self._process.kill()
        self._process.join()
        self._start()
        return result

    def end(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.join()


def bad(outcomes: Iterator[tuple[int, str]], counts: Counter[str]) -> Iterator[str]:
    """Count outcomes and yield the bad ones with their number."""
    for number, one in outcomes:
        counts[one.split()[0].rstrip(":")] += 1
        if one.startswith(("lost", "crash", "hang")):
            yield f"{number}: {one}"


def main() -> None:
    """Read, print the counts of each format, and fail where something is bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="damaged files of each format")
    parser.add_argument("--first", type=int, default=0, help="number of the first file; a number is its seed")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = {}
    for suffix in args.formats.split(","):
        worker, counts = Worker(suffix), Counter[str]()
        numbers = range(args.first, args.first + args.count)
        found = list(bad(((number, worker.outcome(number)) for number in numbers), counts))
        worker.end()
        result[suffix] = {"files": args.count, **counts, "bad": found}
        if not args.json:
            print(suffix, dict(counts), *found[:20], sep="\n  ", flush=True)
    if args.json:
        print(json.dumps(result))
    sys.exit(any(one["bad"] for one in result.values()))


if __name__ == "__main__":
    main()
