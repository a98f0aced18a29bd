"""How samples are divided into categories: by hash, so that the same sample always goes the same way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.samples import Category, Sample
from ei_toolkit.studio.wire import Fields

TESTING = 0.2  # Edge Impulse: 80 % training, 20 % testing


@dataclass(frozen=True)
class Split:
    """Shares of testing and validation (training is the rest), and the metadata that keeps samples together."""

    testing: float = TESTING
    validation: float = 0.0
    together: tuple[str, ...] = ()
    only_enabled: bool = False

    def category(self, sample: Sample) -> Category:
        """Where a sample goes."""
        group = [sample.metadata[key] for key in self.together if key in sample.metadata]
        digest = hashlib.sha256("\0".join(group).encode("utf-8", "replace")).hexdigest() if group else sample.sha256
        return self.of_digest(digest)

    def of_digest(self, digest: str) -> Category:
        """Where content of this SHA-256 goes."""
        place = int(digest[:8], 16) / 2**32
        if place < self.testing:
            return "testing"
        return "validation" if place < self.testing + self.validation else "training"


def read_split(body: Fields) -> Split:
    """The split of a `DatasetSplitOptions` body; proportions count relative to their sum."""
    names = {"trainingSplitRatio": 1 - TESTING, "testingSplitRatio": TESTING, "validationSplitRatio": 0.0}
    given = any(body.has(name) for name in names)
    training, testing, validation = (float(body.number(name, 0.0 if given else share)) for name, share in names.items())
    total = training + testing + validation
    if min(training, testing, validation) < 0 or total <= 0:
        raise Refusal("The proportions of a split must not be negative, and not all 0")
    together = tuple(str(key) for key in body.items("keepTogetherMetadataKeys"))
    return Split(testing / total, validation / total, together, body.flag("excludeDisabledSamples", False))
