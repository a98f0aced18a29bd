"""Samples in the studio: list, count, change, download, delete."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

Category = Literal["training", "validation", "testing"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
REQUIRED_CATEGORIES: tuple[Category, ...] = ("training", "testing")  # a training needs samples of both
PAGE = 1000  # samples in one response
BATCH_IDS = 200  # ids that fit into a query string
MAX_SAMPLE_BYTES = LARGEST_FILE_BYTES


@dataclass(frozen=True)
class Sample:
    """One sample of the studio; `name` has no extension."""

    id: int
    name: str
    category: str
    label: str
    length_ms: float
    metadata: tuple[tuple[str, str], ...] = ()


class _Sample(Response, frozen=True):
    id: int
    filename: str
    category: str
    label: str = ""
    total_length_ms: float = 0.0
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def sample(self) -> Sample:
        """Return it with sorted metadata."""
        entries = tuple(sorted((key, str(value)) for key, value in self.metadata.items()))
        return Sample(self.id, self.filename, self.category, self.label, self.total_length_ms, entries)


class _SamplePage(Response, frozen=True):
    samples: tuple[_Sample, ...]
    total_count: int


class _OneSample(Response, frozen=True):
    sample: _Sample


class _Count(Response, frozen=True):
    count: int


def list_samples(studio: Studio, category: str) -> Iterator[Sample]:
    """Yield all samples of a category, page by page, oldest first, so that new ones do not shift a page."""
    offset = 0
    while True:
        page = studio.transport.read(
            studio.path("raw-data"), _SamplePage, category=category, limit=PAGE, offset=offset, sortBy="id-asc",
            excludeSensors=True,
        )  # fmt: skip
        yield from (sample.sample() for sample in page.samples)
        offset += len(page.samples)
        if not page.samples or offset >= page.total_count:
            return


def get_sample(studio: Studio, sample: int) -> Sample:
    """Return one sample. Raises ApiError where it does not exist."""
    return studio.transport.read(studio.path("raw-data", sample), _OneSample, limitPayloadValues=1).sample.sample()


def counts_by_label(studio: Studio) -> dict[tuple[str, str], int]:
    """Return the number of samples by (category, label), sorted."""
    counts = Counter((s.category, s.label) for category in CATEGORIES for s in list_samples(studio, category))
    return dict(sorted(counts.items()))


def count_samples(studio: Studio, category: str) -> int:
    """Return the number of samples of a category."""
    return studio.transport.read(studio.path("raw-data", "count"), _Count, category=category).count


def move_sample(studio: Studio, sample: int, category: str) -> None:
    """Move a sample to another category."""
    studio.transport.post(
        studio.path("raw-data", sample, "move"), official("MoveRawDataRequest")(newCategory=category), repeatable=True
    )


def edit_label(studio: Studio, sample: int, label: str) -> None:
    """Change the label of a sample."""
    studio.transport.post(
        studio.path("raw-data", sample, "edit-label"), official("EditSampleLabelRequest")(label=label), repeatable=True
    )


def add_metadata(studio: Studio, category: str, samples: Sequence[int], key: str, value: str) -> None:
    """Add one entry to the metadata of samples of a category, at most `BATCH_IDS`."""
    # Plain JSON: importing the request class takes as long as uploading a hundred windows.
    body = {"metadataKey": key, "metadataValue": value}
    ids = json.dumps(list(samples), separators=(",", ":"))
    path = studio.path("raw-data", "batch", "add-metadata")
    studio.transport.post(path, body, repeatable=True, category=category, ids=ids)


def delete_samples(studio: Studio, samples: Sequence[int]) -> None:
    """Delete samples. A sample that no longer exists is not an error."""
    for sample in samples:
        try:
            studio.transport.delete(studio.path("raw-data", sample))
        except ApiError:
            if _exists(studio, sample):
                raise


def pull_sample(studio: Studio, sample: Sample, folder: Path) -> Path:
    """Download a sample as WAV into `folder`/category/name.id.wav and return the file's path."""
    name = "".join(c if c.isalnum() or c in "._- " else "_" for c in sample.name).strip(". ") or str(sample.id)
    file = folder / sample.category / f"{name}.{sample.id}.wav"
    if not file.exists():
        studio.transport.download(studio.path("raw-data", sample.id, "wav"), file, max_bytes=MAX_SAMPLE_BYTES)
    return file


def _exists(studio: Studio, sample: int) -> bool:
    """Whether a sample exists. Raises NetworkError or CredentialError where this cannot be determined."""
    try:
        get_sample(studio, sample)
    except (NetworkError, CredentialError):
        raise
    except ApiError:
        return False
    return True
