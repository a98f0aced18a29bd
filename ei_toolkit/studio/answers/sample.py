"""Samples as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.studio.store.samples import Sample

TRUNCATED_LABELS = 4


def sample_summary(sample: Sample, *, truncate_labels: bool = False, sensors: bool = True) -> dict[str, Any]:
    """A `Sample`."""
    channels = _sensors(sample) if sensors else []
    return {
        "id": sample.id,
        "filename": sample.filename,
        "signatureValidate": True,
        "created": sample.created,
        "lastModified": sample.modified,
        "category": sample.category,
        "coldstorageFilename": _stored_name(sample),
        "label": sample.label,
        "intervalMs": sample.interval_ms,
        "frequency": sample.frequency,
        "originalIntervalMs": sample.interval_ms,
        "originalFrequency": sample.frequency,
        **({"deviceName": sample.device_name} if sample.device_name else {}),
        "deviceType": sample.device_type,
        "sensors": channels,
        "valuesCount": sample.values_count,
        "totalLengthMs": sample.length_ms,
        "added": sample.created,
        "boundingBoxes": [],
        "boundingBoxesType": "object_detection",
        "chartType": "chart",
        "isDisabled": sample.disabled,
        "isProcessing": False,
        "processingError": False,
        "isCropped": False,
        "metadata": dict(sample.metadata),
        "projectId": sample.project,
        "sha256Hash": sample.sha256,
        **_structured(sample, truncate_labels),
        "datastreams": [_datastream(sample, channels)],
    }


def sample_payload(sample: Sample, values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A `RawSamplePayload`; `values` is one list an instant, one number a sensor."""
    return {
        **({"device_name": sample.device_name} if sample.device_name else {}),
        "device_type": sample.device_type,
        "sensors": _sensors(sample),
        "values": values,
        "intervalMs": sample.interval_ms,
        "frequencyHz": sample.frequency,
    }


def sample_with_values(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Fields of a `GetSampleDspResponse`: a sample and (some of) its values."""
    return {
        "sample": sample_summary(sample, truncate_labels=truncate),
        "payload": sample_payload(sample, values),
        "totalPayloadLength": sample.values_count,
    }


def full_sample(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Fields of a `GetSampleResponse`."""
    fields = sample_with_values(sample, values, truncate=truncate)
    stream = {"index": 0, "payload": fields["payload"], "totalPayloadLength": sample.values_count}
    return {**fields, "datastreamPayloads": [stream]}


def _stored_name(sample: Sample) -> str:
    """The name in storage: clients strip three dotted parts to have the file name back."""
    return f"{sample.project}/{sample.category}/{sample.filename}{sample.suffix}.{sample.id}.local{sample.suffix}"


def _sensors(sample: Sample) -> list[dict[str, Any]]:
    return [{"index": index, "name": name, "units": units} for index, (name, units) in enumerate(sample.sensors)]


def _structured(sample: Sample, truncate: bool) -> dict[str, Any]:
    if sample.structured_labels is None:
        return {}
    labels: list[Mapping[str, Any]] = list(sample.structured_labels)
    return {
        "structuredLabels": labels[:TRUNCATED_LABELS] if truncate else labels,
        "structuredLabelsList": list(dict.fromkeys(label["label"] for label in labels)),
    }


def _datastream(sample: Sample, channels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "index": 0,
        "chartType": "chart",
        "intervalMs": sample.interval_ms,
        "frequencyHz": sample.frequency,
        "sensors": channels,
        "valuesCount": sample.values_count,
        "totalLengthMs": sample.length_ms,
    }
