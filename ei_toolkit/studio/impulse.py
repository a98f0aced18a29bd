"""Blocks of an impulse with what they need to run: window and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.audio.window import samples_in
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.blocks import Impulse


@dataclass(frozen=True)
class ProcessingBlock:
    """A processing block: `document` as it is stored, `window` is its input block, `config` its settings."""

    id: int
    impulse: int
    document: Mapping[str, Any]
    window: Mapping[str, Any]
    config: Mapping[str, str]

    @property
    def type(self) -> str:
        """Block type: spectrogram, mfe or mfcc."""
        return str(self.document["type"])

    @property
    def version(self) -> int:
        """Implementation version."""
        return int(self.document["implementationVersion"])

    @property
    def axis(self) -> str:
        """Axis that the block reads."""
        return str(self.document["axes"][0])

    @property
    def frequency(self) -> float:
        """Samples per second of its windows."""
        return float(self.window["frequencyHz"])

    @property
    def window_samples(self) -> int:
        """Samples of a window."""
        return self._samples(self.window["windowSizeMs"])

    @property
    def increase_samples(self) -> int:
        """Samples between two windows of a training sample."""
        return self._samples(self.window["windowIncreaseMs"])

    def _samples(self, milliseconds: float) -> int:
        return max(1, samples_in(milliseconds, self.frequency))

    def dsp_request(self, config: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what the compute worker needs to run the block."""
        return {
            "block": self.type,
            "version": self.version,
            "frequency": self.frequency,
            "samples": self.window_samples,
            "params": dict(self.config if config is None else config),
        }

    def windowing(self) -> dict[str, Any]:
        """Return the same, and how recordings are cut into windows."""
        cutting = {"increase": self.increase_samples, "pad": bool(self.window["padZeros"]), "axis": self.axis}
        times = {"windowMs": self.window["windowSizeMs"], "increaseMs": self.window["windowIncreaseMs"]}
        return {**self.dsp_request(), **cutting, **times}

    @property
    def settings_hash(self) -> str:
        """Hash of all settings that the features of a sample depend on; a part of the feature cache's key."""
        window = {key: self.window[key] for key in ("windowSizeMs", "windowIncreaseMs", "frequencyHz", "padZeros")}
        settings = [self.type, self.version, self.axis, window, dict(self.config)]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def processing_block(store: Store, project: int, block: int) -> ProcessingBlock:
    """Return a processing block of a project. Raises ApiError."""
    impulse, document = store.blocks.owner(project, "dspBlocks", block)
    return _with_window(store, impulse, document)


def processing_blocks(store: Store, impulse: Impulse, learn: Mapping[str, Any]) -> list[ProcessingBlock]:
    """Return the processing blocks that a learn block reads, in its order."""
    documents = [impulse.block("dspBlocks", id_) for id_ in learn["dsp"]]
    return [_with_window(store, impulse, document) for document in documents if document]


def learn_block(store: Store, project: int, block: int) -> tuple[Impulse, dict[str, Any]]:
    """Return the impulse of a learn block, and the block. Raises ApiError."""
    return store.blocks.owner(project, "learnBlocks", block)


def _with_window(store: Store, impulse: Impulse, document: Mapping[str, Any]) -> ProcessingBlock:
    inputs = impulse.blocks("inputBlocks")
    window = next((block for block in inputs if block["id"] == document.get("input", block["id"])), None)
    if window is None:
        raise ApiError(f"Processing block {document['id']} has no input block")
    config = store.blocks.config(impulse.project, document["id"])
    return ProcessingBlock(document["id"], impulse.id, document, window, config)


def fingerprint(store: Store, impulse: Impulse) -> str:
    """Return a hash of an impulse with the settings and models of its blocks, which a build depends on."""
    ids = [block["id"] for kind in ("dspBlocks", "learnBlocks") for block in impulse.blocks(kind)]
    configs = {id_: store.blocks.config(impulse.project, id_) for id_ in ids}
    models = {
        id_: dict(model.files) for id_ in ids if (model := store.artifacts.model(impulse.project, id_)) is not None
    }
    contents = [impulse.document, configs, models]
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
