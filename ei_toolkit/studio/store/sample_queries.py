"""The SQL of filters: which table and index a filter of samples is answered from.

A count comes from `sample_totals` if the filter reads only what is counted there. A page of a list is found by its ids,
in an index that has every column that the filter reads, so that only the rows of the page itself are read. Each
statement names its index: SQLite would choose by the number of equal columns, not by whether rows must be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from ei_toolkit.studio.store.sample_filter import (
    SORT_COLUMNS,
    Condition,
    Either,
    FilterPart,
    MetadataSearch,
    SampleFilter,
    TextSearch,
    has_id,
    has_label,
    joined,
    reads,
)

Statement = tuple[str, tuple[Any, ...]]
IN_TOTALS = frozenset({"category", "label", "label_type", "disabled", "signature_valid", "interval_ms"})
IN_INDEX_BY_ID = IN_TOTALS | {"id", "length_ms", "created", "filename"}
IN_INDEX_BY_NAME = frozenset({"id", "filename", "category", "label"})
MOST_NARROW = 5_000  # samples whose rows are read one by one; for more of them the whole index is read faster
MOST_LABELS = 1_000  # that a search names
TRIGRAM = 3  # characters
MOST_TRIGRAMS = 32  # of a text: further ones would hardly exclude more samples
VALUES = "SELECT id FROM metadata_values WHERE project = ? AND key = ?"


@dataclass(frozen=True)
class SampleQuery:
    """A filter whose searches in other tables are done; `where` includes project and category."""

    category: str | None
    where: Condition
    sort_by: str

    def count(self) -> Statement:
        """Return the statement for the number of samples."""
        if self.where.columns <= IN_TOTALS:
            return f"SELECT coalesce(SUM(count), 0) FROM sample_totals WHERE {self.where.sql}", self.where.values
        by_name = "filename" in self.where.columns <= IN_INDEX_BY_NAME  # it is narrower than the index by id
        hint = "INDEXED BY samples_by_filename" if by_name and not self.where.is_narrow else self._hint("id")
        return f"SELECT COUNT(*) FROM samples {hint} WHERE {self.where.sql}", self.where.values

    def ids(self) -> Statement:
        """Return the statement for all ids, in the order of the filter."""
        return f"SELECT id {self._found()} ORDER BY {self._order()}", self.where.values

    def rows(self) -> Statement:
        """Return the statement for all rows, in the order of the filter."""
        hint = self._hint("id") if self.sort_by.startswith("id-") else ""
        return f"SELECT * FROM samples {hint} WHERE {self.where.sql} ORDER BY {self._order()}", self.where.values

    def page(self, limit: int, offset: int, total: int) -> Statement:
        """Return the statement for the rows of a page, of `total` samples in all.

        The ids of a page in the second half are counted from the end.
        """
        size = max(0, min(limit, total - offset))
        behind = total - offset - size
        backwards = behind < offset
        ids = f"SELECT id {self._found()} ORDER BY {self._order(backwards=backwards)} LIMIT ? OFFSET ?"
        rows = f"SELECT * FROM samples NOT INDEXED WHERE id IN ({ids}) ORDER BY {self._order()}"
        return rows, (*self.where.values, size, behind if backwards else offset)

    def _found(self) -> str:
        return f"FROM samples {self._hint(self.sort_by)} WHERE {self.where.sql}"

    def _order(self, *, backwards: bool = False) -> str:
        key, _, direction = self.sort_by.partition("-")
        column, ascending = SORT_COLUMNS[key], (direction == "asc") != backwards
        first = f"{column} {'ASC' if ascending else 'DESC'}"
        return first if column == "id" else f"{first}, id {'ASC' if backwards else 'DESC'}"

    def _hint(self, sort_by: str) -> str:
        """Return which index is used: the narrowest that has all columns; none if no index has them."""
        if self.where.is_narrow:
            return "NOT INDEXED"  # the ids are looked up in the table itself
        key, columns = sort_by.partition("-")[0], self.where.columns
        if key == "id" and self.category and columns <= {"category", "id"}:
            return "INDEXED BY samples_by_category"
        if key != "id" and columns <= {"category", "id", SORT_COLUMNS[key]}:
            return f"INDEXED BY samples_by_{'filename' if key == 'filename' else sort_by.replace('-', '_')}"
        return "INDEXED BY samples_by_id" if columns <= IN_INDEX_BY_ID else ""


def resolve(connection: Connection, chosen: SampleFilter) -> SampleQuery:
    """Return the query of a filter. What other tables know about its searches is read at once."""
    own = [reads("", "project = ?", chosen.project)]
    if chosen.category:
        own.append(reads("category", "category = ?", chosen.category))
    parts = [_condition(connection, chosen.project, part) for part in chosen.conditions]
    return SampleQuery(chosen.category, joined([*own, *parts], "AND"), chosen.sort_by)


def _condition(connection: Connection, project: int, part: FilterPart) -> Condition:
    if isinstance(part, TextSearch):
        return _text_condition(connection, project, part)
    if isinstance(part, MetadataSearch):
        return _metadata_condition(connection, project, part)
    if isinstance(part, Either):
        return joined([_condition(connection, project, one) for one in part.conditions], "OR")
    return part


def _metadata_condition(connection: Connection, project: int, search: MetadataSearch) -> Condition:
    chosen: str = VALUES
    values: tuple[Any, ...] = (project, search.key)
    if search.values:
        chosen += " AND value IN (SELECT value FROM json_each(?))"
        values += (json.dumps(search.values),)
    sql = f"SELECT coalesce(SUM(count), 0) FROM metadata_counts WHERE value IN ({chosen})"
    is_narrow = not search.excluded and connection.execute(sql, values).fetchone()[0] <= MOST_NARROW
    found = f"id {'NOT ' if search.excluded else ''}IN (SELECT sample FROM sample_metadata WHERE value IN ({chosen}))"
    return Condition(found, values, frozenset({"id"}), is_narrow)


def _text_condition(connection: Connection, project: int, search: TextSearch) -> Condition:
    names = _name_condition(connection, project, search)
    if not search.in_labels:
        return names
    like = reads("label", "label LIKE ? ESCAPE '\\'", search.pattern)
    sql = f"SELECT DISTINCT label FROM sample_totals WHERE project = ? AND {like.sql} LIMIT ?"
    labels = [row[0] for row in connection.execute(sql, (project, *like.values, MOST_LABELS + 1))]
    if not labels:
        return names
    return joined([names, like if len(labels) > MOST_LABELS else has_label(labels)], "OR")


def _name_condition(connection: Connection, project: int, search: TextSearch) -> Condition:
    """Return the condition on the file name: the ids of the samples that have it if they are few."""
    like = reads("filename", "filename LIKE ? ESCAPE '\\'", search.pattern)
    if len(search.text) < TRIGRAM or "\0" in search.text:  # NUL would end the query of the index of trigrams
        return like
    candidates = _with_trigrams(connection, search.text)
    if len(candidates) > MOST_NARROW:
        return like
    few = has_id(candidates)
    sql = f"SELECT id FROM samples NOT INDEXED WHERE {few.sql} AND project = ? AND {like.sql}"
    return has_id([row[0] for row in connection.execute(sql, (*few.values, project, *like.values))])


def _with_trigrams(connection: Connection, text: str) -> list[int]:
    """Return samples whose file names have every three characters that the text has, at most `MOST_NARROW` + 1.

    The index ignores the case of more letters than LIKE, and the order of the trigrams.
    """
    trigrams = dict.fromkeys(text[at : at + TRIGRAM] for at in range(len(text) - TRIGRAM + 1))
    terms = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in list(trigrams)[:MOST_TRIGRAMS])
    sql = "SELECT rowid FROM sample_names WHERE sample_names MATCH ? LIMIT ?"
    return [row[0] for row in connection.execute(sql, (terms, MOST_NARROW + 1))]
