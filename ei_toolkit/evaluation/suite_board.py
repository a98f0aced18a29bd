"""Whether the board runs the models of a suite, and what prevents it: networks are compiled with random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ, NANO33BLE, SKETCH_RAM, window_ram_bytes
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.units import classification_time, kib
from ei_toolkit.eon.check import Check, check_model
from ei_toolkit.eon.window_cost import features_ms, features_ram_bytes
from ei_toolkit.evaluation.suite_networks import BYTES_PER_PARAMETER, NetworkSettings
from ei_toolkit.tuning.cost import untrained_network

Obstacle = Literal["features", "flash", "RAM", "time", "operators"]
Obstacles = tuple[tuple[Obstacle, str], ...]
"""What prevents that the board runs a model, with the figures; empty if nothing does."""

NO_FEATURES: Obstacles = (("features", "librosa computes them, and the firmware has no code for them"),)


def network_obstacles(network: NetworkSettings, features: int, labels: int, parameters: int) -> Obstacles:
    """Return what prevents that the board runs the network of a recipe on windows with so many features.

    Windows are as long and as far apart as the recipe's, at the sample rate of the microphone. Where the memory has
    no room for sketch, window and weights, these are the obstacles; else the network is compiled (with TensorFlow).
    """
    settings = _on_board(load_recipe(network.recipe)[0], features // network.chunks.columns)
    samples = samples_in(settings.slice.window_ms, MICROPHONE_RATE_HZ)
    window = window_ram_bytes(samples, features) + features_ram_bytes(settings)
    is_int8 = settings.training.int8
    weights = parameters if is_int8 else BYTES_PER_PARAMETER * parameters
    if found := (*_memory("flash", weights, "weights"), *_memory("RAM", window, "sketch, window and features")):
        return found
    tflite, _ = untrained_network(network.script, features, labels, settings.training, is_int8=is_int8)
    return compiled_obstacles(check_model(tflite), window, features_ms(settings), settings.slice.hop_ms)


def _on_board(settings: Settings, frames: int) -> Settings:
    """Return the settings with the sample rate of the microphone, and about so many frames in a window."""
    highest, stride = MICROPHONE_RATE_HZ // 2, round(settings.slice.window_ms / 1000 / frames, 4)

    def adapted(block: DspBlock) -> DspBlock:
        high = min(int(block.params["high_frequency"]), highest)
        return replace(block, params={**block.params, "high_frequency": high, "frame_stride": stride})

    return replace(
        settings,
        slice=replace(settings.slice, sample_rate=MICROPHONE_RATE_HZ),
        impulse=replace(settings.impulse, dsp=tuple(map(adapted, settings.impulse.dsp))),
    )


def compiled_obstacles(checked: Check, window_ram: int, features_ms: float, hop_ms: int) -> Obstacles:
    """Return what prevents that the board runs a checked model every `hop_ms`.

    `window_ram` is the RAM of sketch, window and features in bytes, `features_ms` the time of the features of a window.
    """
    if checked.cost is None:
        kinds = sorted({blocker.kind for blocker in checked.blockers})
        return (("operators", f"the compiler does not support {', '.join(kinds)}"),)
    own = next(fit for fit in checked.cost.fits if fit.board == NANO33BLE.name)
    network_ram = own.ram_bytes - SKETCH_RAM
    network_ms = checked.cost.latency_ms
    time = f"{classification_time(features_ms, network_ms)}, and a window comes every {hop_ms} ms"
    late: Obstacles = (("time", time),) if features_ms + network_ms > hop_ms else ()
    return (
        *_memory("flash", own.flash_bytes, "network"),
        *_memory("RAM", window_ram + network_ram, f"of which the network takes {kib(network_ram)}"),
        *late,
    )


def _memory(kind: Literal["flash", "RAM"], needed: int, what: str) -> Obstacles:
    there_is = NANO33BLE.flash_bytes if kind == "flash" else NANO33BLE.ram_bytes
    exceeds = there_is is not None and needed > there_is
    return ((kind, f"{kib(needed)} of {kib(there_is or 0)} ({what})"),) if exceeds else ()
