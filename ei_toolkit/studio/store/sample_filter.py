"""Filters of samples: conditions in SQL. `http/sample_query.py` reads them from the query string of a request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ORDERS = {
    f"{key}-{direction}": f"{column} {direction.upper()}" + ("" if column == "id" else ", id DESC")
    for key, column in {"id": "id", "label": "label", "filename": "filename", "length": "length_ms"}.items()
    for direction in ("asc", "desc")
}
LONGEST_SEARCH = 1000  # characters; SQLite limits a pattern to 50 000 bytes
MOST_CONDITIONS = 100  # on metadata; SQLite limits the depth of an expression to 1000
Condition = tuple[str, tuple[Any, ...]]
"""A SQL expression and the values of its parameters."""
NO_METADATA: Condition = ("metadata = '{}'", ())
DISABLED: dict[str, list[Condition]] = {
    "both": [],
    "enabled": [("disabled = 0", ())],
    "disabled": [("disabled = 1", ())],
}

SIGNED: dict[str, list[Condition]] = {
    "both": [],
    "valid": [("signature_valid = 1", ())],
    "invalid": [("signature_valid = 0", ())],
}


@dataclass(frozen=True)
class SampleFilter:
    """Conditions that are joined by AND. The SQL texts are written in this module; values are bound as parameters."""

    project: int
    category: str | None = None
    conditions: tuple[Condition, ...] = field(default=())
    sort_by: str = "id-desc"

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


def contains(columns: Sequence[str], text: str) -> Condition:
    """Return the condition that one of the columns contains a text, in which wild cards have no meaning."""
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    clause = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return f"({clause})", (pattern,) * len(columns)


def has_id(ids: Sequence[int], *, excluded: bool = False) -> Condition:
    """Return the condition that the id of a sample is, or is not, one of a list."""
    negation = "NOT " if excluded else ""
    text = json.dumps([str(id_) for id_ in ids])
    return f"id {negation}IN (SELECT CAST(value AS INTEGER) FROM json_each(?))", (text,)


def has_label(labels: Sequence[str]) -> Condition:
    """Return the condition that the label of a sample is one of a list."""
    return "label IN (SELECT value FROM json_each(?))", (json.dumps(list(labels)),)


def has_metadata(key: str, values: Sequence[Any], *, excluded: bool = False) -> Condition:
    """Return the condition that a sample has, or does not have, a metadata key with one of the values (none: any)."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    chosen = " AND own.value IN (SELECT value FROM json_each(?))" if texts else ""
    negation = "NOT " if excluded else ""
    clause = f"{negation}EXISTS (SELECT 1 FROM json_each(metadata) AS own WHERE own.key = ?{chosen})"
    return clause, (key, json.dumps(texts)) if texts else (key,)


def joined(conditions: Sequence[Condition], operator: Literal["AND", "OR"]) -> Condition:
    """Return one condition for several."""
    clause = f" {operator} ".join(clause for clause, _ in conditions)
    return f"({clause})", tuple(value for _, values in conditions for value in values)
