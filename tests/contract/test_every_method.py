"""Every implemented method with the official typed client: each response parses with the official model."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from ei_toolkit.studio.coverage import served_shapes
from ei_toolkit.studio.http.not_implemented import Method, official_methods

Arguments = Callable[[Any], dict[str, Any]]
UNTYPED = ("download_", "get_sample_as_audio", "get_sample_as_raw")  # responses that are not JSON
DEVICES = {
    f"devices.{name}"
    for name in (
        "create_device",
        "delete_device",
        "get_device",
        "get_impulse_records",
        "keep_device_debug_stream_alive",
        "list_devices",
        "rename_device",
        "request_device_model_update",
        "start_device_inference_debug_stream",
        "start_device_snapshot_debug_stream",
        "start_sampling",
        "stop_device_debug_stream",
    )
}  # tests/contract/test_devices.py, with a device that is connected; fmt: skip
CALIBRATION = {
    "jobs.start_performance_calibration_job",
    *(
        f"performance_calibration.{name}"
        for name in (
            "clear_performance_calibration_state",
            "delete_performance_calibration_saved_parameters",
            "get_performance_calibration_ground_truth",
            "get_performance_calibration_parameter_sets",
            "get_performance_calibration_raw_result",
            "get_performance_calibration_saved_parameters",
            "get_performance_calibration_status",
            "get_wav_file",
            "set_performance_calibration_saved_parameters",
            "upload_labeled_audio",
        )
    ),
}  # tests/contract/test_performance_calibration.py, in the order in which they are used; fmt: skip
TESTED_ELSEWHERE = {  # in other tests, because they change or delete what these tests need
    "login.login", "projects.delete_project", "projects.create_project", "raw_data.delete_all_samples",
    "raw_data.delete_all_samples_by_category", "raw_data.delete_sample", "raw_data.batch_delete",
    "impulse.delete_impulse", "projects.revoke_project_api_key", "projects.revoke_project_ingestion_only_api_key",
    "learn.upload_pretrained_model", "learn.profile_pretrained_model", "learn.save_pretrained_model_parameters",
    "learn.test_pretrained_model", "learn.get_pretrained_model_info", "jobs.get_profile_tflite_job_result",
    "learn.download_pretrained_model", "jobs.get_profile_tflite_job_result_via_post_request", "jobs.start_retrain_job",
    "jobs.train_keras_job", "dsp.clear_dsp_block", "export.download_export",
    "raw_data.crop_sample", "raw_data.segment_sample", "raw_data.find_segments_in_sample",
    *(f"optimization.{name}" for name in (
        "complete_search", "create_trial", "delete_state", "end_trial", "get_all_blocks", "get_all_learn_blocks",
        "get_config", "get_dsp_parameters", "get_space", "get_state", "get_transfer_learning_models", "get_trial_logs",
        "get_tuner_run_state", "get_window_settings", "list_tuner_runs", "update_config", "update_tuner_run",
    )), "jobs.optimize_job", "jobs.set_tuner_primary_job",  # tests/contract/sdk/tuner.py calls them
    "raw_data.store_segment_length", "raw_data.get_data_explorer_predictions", *DEVICES,
    *CALIBRATION,
    "jobs.start_version_job", "jobs.start_restore_job", "projects.update_version", "projects.delete_version",
}  # fmt: skip


@cache
def official_client() -> ModuleType:
    import edgeimpulse_api  # takes four seconds, so not while tests are collected

    return edgeimpulse_api


def implemented() -> Iterator[Method]:
    served = served_shapes()
    return (m for m in official_methods() if m.shape in served and f"{m.api}.{m.name}" not in TESTED_ELSEWHERE)


BODIES: dict[str, Arguments] = {
    "add_project_api_key": lambda p: {"name": "k", "isDevelopmentKey": False, "role": "readonly"},
    "add_project_ingestion_only_api_key": lambda p: {"name": "device"},
    "batch_add_metadata": lambda p: {"metadataKey": "k", "metadataValue": "v"},
    "batch_clear_metadata_by_key": lambda p: {"metadataKey": "k"},
    "batch_edit_labels": lambda p: {"label": "rock"},
    "batch_move": lambda p: {"newCategory": "training"},
    "build_on_device_model_job": lambda p: {"engine": "tflite-eon", "modelType": "int8"},
    "clone_impulse_complete": lambda p: {"name": "complete copy"},
    "clone_impulse_structure": lambda p: {"name": "copy"},
    "create_impulse": lambda p: p.call("GET", "/impulse")["impulse"],
    "create_new_empty_impulse": lambda p: {"type": "default"},
    "edit_label": lambda p: {"label": "rock"},
    "generate_features_job": lambda p: {"dspId": p.ids["dsp"]},
    "move_sample": lambda p: {"newCategory": "testing"},
    "rename_sample": lambda p: {"name": "renamed"},
    "run_dsp_on_features_array": lambda p: {
        "features": [n % 50 for n in range(16000)], "params": {}, "drawGraphs": True, "requestPerformance": False,
    },
    "run_dsp_sample_slice": lambda p: {"params": {"fft_length": "128"}, "store": False},
    "set_data_explorer_settings": lambda p: {"preset": "current-impulse", "dimensionalityReductionTechnique": "pca"},
    "set_dsp_config": lambda p: {"config": {"fft_length": "64"}},
    "set_impulse_thresholds": lambda p: {"thresholds": [], "allowCreatingRegenerateModelTestingJobs": False},
    "set_keras": lambda p: {"mode": "visual", "trainingCycles": 3},
    "set_project_compute_time_limit": lambda p: {"jobLimitM": 30},
    "set_project_file_size_limit": lambda p: {"dspFileSizeMb": 4096},
    "set_sample_metadata": lambda p: {"metadata": {"artist": "rock-0"}},
    "set_sample_structured_labels": lambda p: {
        "structuredLabels": [{"startIndex": 0, "endIndex": 15999, "label": "rock"}]
    },
    "set_target_constraints": lambda p: p.call("GET", "/target-constraints")["targetConstraints"],
    "split_dataset": lambda p: {
        "trainingSplitRatio": 80, "testingSplitRatio": 20, "keepTogetherMetadataKeys": ["artist"],
    },
    "start_classify_job": lambda p: {"modelVariants": ["int8"]},
    "start_original_export_job": lambda p: {"uploaderFriendlyFilenames": False, "retainCrops": True},
    "start_profile_tflite_job": lambda p: {
        "tfliteFileBase64": base64.b64encode(tflite(p)).decode(), "device": "cortex-m4f-80mhz",
    },
    "start_wav_export_job": lambda p: {"retainCrops": True},
    "update_impulse": lambda p: {"name": "Impulse #1"},
    "update_project": lambda p: {"description": "what it is for"},
    "update_project_tags": lambda p: {"tags": ["audio"]},
}  # fmt: skip
QUERIES: dict[str, dict[str, Any]] = {
    "batch_add_metadata": {"labels": '["nobody"]'}, "batch_clear_metadata": {"labels": '["nobody"]'},
    "batch_clear_metadata_by_key": {"labels": '["nobody"]'}, "batch_disable": {"labels": '["nobody"]'},
    "batch_edit_labels": {"labels": '["nobody"]'}, "batch_enable": {"labels": '["nobody"]'},
    "batch_move": {"labels": '["nobody"]'},
    "build_on_device_model_job": {"type": "zip"},
    "download_build": {"type": "arduino"}, "get_deployment": {"type": "arduino"},
    "get_sample": {"limit_payload_values": 50}, "get_sample_slice": {"slice_start": 0, "slice_end": 100},
    "get_dsp_sample_slice": {"slice_start": 0, "slice_end": 100},
    "run_dsp_sample_slice": {"slice_start": 0, "slice_end": 16000},
    "run_dsp_sample_slice_read_only": {"slice_start": 0, "slice_end": 16000},
    "classify_sample_for_variants": {"variants": "int8,float32"},
    "get_jobs_summary": {"start_date": datetime(2020, 1, 1, tzinfo=UTC), "end_date": datetime(2100, 1, 1, tzinfo=UTC)},
    "dsp_sample_trained_features": {"feature_ax1": 0, "feature_ax2": 1, "feature_ax3": 2},
    "get_sample_as_audio": {"axis_ix": 0, "slice_start": 100, "slice_end": 300},
    "get_uncropped_downsampled_sample": {"limit_payload_values": 20, "zoom_start": 0, "zoom_end": 8000},
}  # fmt: skip
PATH_VALUES: dict[str, Arguments] = {
    "project_id": lambda p: p.id, "sample_id": lambda p: p.ids["sample"], "dsp_id": lambda p: p.ids["dsp"],
    "learn_id": lambda p: p.ids["learn"], "impulse_id": lambda p: p.ids["impulse"], "job_id": lambda p: p.ids["job"],
    "deployment_version": lambda p: p.ids["deployment"], "category": lambda p: "training",
    "model_download_id": lambda p: "tflite-int8", "block_id": lambda p: p.ids["learn"], "window_index": lambda p: 1,
}  # fmt: skip


def tflite(project: Any) -> bytes:
    import requests

    url = f"{project.studio.api_url}/api/1/learn-data/{project.ids['learn']}/model/tflite-int8"
    return requests.get(url, headers=project.headers, timeout=30).content


@pytest.fixture(scope="module")
def client(trained: Any) -> Any:
    ea = official_client()
    configuration = ea.Configuration(host=trained.studio.api_url, api_key={"ApiKeyAuthentication": trained.studio.key})
    return ea.ApiClient(configuration)


def api_class(name: str) -> type:
    wanted = name.replace("_", "") + "api"
    return getattr(
        official_client(), next(n for n in dir(official_client()) if n.lower() == wanted and n.endswith("Api"))
    )


def arguments_of(method: Callable[..., Any], name: str, project: Any) -> list[Any]:
    """Positional arguments: path values, then the body as the official request model."""
    arguments = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.name in PATH_VALUES:
            arguments.append(PATH_VALUES[parameter.name](project))
        elif parameter.name in QUERIES.get(name, {}):
            arguments.append(QUERIES[name][parameter.name])
        else:
            arguments.append(request_model(parameter).parse_obj(BODIES[name](project)))
    return arguments


def request_model(parameter: inspect.Parameter) -> Any:
    return (
        getattr(official_client(), parameter.annotation)
        if isinstance(parameter.annotation, str)
        else parameter.annotation
    )


def keywords_of(method: Callable[..., Any], name: str) -> dict[str, Any]:
    optional = {p.name for p in inspect.signature(method).parameters.values() if p.default is not p.empty}
    return {key: value for key, value in QUERIES.get(name, {}).items() if key in optional}


@pytest.mark.parametrize("official", list(implemented()), ids=lambda m: f"{m.api}.{m.name}")
def test_a_response_parses_with_the_official_model(official: Method, client: Any, trained: Any) -> None:
    method = getattr(api_class(official.api)(client), official.name)
    undecorated = inspect.unwrap(method)
    arguments = arguments_of(undecorated, official.name, trained)
    answer = method(*arguments, **keywords_of(undecorated, official.name), _preload_content=False)
    assert answer.status == 200
    if official.name.startswith(UNTYPED):
        assert answer.data
        return
    document = json.loads(answer.data)
    assert document["success"], document
    check(document, inspect.signature(undecorated).return_annotation)
    if isinstance(document.get("id"), int) and "/jobs/" in official.path and official.verb == "POST":
        trained.wait(document["id"])


def check(document: dict[str, Any], model: Any) -> None:
    """Check that required fields exist and have their type, and that there is no unknown field."""
    if isinstance(model, str):
        model = getattr(official_client(), model)
    if "any_of_schemas" in model.__fields__:
        model.from_json(json.dumps(document))
        return
    model.parse_obj(document)
    model.from_dict(document)
    unknown = set(document) - {field.alias for field in model.__fields__.values()}
    assert not unknown, f"fields that {model.__name__} does not have: {unknown}"
