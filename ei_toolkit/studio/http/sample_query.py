"""Which samples a request is for: the query string of Edge Impulse's raw-data routes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.schema import Flag, Integer, Number, RequestModel, parse
from ei_toolkit.studio.http.text import read_request_json
from ei_toolkit.studio.store.sample_filter import (
    DISABLED,
    LONGEST_SEARCH,
    MOST_CONDITIONS,
    NO_METADATA,
    ORDERS,
    SIGNED,
    Condition,
    Either,
    FilterPart,
    SampleFilter,
    TextSearch,
    has_id,
    has_label,
    has_metadata,
    reads,
)


class MetadataCondition(RequestModel):
    """One entry of `metadata`: a key with its values, a flag for samples without metadata, or how to join entries."""

    key: str | None = None
    op: str = "eq"
    values: list[Any] = []
    no_metadata: Annotated[Flag, Field(alias="no_metadata")] = False
    filters_combinator: Annotated[str | None, Field(alias="filters_combinator")] = None


class JsonFilters(RequestModel):
    """The parts of the query string that are JSON text."""

    ids: list[Integer] | None = None
    exclude_ids: list[Integer] | None = None
    metadata: list[MetadataCondition] = []


class SampleQuery(RequestModel):
    """A filter of samples. `ids`, `excludeIds` and `metadata` are JSON text; lengths are in ms, frequencies in Hz."""

    category: str = "all"
    labels: str | None = None
    filename: str | None = None
    search: str | None = None
    ids: str | None = None
    exclude_ids: str | None = None
    metadata: str | None = None
    include_disabled: str = "both"
    signature_validity: str = "both"
    sort_by: str = "id-desc"
    min_length: Number | None = None
    max_length: Number | None = None
    min_frequency: Number | None = None
    max_frequency: Number | None = None
    min_label: Number | None = None
    max_label: Number | None = None
    min_id: Number | None = None
    max_id: Number | None = None
    min_date: str | None = None
    max_date: str | None = None

    def filter(self, project: int) -> SampleFilter:
        """Return the filter of a project's samples. Raises Malformed."""
        if self.sort_by not in ORDERS:
            raise Malformed(f"sortBy must be one of {', '.join(ORDERS)}, but is {self.sort_by[:60]!r}")
        if (state := self.include_disabled.lower()) not in DISABLED:
            raise Malformed(f"includeDisabled must be one of {', '.join(DISABLED)}, but is {state[:60]!r}")
        if (validity := self.signature_validity.lower()) not in SIGNED:
            raise Malformed(f"signatureValidity must be one of {', '.join(SIGNED)}, but is {validity[:60]!r}")
        flags = [*DISABLED[state], *SIGNED[validity]]
        conditions = [*self._columns(), *self._labels(), *flags, *self._json_filters()]
        category = None if self.category == "all" else self.category
        return SampleFilter(project, category, tuple(conditions), self.sort_by)

    def _columns(self) -> list[FilterPart]:
        """Return the conditions on the value of one column."""
        sent = self.sent()
        found: list[FilterPart] = [
            reads(column, clause, sent[name]) for name, (column, clause) in COMPARISONS.items() if name in sent
        ]
        for name in ("filename", "search"):
            if text := sent.get(name):
                if len(text) > LONGEST_SEARCH:
                    raise Malformed(f"{name} has {len(text)} characters; at most {LONGEST_SEARCH} are allowed")
                found.append(TextSearch(text, in_labels=name == "search"))
        return found

    def _labels(self) -> list[Condition]:
        """Return the condition of `labels`: a JSON list as documented; the SDK sends one label, or null for any."""
        if self.labels is None:
            return []
        try:
            labels = read_request_json(self.labels, "labels")
        except ValueError:
            labels = self.labels
        if labels is None:
            return []
        return [has_label([str(label) for label in labels] if isinstance(labels, list) else [self.labels])]

    def _json_filters(self) -> list[FilterPart]:
        sent = {name: _json(name, text) for name, text in self.sent().items() if name in JSON_NAMES}
        filters = parse(JsonFilters, sent)
        found: list[FilterPart] = [] if filters.ids is None else [has_id(filters.ids)]
        found += [has_id(filters.exclude_ids, excluded=True)] if filters.exclude_ids else []
        return [*found, *_metadata(filters.metadata)]


class BatchQuery(SampleQuery):
    """The filter of an operation on several samples. With `expected` it changes that many samples or none."""

    expected: Annotated[Integer, Field(ge=0)] | None = None

    def check(self, chosen: SampleFilter, count: int) -> None:
        """Raise an error for a filter that matches another number of samples than expected.

        A filter that matches everything needs `expected`, or `category=all` without a blank text beside it: a text that
        a program failed to fill in must not select every sample.
        """
        if self.expected is not None and self.expected != count:
            raise ApiError(f"The filter matches {count} samples, but expected is {self.expected}: nothing was changed")
        sent = self.sent()
        names_all = sent.get("category") == "all" and not {"search", "filename"} & sent.keys()
        if self.expected is None and not (chosen.category or chosen.conditions or names_all):
            raise Malformed(
                f"The filter matches all {count} samples of the project, and nothing was changed: narrow it, or send"
                f" category=all as the only filter, or expected={count}"
            )


Samples = Annotated[SampleQuery, Query()]
Batch = Annotated[BatchQuery, Query()]
JSON_NAMES = ("ids", "excludeIds", "metadata")
COMPARISONS = {
    "minLength": ("length_ms", "length_ms > ?"),
    "maxLength": ("length_ms", "length_ms < ?"),
    "minFrequency": ("interval_ms", "interval_ms > 0 AND 1000.0 / interval_ms > ?"),
    "maxFrequency": ("interval_ms", "interval_ms > 0 AND 1000.0 / interval_ms < ?"),
    "minLabel": ("label", "CAST(label AS REAL) >= ?"),
    "maxLabel": ("label", "CAST(label AS REAL) < ?"),
    "minId": ("id", "id >= ?"),
    "maxId": ("id", "id < ?"),
    "minDate": ("created", "created > ?"),
    "maxDate": ("created", "created < ?"),
}


def _json(name: str, text: str) -> Any:
    try:
        return read_request_json(text, name)
    except ValueError as error:
        raise Malformed(f"{name} must be JSON, but is {text[:60]!r}") from error


def _metadata(entries: list[MetadataCondition]) -> list[FilterPart]:
    if len(entries) > MOST_CONDITIONS:
        raise Malformed(f"metadata has {len(entries)} conditions; at most {MOST_CONDITIONS} conditions are allowed")
    combinator = next((entry.filters_combinator for entry in entries if entry.filters_combinator), "and")
    conditions = [
        has_metadata(entry.key, entry.values, excluded=entry.op == "neq") for entry in entries if entry.key is not None
    ]
    if any(entry.no_metadata for entry in entries):
        return [Either((*conditions, NO_METADATA))]
    return [Either(tuple(conditions))] if conditions and combinator == "or" else [*conditions]
