"""eitk.toml as frozen settings, each value with the place it came from."""

from ei_toolkit.config.load import CONFIG_NAME, Config, find_config, load_config
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.settings import (
    AugmentSettings,
    BoardSettings,
    BuildSettings,
    DatasetSettings,
    DspBlock,
    GateSettings,
    ImpulseSettings,
    Layer,
    ProjectSettings,
    Settings,
    SliceSettings,
    StoreSettings,
    StudioSettings,
    TrainingSettings,
)

__all__ = [
    "CONFIG_NAME",
    "AugmentSettings",
    "BoardSettings",
    "BuildSettings",
    "Config",
    "DatasetSettings",
    "DspBlock",
    "GateSettings",
    "ImpulseSettings",
    "Layer",
    "ProjectPaths",
    "ProjectSettings",
    "Settings",
    "SliceSettings",
    "StoreSettings",
    "StudioSettings",
    "TrainingSettings",
    "find_config",
    "load_config",
]
