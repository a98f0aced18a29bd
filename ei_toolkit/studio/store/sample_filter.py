"""Filters of samples, as the query of Edge Impulse's raw-data routes describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ei_toolkit.studio.http.errors import Malformed
from ei_toolkit.studio.parameters import RequestParameters, read_json

ORDERS = {
    f"{key}-{direction}": f"{column} {direction.upper()}" + ("" if column == "id" else ", id DESC")
    for key, column in {"id": "id", "label": "label", "filename": "filename", "length": "length_ms"}.items()
    for direction in ("asc", "desc")
}
NUMERIC: dict[str, str] = {
    "minLength": "length_ms > ?",
    "maxLength": "length_ms < ?",
    "minFrequency": "interval_ms > 0 AND 1000.0 / interval_ms > ?",
    "maxFrequency": "interval_ms > 0 AND 1000.0 / interval_ms < ?",
    "minLabel": "CAST(label AS REAL) >= ?",
    "maxLabel": "CAST(label AS REAL) < ?",
    "minId": "id >= ?",
    "maxId": "id < ?",
}
CONTAINS = {"filename": ("filename",), "search": ("filename", "label")}
DATES = {"minDate": "created > ?", "maxDate": "created < ?"}
LONGEST_SEARCH = 1000  # characters; SQLite limits a pattern to 50 000 bytes
MOST_CONDITIONS = 100  # on metadata; SQLite limits the depth of an expression to 1000
Condition = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class SampleFilter:
    """Conditions that are joined by AND. The SQL texts are written in this module; values are bound as parameters."""

    project: int
    category: str | None = None
    conditions: tuple[Condition, ...] = field(default=())
    sort_by: str = "id-desc"

    @classmethod
    def read(cls, project: int, query: RequestParameters) -> SampleFilter:
        """Return the filter that a query string describes. Raises Malformed."""
        category = query.text("category", "all")
        conditions = [*_columns(query), *_labels(query), *_disabled(query), *_metadata(query)]
        sort_by = query.text("sortBy", "id-desc")
        if sort_by not in ORDERS:
            raise Malformed(f"sortBy must be one of {', '.join(ORDERS)}")
        return cls(project, None if category == "all" else category, tuple(conditions), sort_by)

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """Return the WHERE clause and its values."""
        clauses, values = ["project = ?"], [self.project]
        for clause, bound in self._all_conditions():
            clauses.append(clause)
            values.extend(bound)
        return " AND ".join(clauses), tuple(values)

    def order(self) -> str:
        """Return the ORDER BY clause."""
        return ORDERS[self.sort_by]

    def _all_conditions(self) -> Sequence[Condition]:
        own = (("category = ?", (self.category,)),) if self.category else ()
        return (*own, *self.conditions)


def _columns(query: RequestParameters) -> list[Condition]:
    """Conditions on the value of one column."""
    numbers = [(clause, (query.number(name),)) for name, clause in NUMERIC.items() if query.has(name)]
    dates = [(clause, (query.text(name),)) for name, clause in DATES.items() if query.has(name)]
    texts = [_contains(columns, query.text(name)) for name, columns in CONTAINS.items() if query.has(name)]
    return [*numbers, *dates, *texts, *_ids(query)]


def _ids(query: RequestParameters) -> list[Condition]:
    """Conditions of `ids` and `excludeIds`, which are JSON lists of numbers."""
    conditions = []
    for name, negation in (("ids", ""), ("excludeIds", "NOT ")):
        if query.has(name):
            ids = RequestParameters({name: query.parsed(name)}).items(name)
            text = json.dumps([str(id_) for id_ in ids])
            conditions.append((f"id {negation}IN (SELECT CAST(value AS INTEGER) FROM json_each(?))", (text,)))
    return conditions


def _contains(columns: Sequence[str], text: str) -> Condition:
    """The condition that one of the columns contains a text, in which wild cards have no meaning. Raises Malformed."""
    if len(text) > LONGEST_SEARCH:
        raise Malformed(f"The text to search for has {len(text)} characters; at most {LONGEST_SEARCH} are allowed")
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    clause = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return f"({clause})", (pattern,) * len(columns)


def _labels(query: RequestParameters) -> list[Condition]:
    """The condition of `labels`: a JSON list by the API's definition; the SDK sends one label, or null for any."""
    if not query.has("labels"):
        return []
    text = query.text("labels")
    try:
        labels = read_json(text)
    except ValueError:
        labels = text
    if labels is None:
        return []
    chosen = [str(label) for label in labels] if isinstance(labels, list) else [text]
    return [("label IN (SELECT value FROM json_each(?))", (json.dumps(chosen),))]


def _disabled(query: RequestParameters) -> list[Condition]:
    state = query.text("includeDisabled", "both").lower()
    conditions: dict[str, list[Condition]] = {
        "both": [], "enabled": [("disabled = 0", ())], "disabled": [("disabled = 1", ())],
    }  # fmt: skip
    if state not in conditions:
        raise Malformed("includeDisabled must be enabled, disabled or both")
    return conditions[state]


def _metadata(query: RequestParameters) -> list[Condition]:
    """The condition of `metadata`.

    Its form is `[{"key","op":"eq"|"neq","values"?}, {"no_metadata":true}, {"filters_combinator":"and"|"or"}]`.
    """
    if not query.has("metadata"):
        return []
    items = RequestParameters({"metadata": query.parsed("metadata")}).objects("metadata")
    if len(items) > MOST_CONDITIONS:
        raise Malformed(f"metadata has {len(items)} conditions; at most {MOST_CONDITIONS} conditions are allowed")
    combinator = next((item.text("filters_combinator") for item in items if item.has("filters_combinator")), "and")
    clauses = [_metadata_clause(item) for item in items if item.has("key")]
    if any(item.has("no_metadata") and item.flag("no_metadata") for item in items):
        clauses.append(("metadata = '{}'", ()))
        combinator = "or"
    if not clauses:
        return []
    joined = (" OR " if combinator == "or" else " AND ").join(clause for clause, _ in clauses)
    return [(f"({joined})", tuple(value for _, values in clauses for value in values))]


def _metadata_clause(item: RequestParameters) -> Condition:
    values = [value if isinstance(value, str) else json.dumps(value) for value in item.items("values")]
    chosen = " AND own.value IN (SELECT value FROM json_each(?))" if values else ""
    negation = "NOT " if item.text("op", "eq") == "neq" else ""
    clause = f"{negation}EXISTS (SELECT 1 FROM json_each(metadata) AS own WHERE own.key = ?{chosen})"
    return clause, (item.text("key"), json.dumps(values)) if values else (item.text("key"),)
