"""Write the demo clips and the groups they belong to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.dataset.synth import classical, rock
from ei_toolkit.dataset.synth.sound import RATE, Sound

GENRES = ("classical", "rock")
CLIPS_PER_ARTIST = 3


def write_demo_clips(folder: Path, seed: int = 7, clips_per_genre: int = 24, seconds: float = 12.0) -> list[Path]:
    """Write FOLDER/<genre>/<genre>.synth.<nnn>.wav and FOLDER/groups.csv; return the clips' paths.

    Every three clips of a genre share a pseudo artist (timbre, key, tempo, room), so that a split by artist has
    something to keep apart. The same arguments give the same bytes.
    """
    paths, rows = [], []
    for genre in GENRES:
        (folder / genre).mkdir(parents=True, exist_ok=True)
        for number, samples in enumerate(_clips(genre, seed, clips_per_genre, seconds)):
            path = folder / genre / f"{genre}.synth.{number:03d}.wav"
            path.write_bytes(wav_bytes(samples, RATE))
            paths.append(path)
            rows.append((f"{genre}/{path.name}", f"synthetic {genre} artist {number // CLIPS_PER_ARTIST + 1}"))
    (folder / "groups.csv").write_text(_csv(rows), encoding="utf-8")
    return paths


def _clips(genre: str, seed: int, count: int, seconds: float) -> Iterator[NDArray[np.int16]]:
    rng = np.random.default_rng([seed, GENRES.index(genre)])
    artists = -(-count // CLIPS_PER_ARTIST)
    if genre == "rock":
        players = [partial(rock.play, one) for one in rock.bands(artists, rng)]
    else:
        players = [partial(classical.play, one) for one in classical.ensembles(artists, rng)]
    for number in range(count):
        peak = 10 ** (rng.uniform(-18, -2) / 20)  # loudness must not give the genre away
        yield _to_int16(players[number // CLIPS_PER_ARTIST](seconds, rng) * peak)


def _to_int16(sound: Sound) -> NDArray[np.int16]:
    return np.rint(sound * 32767).astype(np.int16)


def _csv(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("clip", "group"))
    out.writerows(rows)
    return text.getvalue()
