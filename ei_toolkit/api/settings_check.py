"""Check settings against each other and against the processing blocks, the layers, the studio and the clips.

The types and ranges of single settings are checked when they are loaded; see `config/load.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ei_toolkit.audio.window import samples_in
from ei_toolkit.client.endpoint import (
    LOCAL,
    checked_api_url,
    checked_ingestion_url,
    checked_remote_management_url,
)
from ei_toolkit.client.impulse.state import check_impulse, wanted_impulse
from ei_toolkit.compute import cores
from ei_toolkit.config import Config, DspBlock, Settings
from ei_toolkit.config.address import is_address
from ei_toolkit.config.setting import refused_values
from ei_toolkit.config.settings import CLOUD_ENGINES, ENGINES, TARGETS
from ei_toolkit.dataset.file_names import compiled_pattern
from ei_toolkit.dataset.folder import Clip, read_clips
from ei_toolkit.dataset.lengths import measure_lengths
from ei_toolkit.errors import ConfigurationError, DataError, Fault
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.layers import layer_errors
from ei_toolkit.tuning.space import space_faults


def setting_faults(settings: Settings) -> Iterator[Fault]:
    """Yield the values that are out of range, and those that another setting or a later command does not allow.

    Reads no file.
    """
    yield from refused_values(settings)
    studio, build = settings.studio, settings.build
    if studio.url != LOCAL:
        yield from _faults("studio.url", lambda: checked_api_url(studio.url))
        if studio.ingestion_url:
            yield from _faults("studio.ingestion_url", lambda: checked_ingestion_url(studio.ingestion_url))
        if url := studio.remote_management_url:
            yield from _faults("studio.remote_management_url", lambda: checked_remote_management_url(url))
    else:
        if build.engine in CLOUD_ENGINES:  # others are refused above
            yield from _not_local("build.engine", build.engine, ENGINES)
        yield from _not_local("build.target", build.target, TARGETS)
    yield from _faults("dataset.group_pattern", lambda: compiled_pattern(settings.dataset.group_pattern))
    yield from space_faults(settings.tune)
    if not any(refused_values(settings.slice)):
        yield from _impulse(settings)


def check_files(config: Config) -> None:
    """Raise SettingsError for an impulse without layers, a script that cannot be read, and layers that do not fit."""
    settings, root = config.settings, config.paths.root
    if settings.impulse.dsp:
        checked = _faults("impulse", lambda: check_impulse(wanted_impulse(settings, root), ram_bytes=None))
        if faults := list(checked):
            raise config.error(faults)


def check_clips(config: Config) -> list[str]:
    """Compare the settings with the clips, and return warnings.

    For it, no archive of clips is unpacked, and nothing is copied from an address.

    Raises SettingsError for a folder or a label without clips, and for a window that is longer than all clips of a
    label.
    """
    settings = config.settings
    root = (config.paths.root / Path(settings.dataset.root).expanduser()).resolve()
    if not settings.dataset.root or root.is_file() or is_address(settings.dataset.root):
        return []
    try:
        folder = read_clips(root, settings.project.labels, settings.dataset)
    except (ConfigurationError, DataError) as error:
        key = "project.labels" if root.is_dir() and settings.project.labels else "dataset.root"
        raise config.error([Fault(key, f"{key}: {error}", error.hint)]) from None
    short = [] if settings.slice.short == "pad" else list(_labels_shorter(folder.clips, settings.slice.window_ms))
    if short:
        raise config.error(short)
    unknown = sorted(set(settings.board.colours) - set(folder.layout.labels))
    if config.origin("board.colours") == "default":
        return []
    return [f"board.colours.{label} has no effect: there is no label {label}" for label in unknown]


def _labels_shorter(clips: Sequence[Clip], window_ms: int) -> Iterator[Fault]:
    """Yield a fault for each label whose clips are all shorter than a window."""
    seconds = measure_lengths(clips, cores()).seconds
    longest: dict[str, float] = {}
    for clip in clips:
        if clip.name in seconds:
            longest[clip.label] = max(longest.get(clip.label, 0), seconds[clip.name])
    for label, longest_s in sorted(longest.items()):
        if longest_s * 1000 < window_ms:
            problem = f"slice.window_ms = {window_ms}: must be at most {longest_s * 1000:.0f}"
            yield Fault(
                "slice.window_ms",
                f"{problem}, the length of the longest clip of {label}",
                'Set slice.window_ms to a shorter window, or slice.short = "pad".',
            )


def _faults(key: str, check: Callable[[], object]) -> Iterator[Fault]:
    """Yield the fault that a check raises; `key` is its setting if the error names none."""
    try:
        check()
    except ConfigurationError as error:
        yield Fault(error.key or key, str(error), error.hint)


def _not_local(key: str, value: str, known: tuple[str, ...]) -> Iterator[Fault]:
    if value not in known:
        problem = f'{key} = {value!r}: must be one of {", ".join(known)}, because studio.url is "{LOCAL}"'
        yield Fault(key, problem, "Set it to one of these, or name another studio in studio.url.")


def _impulse(settings: Settings) -> Iterator[Fault]:
    rate = settings.slice.sample_rate
    samples = samples_in(settings.slice.window_ms, rate)
    for index, block in enumerate(settings.impulse.dsp):
        yield from _block(f"impulse.dsp[{index}]", block, samples, rate)
    if not settings.impulse.script:
        for error in layer_errors(settings.impulse.layers):
            yield Fault(error.key, error.what, error.hint)


def _block(where: str, block: DspBlock, samples: int, rate: int) -> Iterator[Fault]:
    """Yield the parameters and the version that a block does not have, and what is wrong with its values."""
    described = dsp.describe(block.type)
    known = [parameter.name for parameter in described.parameters]
    for name in block.params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Parameters: " + ", ".join(known) + "."
            yield Fault(f"{where}.{name}", f"{where}.{name}: the {block.type} block has no such parameter", hint)
    if (version := block.implementation_version) not in described.versions:
        key, versions = f"{where}.implementation_version", ", ".join(map(str, described.versions))
        yield Fault(key, f"{key} = {version}: must be one of {versions}", f"Set {key} to {described.latest_version}.")
        version = described.latest_version
    params = {name: value for name, value in block.params.items() if name in known}
    try:
        dsp.output_shape(block.type, samples, float(rate), version, **params)
    except ConfigurationError as error:
        named = next((name for name in error.what.replace(",", " ").split() if name in params), "")
        yield Fault(f"{where}.{named}".rstrip("."), f"{where}: {error}", error.hint)
