"""Search with the tuner, read its report, and make the best trial the impulse of the project."""

import contextlib
import io
import json
import time
from typing import Any

import edgeimpulse as ei
from edgeimpulse.experimental import tuner
from edgeimpulse.tuner._functions.tuner import get_tuner_run_state, list_tuner_runs
from edgeimpulse.util import configure_generic_client, default_project_id_for
from edgeimpulse_api import (
    OptimizationApi,
    OptimizeConfig,
    TunerCompleteSearch,
    TunerCreateTrialImpulse,
    TunerSpaceImpulse,
    UpdateTunerRunRequest,
)


def rejection(call: Any, *arguments: Any) -> str:
    """Call a method that is refused, and return the message."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - the client raises no class of its own
        return str(error)
    return ""


learn = {"type": "keras", "dimension": ["dense"], "denseBaseNeurons": [8, 5000], "denseLayers": 1, "trainingCycles": 2}
space = TunerSpaceImpulse(
    inputBlocks=[{"type": "time-series", "windowSizeMs": [1000], "windowIncreaseMs": [500], "padZeros": True}],
    dspBlocks=[{"type": "mfe", "frame_length": [0.05], "frame_stride": [0.05, 0.1], "num_filters": [20]}],
    learnBlocks=[[learn]],
)
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    started = tuner.start_tuner([space], "arduino-nano-33-ble", 200, tuning_max_trials=2, name="first")
    state = tuner.check_tuner()
    frame = tuner.tuner_report_as_df(state)
    runs = list_tuner_runs()
    same = get_tuner_run_state(state.tuner_coordinator_job_id)
    tuner.print_tuner_job_logs()
    best = frame[frame.status == "completed"].sort_values("val_int8_accuracy").iloc[-1]
    tuner.set_impulse_from_trial(best.trial_id)
    config = OptimizeConfig(
        name="second", targetDevice={"name": "arduino-nano-33-ble"}, targetLatency=200, tuningAlgorithm="custom"
    )
    second_job = tuner.start_custom_tuner(config).id
    client = configure_generic_client(key=ei.API_KEY, host=ei.API_ENDPOINT)
    project, api = default_project_id_for(client), OptimizationApi(client)
    while second_job not in [run.tuner_job_id for run in api.list_tuner_runs(project).runs]:
        time.sleep(0.5)
    one = {"type": "mfe", "frame_length": 0.05, "frame_stride": 0.1, "num_filters": 20}
    blocks = {"inputBlocks": [{"type": "time-series", "padZeros": True}], "dspBlocks": [one]}
    layer = {"type": "keras", "dimension": "dense", "denseBaseNeurons": 8, "denseLayers": 1, "trainingCycles": 1}
    api.create_trial(project, second_job, TunerCreateTrialImpulse(id="mine", **blocks, learnBlocks=[layer]))
    api.complete_search(project, second_job, TunerCompleteSearch(success=True))
    second = tuner.check_tuner()
    refused = rejection(api.end_trial, project, second_job, "mine") + rejection(api.get_dsp_parameters, project, 1, 2)
    api.update_tuner_run(project, second_job, UpdateTunerRunRequest(name="third"))
    parsed = {
        "algorithm": api.get_config(project).tuning_algorithm,
        "space": len(api.get_space(project).impulse[0].dsp_blocks),
        "blocks": [block.type for block in api.get_all_blocks(project).dsp],
        "learn": [str(block.type) for block in api.get_all_learn_blocks(project).learn_blocks],
        "windows": api.get_window_settings(project).window_settings_event[0].window_count,
        "transfer": api.get_transfer_learning_models(project).models.classification,
        "lines": api.get_trial_logs(project, "mine").total_count,
        "names": [run.name for run in api.list_tuner_runs(project).runs],
    }
    api.delete_state(project)
found = {
    "job": started.id,
    "trials": [trial.status for trial in state.trials],
    "columns": sorted(frame.columns),
    "test_accuracy": float(best.test_int8_accuracy),
    "failed": [trial.model["learn"]["denseBaseNeurons"] for trial in state.trials if trial.status == "failed"],
    "runs": [run.name for run in runs.runs],
    "same": [trial.id for trial in same.trials] == [trial.id for trial in state.trials],
    "second": [second.config.name, [(trial.id, trial.status) for trial in second.trials]],
    "parsed": parsed,
    "refused": refused,
    "left": len(list_tuner_runs().runs),
    "printed": printed.getvalue(),
    "sdk": ei.__version__,
}
print(json.dumps(found))
