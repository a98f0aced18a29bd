"""Samples on the server: list, count, change, fetch, delete."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

Category = Literal["training", "testing"]
CATEGORIES: tuple[Category, ...] = ("training", "testing")
PAGE = 1000  # samples asked for at once
BATCH_IDS = 200  # ids that fit a query string
LARGEST_SAMPLE = 100 * 2**20


@dataclass(frozen=True)
class Sample:
    """One sample as the server has it; `name` has no extension."""

    id: int
    name: str
    category: str
    label: str
    length_ms: float
    metadata: tuple[tuple[str, str], ...] = ()


def list_samples(studio: Studio, category: str) -> Iterator[Sample]:
    """All samples of a category, page by page, oldest first, so that new ones never shift a page."""
    offset = 0
    while True:
        answer = studio.transport.get(
            studio.path("raw-data"), category=category, limit=PAGE, offset=offset, sortBy="id-asc", excludeSensors=True
        )
        samples = Answer(answer, "the list of samples").objects("samples")
        yield from map(_sample, samples)
        offset += len(samples)
        if not samples or offset >= Answer(answer, "the list of samples").integer("totalCount"):
            return


def get_sample(studio: Studio, sample: int) -> Sample:
    """One sample. Raises ApiError where it does not exist."""
    answer = studio.transport.get(studio.path("raw-data", sample), limitPayloadValues=1)
    return _sample(Answer(answer, "the sample").object("sample"))


def counts_by_label(studio: Studio) -> dict[tuple[str, str], int]:
    """Number of samples by (category, label), sorted."""
    counts = Counter((s.category, s.label) for category in CATEGORIES for s in list_samples(studio, category))
    return dict(sorted(counts.items()))


def count_samples(studio: Studio, category: str) -> int:
    """Number of samples of a category."""
    answer = studio.transport.get(studio.path("raw-data", "count"), category=category)
    return Answer(answer, "the number of samples").integer("count")


def move_sample(studio: Studio, sample: int, category: str) -> None:
    """Put a sample into another category."""
    studio.transport.post(
        studio.path("raw-data", sample, "move"), official("MoveRawDataRequest")(newCategory=category), repeatable=True
    )


def edit_label(studio: Studio, sample: int, label: str) -> None:
    """Give a sample another label."""
    studio.transport.post(
        studio.path("raw-data", sample, "edit-label"), official("EditSampleLabelRequest")(label=label), repeatable=True
    )


def add_metadata(studio: Studio, category: str, samples: Sequence[int], key: str, value: str) -> None:
    """Add one entry to the metadata of samples of a category, `BATCH_IDS` at most."""
    # plain JSON: loading its class takes as long as uploading a hundred windows
    body = {"metadataKey": key, "metadataValue": value}
    ids = json.dumps(list(samples), separators=(",", ":"))
    path = studio.path("raw-data", "batch", "add-metadata")
    studio.transport.post(path, body, repeatable=True, category=category, ids=ids)


def delete_samples(studio: Studio, samples: Sequence[int]) -> None:
    """Delete samples; one that is gone by now is no error."""
    for sample in samples:
        try:
            studio.transport.delete(studio.path("raw-data", sample))
        except ApiError:
            if _exists(studio, sample):
                raise


def _exists(studio: Studio, sample: int) -> bool:
    """Whether a sample is there. Raises NetworkError or CredentialError where that cannot be known."""
    try:
        get_sample(studio, sample)
    except (NetworkError, CredentialError):
        raise
    except ApiError:
        return False
    return True


def pull_sample(studio: Studio, sample: Sample, folder: Path) -> Path:
    """Download a sample as WAV into `folder`/category/name.wav and return the file's path."""
    name = "".join(c if c.isalnum() or c in "._- " else "_" for c in sample.name).strip(". ") or str(sample.id)
    file = folder / sample.category / f"{name}.{sample.id}.wav"
    if not file.exists():
        studio.transport.download(studio.path("raw-data", sample.id, "wav"), file, largest=LARGEST_SAMPLE)
    return file


def _sample(answer: Answer) -> Sample:
    metadata = answer.data.get("metadata") or {}
    entries = tuple(sorted((str(k), str(v)) for k, v in metadata.items())) if isinstance(metadata, dict) else ()
    return Sample(
        answer.integer("id"),
        answer.text("filename"),
        answer.text("category"),
        answer.text("label", ""),
        answer.number("totalLengthMs", 0.0),
        entries,
    )
