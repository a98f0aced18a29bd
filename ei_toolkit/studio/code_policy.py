"""Which inputs of a studio carry code, and the rule that they are used only with `--allow-scripts`.

A route checks the rule when a request arrives, so that its client receives the reason. The job process checks it again
where the code would run, because a job may wait in the queue while the studio is restarted with another option, or
while the input is changed. The rule for a Keras script has a second part: only the script that was accepted with the
job is run; the job stores its hash.

Other formats that can carry code are not read at all: no module loads a Keras file (a Lambda layer is code) or a
pickle, and .npy files are read without pickles. A .tflite model runs in LiteRT, which has no operators that use files.
`tests/studio/test_code_policy.py` lists every call in the package that loads such a format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError

ALLOW_SCRIPTS = "--allow-scripts"
"""The option of the studio and of its job process."""


@dataclass(frozen=True)
class CodeFormat:
    """A kind of input that carries code: why it does, and what a user can do without it."""

    reason: str
    alternative: str


SCRIPT = CodeFormat("mode 'expert' runs a Keras script, which is code", "use mode 'visual'")
SAVED_MODEL = CodeFormat(
    "a SavedModel holds operations that run when it is loaded and can read and write files, which is code",
    "convert it to .tflite and upload that",
)


def require_allowed(code: CodeFormat, allow_scripts: bool) -> None:
    """Raise ApiError for an input that carries code unless the studio was started with --allow-scripts."""
    if not allow_scripts:
        raise ApiError(
            f"{code.reason}, and this studio was started without {ALLOW_SCRIPTS}: start it with {ALLOW_SCRIPTS},"
            f" or {code.alternative}"
        )


def check_script_change(stored: Mapping[str, Any], changes: Mapping[str, Any], allow_scripts: bool) -> None:
    """Raise ApiError if changed settings of a learn block switch a script on, or change it, without permission."""
    has_new_script = bool(changes.get("script")) and changes["script"] != stored.get("script", "")
    if changes.get("mode") == "expert" or has_new_script:
        require_allowed(SCRIPT, allow_scripts)


def accepted_script(settings: Mapping[str, Any], allow_scripts: bool) -> str:
    """Return the hash of the script that a job with these settings may run; empty if it runs none. Raises ApiError."""
    if settings["mode"] != "expert":
        return ""
    require_allowed(SCRIPT, allow_scripts)
    return _digest(settings["script"])


def script_to_run(settings: Mapping[str, Any], accepted: str | None, allow_scripts: bool) -> str:
    """Return the script that a job runs now; empty if it runs none.

    Raises ApiError if the studio does not allow scripts, or if the script is not the one that the job was accepted with
    (`accepted` is None for a job of an older eitk, which stored no hash).
    """
    if settings["mode"] != "expert":
        return ""
    require_allowed(SCRIPT, allow_scripts)
    script: str = settings["script"]
    if accepted != _digest(script):
        raise ApiError("The Keras script was changed after the job was accepted: start the training again")
    return script


def _digest(script: str) -> str:
    return hashlib.sha256(script.encode("utf-8", "surrogatepass")).hexdigest()
