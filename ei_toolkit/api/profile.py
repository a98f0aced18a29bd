"""Estimates of time and memory on devices, waited for where they are still being made."""

from __future__ import annotations

import re
import time

from ei_toolkit.api.jobs.job import Started
from ei_toolkit.api.jobs.kinds import profiling_job, start_profile
from ei_toolkit.api.project import Studio
from ei_toolkit.api.read_results import training_result
from ei_toolkit.api.results import DeviceProfile, TrainingResult
from ei_toolkit.api.train import Follow
from ei_toolkit.errors import ApiError

LOOK_S = 2.0
LOOKS = 60
NOT_TRAINED = re.compile(r"\bnot .*trained|\btrain .*first|\bno trained", re.IGNORECASE)


def require_trained(studio: Studio, learn_id: int) -> TrainingResult:
    """What the last training of a learn block gave. Raises ApiError, with what to do, where it was never trained."""
    try:
        return training_result(studio, learn_id)
    except ApiError as error:
        if NOT_TRAINED.search(error.what) and not error.hint:
            error.hint = "Train it: eitk train"
        raise


def profiles(studio: Studio, learn_id: int, follow: Follow, *, again: bool) -> tuple[DeviceProfile, ...]:
    """Profiles of a trained learn block; made anew if asked for, or if there are none.

    Raises ApiError where the model was not trained or the studio gives no profile.
    """
    found = require_trained(studio, learn_id)
    if again or not (found.profiles or found.is_profiling):
        start_profile(studio, learn_id)
    for _ in range(LOOKS):
        if job := profiling_job(studio, learn_id):
            follow(Started(job, {}), "profile")
        found = training_result(studio, learn_id)
        if found.profiles and not found.is_profiling:
            return found.profiles
        time.sleep(LOOK_S)
    raise ApiError("the studio gives no profile of this model", hint="eitk jobs list --all")
