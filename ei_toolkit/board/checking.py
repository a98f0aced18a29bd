"""`eitk board check`: a board's self-test beside Python's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ei_toolkit.board.flash import pinned
from ei_toolkit.board.ports import Lister
from ei_toolkit.board.reference import Reference
from ei_toolkit.board.selftest import SelfTest, expected, run_on
from ei_toolkit.board.sources import source_of
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.errors import BoardError


@dataclass(frozen=True)
class Checked:
    """A board whose self-test equals Python's."""

    board: str
    test: SelfTest

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"board": self.board, "equal": True, **asdict(self.test)}


def check_board(settings: Settings, paths: ProjectPaths, ports: Lister) -> Checked:
    """Run the self-test on the configured board. Raises BoardError where it differs from Python."""
    wanted = expected(Reference.load(settings, pinned(paths).model_path(paths.root)))
    link = source_of(paths.boards, settings.board.name, settings.board.port, ports).first()
    try:
        answered = run_on(link)
    finally:
        link.close()
    if answered != wanted:
        what = "samples" if answered.samples_crc != wanted.samples_crc else "scores"
        raise BoardError(
            f"the self-test of the {settings.board.name} board differs from Python in its {what}",
            why=f"{asdict(answered)} against {asdict(wanted)}",
            hint=f"It may run another model or other level settings: eitk flash --board {settings.board.name}",
        )
    return Checked(settings.board.name, answered)
