"""Estimates of time and memory on devices, waited for where they are still being made."""

from __future__ import annotations

import time

from ei_toolkit.api.jobs.job import Started
from ei_toolkit.api.jobs.kinds import profiling_job, start_profile
from ei_toolkit.api.project import Studio
from ei_toolkit.api.read_results import training_result
from ei_toolkit.api.results import DeviceProfile
from ei_toolkit.api.train import Follow
from ei_toolkit.errors import ApiError

LOOK_S = 2.0
LOOKS = 60


def profiles(studio: Studio, learn_id: int, follow: Follow, *, again: bool) -> tuple[DeviceProfile, ...]:
    """Profiles of a trained learn block; made anew if asked for, or if there are none.

    Raises ApiError where the model was not trained or the studio gives no profile.
    """
    found = training_result(studio, learn_id)
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
