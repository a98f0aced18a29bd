"""The exceptions of eitk, and the exit code of a command for each kind.

    EitkError                  1   failure
      UsageError               2   the command line is wrong
      ConfigurationError       3   eitk.toml, a parameter, an impulse that contradicts itself
        SettingsError          3   wrong settings, all of them in one error
        CredentialError        3   no key, a wrong key, a key whose role does not allow it
        MissingToolError       3   an extra, a compiler or an emulator that is not installed
        MissingStepError       3   an earlier step was not run: no windows, samples, impulse, model or library
      DataError                1   clips, windows or models that cannot be used
        ArchiveError           1   a zip or tar that is damaged, unsafe or too large
        RefusedRecordingError  1   a recording of a board that is silent, clipped, incomplete or of another sound
        UnsupportedModelError  1   a .tflite that the compiler cannot translate
      ApiError                 4   the studio returned an error
        NetworkError           4   no response
      JobFailed                5   a studio job ended without success
      BoardError               6   no board, a busy port, an image that does not fit
      GateNotMet               7   the candidate does not meet the requirements, or settings their aim
    Interrupted              130   Ctrl-C

An error states what happened, why, and what to do. Only `cli/console.py` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

EXIT_CODES = {
    0: "success",
    1: "failure: a file, a clip or a model that cannot be used; a check that found a difference",
    2: "usage: a wrong command, option or value",
    3: "a missing or wrong prerequisite: a setting, the key, a tool, or an earlier step that was not run",
    4: "network, or an error that the studio returned",
    5: "a job of the studio ended without success, or was cancelled",
    6: "board: not found, busy, no answer or no prediction, or an image that does not fit",
    7: "the gate is not met and the champion stays, or a calibration does not reach its aim",
    130: "interrupted with Ctrl-C",
}
"""The meaning of each exit code, for the reference of the commands."""


ERROR_NUMBER = re.compile(r"^\[Errno \d+\] ")  # at the start of the text of an OSError


class EitkError(Exception):
    """Base of all exceptions. `what` is one sentence; `why` and `hint` complete it for the user.

    `why` may be the text of another exception; the number of an error of the system is left out.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = ERROR_NUMBER.sub("", why)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} ({self.why})" if self.why else self.what

    @property
    def with_hint(self) -> str:
        """All three in one line, for lists of what was refused."""
        return f"{self}. {self.hint}" if self.hint else str(self)


class UsageError(EitkError):
    """The command line is wrong."""

    exit_code = 2


class ConfigurationError(EitkError):
    """A setting or parameter is wrong, or two contradict each other; `key` names the setting where it is known."""

    exit_code = 3

    def __init__(self, what: str, *, why: str = "", hint: str = "", key: str = "") -> None:
        super().__init__(what, why=why, hint=hint)
        self.key = key


@dataclass(frozen=True)
class Fault:
    """A wrong setting. `place` is its file and line, its variable or its option; empty if it is not known."""

    key: str
    problem: str
    hint: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


class SettingsError(ConfigurationError):
    """One or more settings are wrong. `what` has one line for each fault.

    If there are several, a line ends with the hint of its fault, unless that only repeats the name of the setting.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        several = len(faults) > 1
        lines = [f"{f}. {f.hint}" if several and f.hint and f.key not in f.hint else str(f) for f in faults]
        super().__init__("\n".join(lines), hint="" if several else faults[0].hint, key=faults[0].key)
        self.faults = tuple(faults)


class CredentialError(ConfigurationError):
    """No key, a wrong key, or a key whose role does not allow the call."""


class MissingToolError(ConfigurationError):
    """An optional package, a compiler or an emulator is needed and not installed."""


class MissingStepError(ConfigurationError):
    """An earlier step was not run: there are no windows, samples, impulse, trained model or library yet."""


class DataError(EitkError):
    """Clips, windows or models that cannot be used."""


class RefusedRecordingError(DataError):
    """A recording of a board that is silent, clipped, incomplete or of another sound. `silent`: it has no sound."""

    def __init__(self, what: str, *, silent: bool = False) -> None:
        super().__init__(what)
        self.silent = silent


class ArchiveError(DataError):
    """A zip or tar archive that is damaged, unsafe to unpack or too large."""


class UnsupportedModelError(DataError):
    """A model that the compiler cannot translate exactly; names the operator, option or type."""


class ApiError(EitkError):
    """The studio returned an error."""

    exit_code = 4

    def __init__(self, what: str, *, why: str = "", hint: str = "", status: int | None = None) -> None:
        super().__init__(what, why=why, hint=hint)
        self.status = status


class NetworkError(ApiError):
    """The studio could not be reached, or the connection broke."""


class JobFailed(EitkError):
    """A studio job ended without success; `log` holds its last lines."""

    exit_code = 5

    def __init__(self, what: str, *, why: str = "", hint: str = "", log: tuple[str, ...] = ()) -> None:
        super().__init__(what, why=why, hint=hint)
        self.log = log


class BoardError(EitkError):
    """No board, a busy port, a board that does not answer, an image that does not fit."""

    exit_code = 6


class GateNotMet(EitkError):
    """The candidate does not pass the gate, or no settings reach the aim of a calibration."""

    exit_code = 7


class Interrupted(EitkError):
    """The user pressed Ctrl-C."""

    exit_code = 130
