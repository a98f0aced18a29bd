"""What the results of the Python API have in common: plain data, a pandas table, and a table in a notebook."""

from __future__ import annotations

import io
import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ei_toolkit.errors import MissingToolError
from ei_toolkit.report.figures import Figure
from ei_toolkit.report.tables import Cell, cell

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure as Drawing

SHOWN_ROWS = 50  # of a result in a notebook


class Result:
    """Base class of the results: frozen dataclasses that are also shown as a table.

    `records` has the rows of the table. A notebook shows them as HTML, and `to_frame` returns them for pandas.
    """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data that JSON can represent, as the command prints it with --json."""

    @abstractmethod
    def records(self) -> list[dict[str, Cell]]:
        """Return the rows of the table of this result; all of them have the same keys, in the same order."""

    def to_frame(self) -> pandas.DataFrame:
        """Return `records` as a table of pandas, with one column for each key.

        Raises MissingToolError where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingToolError(
                "pandas is not installed", hint="Install it: pip install 'eitk[notebook]', or use records()."
            ) from None
        return pandas.DataFrame(self.records())

    def _repr_html_(self) -> str:
        """Return `records` as a table, which notebooks show."""
        return html_table(type(self).__name__, self.records())


def html_table(title: str, records: Sequence[Mapping[str, Cell]]) -> str:
    """Return rows as an HTML table with a caption; every text is escaped. A long table is cut, with a note."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in (records[0] if records else ()))
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row.values()) + "</tr>"
        for row in records[:SHOWN_ROWS]
    )
    more = f" (the first {SHOWN_ROWS} of {len(records)} rows)" if len(records) > SHOWN_ROWS else ""
    return f"<table><caption>{escape(title)}{more}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def shown(figure: Figure) -> Drawing:
    """Return the figure of matplotlib. A notebook then shows such figures as pictures, also without pyplot."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(type(figure.drawing), _png)
    return figure.drawing


def _png(drawing: Drawing) -> bytes:
    stream = io.BytesIO()
    drawing.savefig(stream, format="png")
    return stream.getvalue()
