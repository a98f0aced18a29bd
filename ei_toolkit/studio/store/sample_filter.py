"""Filters of samples: conditions in SQL. `http/sample_query.py` reads them from the query string of a request.

`store/samples.py` chooses the table and the index that a filter is answered from by the columns that it reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

LONGEST_SEARCH = 1000  # characters; SQLite limits a pattern to 50 000 bytes
MOST_CONDITIONS = 100  # on metadata; SQLite limits the depth of an expression to 1000
SORT_COLUMNS = {"id": "id", "label": "label", "filename": "filename", "length": "length_ms"}
ORDERS = tuple(f"{key}-{direction}" for key in SORT_COLUMNS for direction in ("asc", "desc"))


@dataclass(frozen=True)
class Condition:
    """A SQL expression, the values of its parameters, and the columns of `samples` that it reads.

    `is_narrow`: few samples match, whose ids the expression lists.
    """

    sql: str
    values: tuple[Any, ...] = ()
    columns: frozenset[str] = frozenset()
    is_narrow: bool = False


@dataclass(frozen=True)
class TextSearch:
    """The condition that the file name, or the label if `in_labels`, contains a text. Wild cards have no meaning."""

    text: str
    in_labels: bool = False

    @property
    def pattern(self) -> str:
        """The pattern of LIKE, in which a backslash escapes."""
        return "%" + self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


@dataclass(frozen=True)
class MetadataSearch:
    """The condition that a sample has, or does not have, a metadata key with one of the values (none: any value)."""

    key: str
    values: tuple[str, ...] = ()
    excluded: bool = False


Search = TextSearch | MetadataSearch
"""A condition on what is stored in tables beside `samples`."""


@dataclass(frozen=True)
class Either:
    """The condition that one of several holds."""

    conditions: tuple[Condition | MetadataSearch, ...]


FilterPart = Condition | Search | Either


def reads(columns: str, sql: str, *values: Any) -> Condition:
    """Return a condition that reads some columns, which are separated by spaces."""
    return Condition(sql, values, frozenset(columns.split()))


NO_METADATA = reads("metadata", "metadata = '{}'")
ENABLED = reads("disabled", "disabled = 0")
DISABLED: dict[str, list[Condition]] = {
    "both": [],
    "enabled": [ENABLED],
    "disabled": [reads("disabled", "disabled = 1")],
}
SIGNED: dict[str, list[Condition]] = {
    "both": [],
    "valid": [reads("signature_valid", "signature_valid = 1")],
    "invalid": [reads("signature_valid", "signature_valid = 0")],
}


@dataclass(frozen=True)
class SampleFilter:
    """Conditions that are joined by AND. The SQL texts are written in this module; values are bound as parameters."""

    project: int
    category: str | None = None
    conditions: tuple[FilterPart, ...] = field(default=())
    sort_by: str = "id-desc"


def has_id(ids: Sequence[int], *, excluded: bool = False) -> Condition:
    """Return the condition that the id of a sample is, or is not, one of a list."""
    negation = "NOT " if excluded else ""
    text = json.dumps([str(id_) for id_ in ids])
    sql = f"id {negation}IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"
    return Condition(sql, (text,), frozenset({"id"}), is_narrow=not excluded)


def has_label(labels: Sequence[str]) -> Condition:
    """Return the condition that the label of a sample is one of a list."""
    return reads("label", "label IN (SELECT value FROM json_each(?))", json.dumps(list(labels)))


def has_metadata(key: str, values: Sequence[Any], *, excluded: bool = False) -> MetadataSearch:
    """Return the condition on a metadata key; values that are no text are compared as JSON."""
    return MetadataSearch(key, tuple(v if isinstance(v, str) else json.dumps(v) for v in values), excluded)


def joined(conditions: Sequence[Condition], operator: Literal["AND", "OR"]) -> Condition:
    """Return one condition for several; every sample matches none of them joined by AND."""
    return Condition(
        f"({f' {operator} '.join(one.sql for one in conditions)})" if conditions else "TRUE",
        tuple(value for one in conditions for value in one.values),
        frozenset[str]().union(*(one.columns for one in conditions)),
        is_narrow=operator == "AND" and any(one.is_narrow for one in conditions),
    )
