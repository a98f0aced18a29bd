"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.cli import complete
from ei_toolkit.config.boards import BOARDS, board_choice
from ei_toolkit.config.recipes import recipe_names
from ei_toolkit.config.settings import Channel, FloatRange
from ei_toolkit.errors import EitkError


def checked_by(check: Callable[[Any], object]) -> Callable[[Any], Any]:
    """Return the callback of an option whose value `check` raises an error for; the message then names the option."""

    def callback(value: Any) -> Any:
        try:
            if value is not None:
                check(value)
        except EitkError as error:
            raise typer.BadParameter(error.with_hint) from None
        return value

    return callback


def known_board(name: str | None) -> str | None:
    """Return the value of --board. Raises BadParameter, which names the option, for another name."""
    if name is not None and name not in BOARDS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(BOARDS)}.")
    return name


def known_recipe(name: str | None) -> str | None:
    """Return the value of --recipe. Raises BadParameter, which names the option, for another name."""
    if name is not None and name not in recipe_names():
        raise typer.BadParameter(f"there is no recipe {name!r}. Recipes: {', '.join(recipe_names())}.")
    return name


def known_extractor(name: str) -> str:
    """Return the value of --extractor. Raises BadParameter, which names the option, for another name."""
    if name not in EXTRACTORS:
        raise typer.BadParameter(f"there is no extractor {name!r}. Extractors: {', '.join(EXTRACTORS)}.")
    return name


BoardOption = Annotated[
    str | None,
    typer.Option("--board", help=f"{board_choice()}.", autocompletion=complete.boards, callback=known_board),
]
PortOption = Annotated[
    str | None, typer.Option("--port", help="Serial port of the board, or auto.", autocompletion=complete.ports)
]
ChannelOption = Annotated[
    Channel | None,
    typer.Option("--channel", help="Channel of clips with several: the mean of all, or the left or right one."),
]
FloatRangeOption = Annotated[
    FloatRange | None,
    typer.Option("--float-range", help="Range of the samples of floating-point files: unit (−1 to 1) or int16."),
]
LabelsFromOption = Annotated[
    Literal["auto", "folder", "name", "csv", "json"] | None,
    typer.Option(
        "--labels-from",
        help="Source of the labels: folders, names of files, a table (CSV, TSV, JSON Lines) or info.labels (json).",
    ),
]
SplitFromOption = Annotated[
    Literal["auto", "folder", "csv", "none"] | None,
    typer.Option("--split-from", help="Source of splits and folds that are kept; none: test clips are chosen."),
]
GroupFromOption = Annotated[
    Literal["auto", "folder", "name", "csv", "none"] | None,
    typer.Option("--group-from", help="Source of the groups of clips that stay in one split, such as speakers."),
]
GroupPatternOption = Annotated[
    str | None,
    typer.Option(
        "--group-pattern", metavar="REGEX", help="Finds the group in the path of a clip, such as _(\\w+)_ in 0_theo_7."
    ),
]
ExtractorOption = Annotated[
    str,
    typer.Option(
        "--extractor", metavar="NAME", help=f"Summary features: {' or '.join(EXTRACTORS)}.", callback=known_extractor
    ),
]
