"""What the board cannot do with the settings, found before anything is cut, trained or built.

`eitk flash` refuses the same things at the end; `init`, `slice` and `train` warn of them at the start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import (
    MICROPHONE_RATE_HZ,
    NRF52840_CLOCK_HZ,
    BoardSpec,
    board_spec,
    rate_problem,
    shorter_window,
    window_ram_bytes,
)
from ei_toolkit.config.units import kib
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.features import feature_count


def board_warnings(settings: Settings) -> list[str]:
    """Return a sentence for each limit of the board in [board] name that the settings exceed."""
    spec = board_spec(settings.board.name)
    return [*_rate(settings, spec), *_ram(settings, spec), *_time(settings, spec)]


def model_warnings(settings: Settings, *, latency_ms: float | None, ram_bytes: int, flash_bytes: int) -> list[str]:
    """Return the limits that a trained model exceeds; the sizes and the latency are those of the network only."""
    spec = board_spec(settings.board.name)
    found = []
    window = _window_ram(settings)
    if spec.ram_bytes is not None and window is not None and window + ram_bytes > spec.ram_bytes:
        found.append(
            f"the {spec.name} board has {kib(spec.ram_bytes)} of RAM; sketch and window take {kib(window)}, the model"
            f" {kib(ram_bytes)}: use a shorter slice.window_ms or fewer filters"
        )
    if spec.flash_bytes is not None and flash_bytes > spec.flash_bytes:
        found.append(
            f"the {spec.name} board has {kib(spec.flash_bytes)} of flash, the model takes {kib(flash_bytes)}: use int8"
            " or fewer filters"
        )
    own = _features_ms(settings, spec)
    if own is not None and latency_ms is not None and own <= settings.board.hop_ms < own + latency_ms:
        found.append(_too_slow(settings, spec, own + latency_ms, "a classification"))
    return found


def _rate(settings: Settings, spec: BoardSpec) -> Iterator[str]:
    if problem := rate_problem(settings.slice.sample_rate):
        yield f"the {spec.name} board cannot run this impulse: {problem}; set slice.sample_rate = {MICROPHONE_RATE_HZ}"


def _ram(settings: Settings, spec: BoardSpec) -> Iterator[str]:
    features, rate = _features(settings), settings.slice.sample_rate
    if spec.ram_bytes is None or features is None:
        return
    needed = window_ram_bytes(samples_in(settings.slice.window_ms, rate), features)
    if needed > spec.ram_bytes:
        yield (
            f"a window of {settings.slice.window_ms} ms does not fit the {spec.name} board: it takes {kib(needed)} of"
            f" {kib(spec.ram_bytes)} of RAM without the model; {shorter_window(spec.ram_bytes, features, rate)}"
        )


def _time(settings: Settings, spec: BoardSpec) -> Iterator[str]:
    own = _features_ms(settings, spec)
    if own is not None and own > settings.board.hop_ms:
        yield _too_slow(settings, spec, own, "computing the features")


def _too_slow(settings: Settings, spec: BoardSpec, needed_ms: float, what: str) -> str:
    return (
        f"{what} takes about {needed_ms:.0f} ms on the {spec.name} board, longer than board.hop_ms ="
        f" {settings.board.hop_ms}; set board.hop_ms = {math.ceil(needed_ms / 100) * 100} or more, or a longer"
        " frame_stride"
    )


def _window_ram(settings: Settings) -> int | None:
    """Return the RAM of sketch, window and features; None where eitk.toml has no valid processing block."""
    features = _features(settings)
    samples = samples_in(settings.slice.window_ms, settings.slice.sample_rate)
    return None if features is None else window_ram_bytes(samples, features)


def _features(settings: Settings) -> int | None:
    try:
        return feature_count(settings)
    except ConfigurationError:
        return None


def _features_ms(settings: Settings, spec: BoardSpec) -> float | None:
    own = known_features_ms(settings) if spec.clock_hz is not None else None
    return own if own is None or spec.clock_hz is None else own * NRF52840_CLOCK_HZ / spec.clock_hz
