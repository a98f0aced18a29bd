"""Processing blocks: their settings, features and metadata, and runs for single samples."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.impulse import dsp
from ei_toolkit.studio.http.dsp import dsp_metadata, feature_labels, line_graph, parameter_groups, text_of
from ei_toolkit.studio.http.dsp_runs import MOST_VALUES, DspFeaturesRequest
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.schema import parse

RATE, FFT = 16000, {"fft_length": "64"}
IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": RATE}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "implementationVersion": 4, "name": "Spektrum"}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
LENGTHS = (1600, 2400, 3200)  # one, two and three windows


def noise(seed: int, count: int = 1600) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, count).astype(np.int16)


def expected(values: np.ndarray, **params: str) -> np.ndarray:
    return dsp.run("spectrogram", values, RATE, 4, **(params or FFT))


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse and three training samples of two labels."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    api.fields("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})
    for number, count in enumerate(LENGTHS):
        api.upload({f"{number}.wav": wav_bytes(noise(number, count), RATE)}, x_label=("rock", "jazz", "rock")[number])
    return api


@pytest.fixture
def generated(made: Api) -> Api:
    """The same with features."""
    made.run(made.fields("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"])
    return made


def config(api: Api) -> dict[str, str]:
    groups = api.fields("GET", "/1/dsp/2")["config"]
    return {item["param"]: item["value"] for group in groups for item in group["items"]}


def test_parameters_are_shown_in_groups_with_value_and_default(made: Api) -> None:
    groups = made.fields("GET", "/1/dsp/2")["config"]
    assert [group["group"] for group in groups] == ["Spectrogram", "Normalization"]
    [fft] = [item for item in groups[0]["items"] if item["param"] == "fft_length"]
    assert (fft["value"], fft["defaultValue"], fft["type"]) == ("64", "128", "int")
    [axes] = [item for item in groups[0]["items"] if item["param"] == "show_axes"]
    assert (axes["value"], axes["shouldShow"]) == ("true", False)


@pytest.mark.parametrize(
    ("sent", "text"), [(True, "true"), (False, "false"), (64, "64"), (0.02, "0.02"), ("-52", "-52"), (1e-05, "1e-05")]
)
def test_a_value_is_text_as_the_api_writes_it(sent: Any, text: str) -> None:
    assert text_of(sent) == text


def test_a_change_keeps_the_other_parameters_and_ignores_unknown_ones(made: Api) -> None:
    made.fields("POST", "/1/dsp/2", json={"config": {"noise_floor_db": -60, "unknown": 1, "fft_length": None}})
    assert config(made)["noise_floor_db"] == "-60" and config(made)["fft_length"] == "64"
    assert made.studio.store.blocks.config(1, 2) == {"fft_length": "64", "noise_floor_db": "-60"}


def test_a_value_that_the_block_cannot_run_with_is_rejected_and_not_stored(made: Api) -> None:
    for value in ("many", "65", "0", "-64"):
        assert "fft_length" in made.error("POST", "/1/dsp/2", json={"config": {"fft_length": value}})
    error = made.error("POST", "/1/dsp/2", json={"config": {"frame_length": 5}})
    assert error == "frame length is larger than the window (a frame has 80000 samples, the window 1600)"
    assert made.studio.store.blocks.config(1, 2) == FFT


def test_an_unknown_block_is_an_error_on_every_route(made: Api) -> None:
    for path in ("/dsp/9", "/dsp/9/metadata", "/dsp-data/9/x/training", "/dsp/9/performance", "/dsp/9/features/labels",
                 "/dsp/9/features/importance", "/dsp/9/raw-data/1", "/dsp/3"):  # fmt: skip
        block = 3 if path.endswith("3") else 9
        assert made.error("GET", f"/1{path}") == f"No DSP block with this ID found ({block})"
    assert made.error("POST", "/1/dsp/9/clear") == "No DSP block with this ID found (9)"


def test_the_description_of_a_block_has_its_window_axes_and_classes(made: Api) -> None:
    found = made.fields("GET", "/1/dsp/2")["dsp"]
    assert (found["id"], found["name"], found["type"], found["windowLength"]) == (2, "Spektrum", "spectrogram", 100)
    assert (found["classes"], found["inputAxes"]) == (["jazz", "rock"], ["audio"])
    assert found["features"] == {"generated": False, "classes": ["jazz", "rock"]}
    assert found["expectedWindowCount"] == 3
    made.fields("POST", "/1/raw-data/1/disable")
    assert made.fields("GET", "/1/dsp/2")["dsp"]["expectedWindowCount"] == 2


def test_features_are_those_of_each_window_in_the_order_of_the_samples(generated: Api) -> None:
    x = np.load(io.BytesIO(generated.call("GET", "/1/dsp-data/2/x/training").content))
    y = np.load(io.BytesIO(generated.call("GET", "/1/dsp-data/2/y/training").content))
    windows = [
        noise(number, count)[start : start + 1600]
        for number, count in enumerate(LENGTHS)
        for start in range(0, count - 1599, 800)
    ]
    np.testing.assert_allclose(x, [expected(window) for window in windows], rtol=1e-6)
    assert x.dtype == np.float32 and y.dtype == np.int32
    assert y.tolist() == [  # label from 1 in alphabetical order, sample, start and end in ms
        [2, 1, 0, 100], [1, 2, 0, 100], [1, 2, 50, 150], [2, 3, 0, 100], [2, 3, 50, 150], [2, 3, 100, 200],
    ]  # fmt: skip


def test_metadata_of_features_counts_windows_by_sample(generated: Api) -> None:
    found = generated.fields("GET", "/1/dsp/2/metadata")
    frames, bins = dsp.output_shape("spectrogram", 1600, RATE, 4, **FFT)
    assert (found["generated"], found["windowCount"], found["labels"]) == (True, 6, ["jazz", "rock"])
    assert found["featureCount"] == frames * bins
    assert found["outputConfig"]["shape"] == {"width": frames, "height": bins}
    assert found["includedSamples"] == [{"id": n, "windowCount": n} for n in (1, 2, 3)]
    assert (found["dspConfig"], found["fftUsed"]) == (FFT, [64])
    assert (found["windowSizeMs"], found["windowIncreaseMs"], found["frequency"]) == (100, 50, RATE)
    short = generated.fields("GET", "/1/dsp/2/metadata?excludeIncludedSamples=true")
    assert short["includedSamples"] == [] and short["windowCount"] == 6


def test_metadata_without_features_has_the_present_settings(made: Api) -> None:
    found = made.fields("GET", "/1/dsp/2/metadata?category=testing")
    assert (found["generated"], found["windowCount"], found["featureCount"]) == (False, 0, 0)
    assert found["dspConfig"] == FFT and found["includedSamples"] == []


def test_an_fft_length_that_is_no_number_is_not_reported() -> None:
    window = {"windowSizeMs": 1, "windowIncreaseMs": 1, "padZeros": False, "frequencyHz": 1}
    assert dsp_metadata(None, window, {"fft_length": "auto"}, "2026", included=True)["fftUsed"] == []
    assert dsp_metadata(None, window, {}, "2026", included=True)["fftUsed"] == []


def test_features_that_were_not_generated_are_an_error_with_the_way_out(made: Api) -> None:
    for axis in "xy":
        error = made.error("GET", f"/1/dsp-data/2/{axis}/testing")
        assert error == "No testing features were generated for block 2 yet: start a generate-features job"


def test_cleared_features_are_gone_and_the_settings_stay(generated: Api) -> None:
    generated.fields("POST", "/1/dsp/2/clear")
    assert generated.fields("GET", "/1/dsp/2/metadata")["generated"] is False
    assert config(generated)["fft_length"] == "64"
    generated.fields("POST", "/1/dsp/2/clear")


def test_a_run_on_sent_values_gives_the_features_and_their_names(made: Api) -> None:
    values = noise(5)
    found = made.fields("POST", "/1/dsp/2/run", json={"features": values.tolist()})
    np.testing.assert_allclose(found["features"], expected(values), rtol=1e-6)
    frames, bins = dsp.output_shape("spectrogram", 1600, RATE, 4, **FFT)
    assert len(found["labels"]) == frames * bins and found["graphs"] == []
    assert found["labels"][bins] == "frame 1 bin 0"


def test_parameters_that_are_sent_replace_those_of_the_block_for_one_run(made: Api) -> None:
    values = noise(6)
    body = {"features": values.tolist(), "params": {"fft_length": 256}}
    found = made.fields("POST", "/1/dsp/2/run", "readonly", json=body)
    np.testing.assert_allclose(found["features"], expected(values, fft_length="256"), rtol=1e-6)
    assert made.studio.store.blocks.config(1, 2) == FFT


def test_a_graph_has_the_mean_of_each_bin(made: Api) -> None:
    values = noise(7)
    [graph] = made.fields("POST", "/1/dsp/2/run", json={"features": values.tolist(), "drawGraphs": True})["graphs"]
    frames, bins = dsp.output_shape("spectrogram", 1600, RATE, 4, **FFT)
    np.testing.assert_allclose(graph["X"]["Spektrum"], expected(values).reshape(frames, bins).mean(axis=0), rtol=1e-6)
    assert graph["name"] == "Spektrum, mean over frames" and graph["y"] == [float(n) for n in range(bins)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"features": [0] * 1600, "params": {"volume": 11}}, "The spectrogram block has no parameter 'volume'"),
        ({"features": [0] * 1600, "params": {"fft_length": "x"}}, "fft_length"),
        ({"features": []}, "the window is empty"),
        ({"features": [0] * 10}, "frame length is larger than the window (a frame has 320 samples, the window 10)"),
    ],
)
def test_a_run_that_is_not_possible_is_an_error_of_the_request(made: Api, body: dict[str, Any], message: str) -> None:
    assert message in made.error("POST", "/1/dsp/2/run", json=body)


def test_the_number_of_values_of_a_run_is_limited() -> None:
    with pytest.raises(ApiError, match="features may have 1000000 entries at most"):
        parse(DspFeaturesRequest, {"features": [0] * (MOST_VALUES + 1)})


def test_a_block_runs_on_a_slice_of_a_sample(made: Api) -> None:
    path = "/1/dsp/2/raw-data/3/slice/run"
    found = made.fields("POST", f"{path}?sliceStart=800&sliceEnd=2400", json={"params": {"fft_length": 128}})
    np.testing.assert_allclose(found["features"], expected(noise(2, 3200)[800:2400], fft_length="128"), rtol=1e-6)
    assert (found["labelForWindow"], found["canProfilePerformance"]) == ("rock", False)
    assert len(found["sample"]["payload"]["values"]) == 1600
    readonly = made.fields("GET", f"{path}/readonly?sliceStart=800&sliceEnd=2400", "readonly")
    np.testing.assert_allclose(readonly["features"], expected(noise(2, 3200)[800:2400]), rtol=1e-6)


def test_a_slice_outside_of_a_sample_is_an_error(made: Api) -> None:
    for path in ("slice", "slice/run/readonly"):
        error = made.error("GET", f"/1/dsp/2/raw-data/1/{path}?sliceStart=1601")
        assert error == "The slice 1601 to 1600 is not inside the sample's 1600 values"


def test_a_sample_and_its_slices_are_returned_as_the_block_reads_them(made: Api) -> None:
    values = made.fields("GET", "/1/dsp/2/raw-data/1?limitPayloadValues=3")["payload"]["values"]
    assert [row[0] for row in values] == noise(0)[[0, 800, 1599]].tolist()
    part = made.fields("GET", "/1/dsp/2/raw-data/1/slice?sliceStart=5&sliceEnd=8")["payload"]["values"]
    assert [row[0] for row in part] == noise(0)[5:8].tolist()


def test_the_cost_is_given_for_each_device_with_a_floating_point_unit(made: Api) -> None:
    found = {one["mcu"]: one for one in made.fields("GET", "/1/dsp/2/performance")["performance"]}
    assert set(found) == {"arduino-nano-33-ble", "cortex-m4f-80mhz", "cortex-m7-216mhz"}
    nano, faster = found["arduino-nano-33-ble"], found["cortex-m4f-80mhz"]
    assert nano["ram"] == faster["ram"] > 0
    assert nano["latency"] / faster["latency"] == pytest.approx(80 / 64, rel=0.2)


def test_a_run_with_other_parameters_has_their_cost_on_the_device_of_the_project(made: Api) -> None:
    def cost(**params: str) -> dict[str, int]:
        body = {"features": [0] * 1600, "params": params, "requestPerformance": True}
        found: dict[str, int] = made.fields("POST", "/1/dsp/2/run", json=body)["performance"]
        return found

    stored = made.fields("GET", "/1/dsp/2/performance")["performance"]
    assert {"mcu": "arduino-nano-33-ble", **cost()} in stored
    assert cost(fft_length="512")["ram"] > cost(fft_length="64")["ram"]
    assert "performance" not in made.fields("POST", "/1/dsp/2/run", json={"features": [0] * 1600})


def test_the_features_of_a_block_have_names_ordered_by_frame(made: Api) -> None:
    assert feature_labels(2, 2) == ["frame 0 bin 0", "frame 0 bin 1", "frame 1 bin 0", "frame 1 bin 1"]
    frames, bins = dsp.output_shape("spectrogram", 1600, RATE, 4, **FFT)
    assert made.fields("GET", "/1/dsp/2/features/labels")["labels"] == feature_labels(frames, bins)
    assert made.fields("GET", "/1/dsp/2/features/importance") == {"hasFeatureImportance": False, "labels": {}}


def test_a_block_of_summary_features_has_one_row_with_names_and_no_cost_on_a_board(api: Api) -> None:
    block = {"id": 2, "type": "summary-57", "implementationVersion": 1, "name": "Summary"}
    window = {"id": 1, "windowSizeMs": 1000, "windowIncreaseMs": 1000, "frequencyHz": RATE}
    api.fields("POST", "/1/impulse", json={**IMPULSE, "inputBlocks": [window], "dspBlocks": [block]})
    samples = noise(1, 2 * RATE)
    api.upload({"a.wav": wav_bytes(samples, RATE)}, x_label="rock")
    api.run(api.fields("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"])
    stored = np.load(io.BytesIO(api.call("GET", "/1/dsp-data/2/x/training").content))
    values = dsp.run_many("summary-57", samples.reshape(2, RATE), RATE, 1)
    np.testing.assert_array_equal(stored, values.astype(np.float32))
    names = list(dsp.describe("summary-57").feature_names)
    assert api.fields("GET", "/1/dsp/2/features/labels")["labels"] == names
    assert api.fields("GET", "/1/dsp/2/metadata")["outputConfig"] == {"type": "flat", "shape": {"width": 57}}
    run = {"features": samples[:RATE].tolist(), "requestPerformance": True}
    found = api.fields("POST", "/1/dsp/2/run", json=run)
    assert (found["labels"], found["features"]) == (names, values[0].tolist())
    assert "performance" not in found
    assert api.fields("GET", "/1/dsp/2/performance")["performance"] == []


def test_the_explorer_has_three_features_of_each_window_with_its_sample(generated: Api) -> None:
    x = np.load(io.BytesIO(generated.call("GET", "/1/dsp-data/2/x/training").content))
    query = "featureAx1=5&featureAx2=0&featureAx3=7"
    found = generated.fields("GET", f"/1/dsp/2/features/get-graph/training?{query}")
    assert found["totalSampleCount"] == 6
    points = [[point["X"]["0"], point["X"]["1"], point["X"]["2"]] for point in found["data"]]
    np.testing.assert_allclose(points, x[:, [5, 0, 7]], rtol=1e-6)
    last = found["data"][-1]
    assert (last["y"], last["yLabel"]) == (2, "rock")
    assert last["sample"] == {"id": 3, "name": "2", "startMs": 100.0, "endMs": 200.0}


def test_a_deleted_sample_stays_in_the_explorer_without_a_name(generated: Api) -> None:
    generated.fields("DELETE", "/1/raw-data/3")
    found = generated.fields("GET", "/1/dsp/2/features/get-graph/training")
    assert [point["sample"]["name"] for point in found["data"]] == ["0", "1", "1", "", "", ""]


def test_the_windows_of_one_sample_are_computed_for_the_explorer(generated: Api) -> None:
    found = generated.fields("GET", "/1/dsp/2/features/get-graph/classification/2?featureAx1=1")
    whole = generated.fields("GET", "/1/dsp/2/features/get-graph/training?featureAx1=1")["data"][1:3]
    assert [point["X"] for point in found["data"]] == [list(point["X"].values()) for point in whole]
    assert [point["sample"]["startMs"] for point in found["data"]] == [0.0, 50.0]
    assert {point["yLabel"] for point in found["data"]} == {"jazz"}


@pytest.mark.parametrize("path", ["training", "classification/1"])
def test_a_feature_that_the_block_has_not_is_an_error(generated: Api, path: str) -> None:
    frames, bins = dsp.output_shape("spectrogram", 1600, RATE, 4, **FFT)
    error = generated.error("GET", f"/1/dsp/2/features/get-graph/{path}?featureAx3=99999")
    assert error == (
        f"The features [0, 1, 99999] are not all available; the block has {frames * bins} features, counted from 0"
    )


def test_parameters_without_a_value_have_their_default() -> None:
    parameter = {
        "group": "G",
        "title": "T",
        "name": "p",
        "type": "boolean",
        "default": False,
        "help": "",
        "hidden": True,
    }
    [group] = parameter_groups([parameter], {})
    assert group["items"][0]["value"] == group["items"][0]["defaultValue"] == "false"
    assert parameter_groups([], {"p": "1"}) == []


def test_a_graph_of_no_bins_is_empty() -> None:
    assert line_graph("n", [])["X"] == {"n": []} and line_graph("n", [])["y"] == []
