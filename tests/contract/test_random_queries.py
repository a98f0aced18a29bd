"""Random queries to a project with models, results and a build. `EITK_FUZZ=20000` runs more of them."""

from __future__ import annotations

import os
import re
from typing import Any

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.coverage import served_shapes
from ei_toolkit.studio.http.not_implemented import Method, official_methods

EXAMPLES = int(os.environ.get("EITK_FUZZ", "200"))
POSTED = {"classify_sample_v2", "classify_sample_for_variants", "run_dsp_sample_slice_read_only"}
METHODS = [m for m in official_methods() if m.shape in served_shapes() and (m.verb == "GET" or m.name in POSTED)]
QUERIES = """
    limit offset impulseId variant variants category type engine modelType sliceStart sliceEnd zoomStart zoomEnd axisIx
    limitPayloadValues featureAx1 featureAx2 featureAx3 truncateStructuredLabels excludeSensors labels filename search
    minLength maxLength sortBy minFrequency maxFrequency signatureValidity includeDisabled level startDate endDate
    metadata dataType key selectedProjectId getAllDeployTargets deploymentVersion limitSamples windowIndex
    """.split()  # noqa: SIM905 - a list of this length reads better as a text
numbers = st.one_of(st.integers(-2, 40), st.sampled_from([15_999, 16_000, 2**31, 2**63, 10**30])).map(str)
words = st.sampled_from(
    ["", "1", "True", "null", "training", "testing", "all", "int8", "float32", "int8,int8", "arduino", "zip",
     "tflite-eon", "id-desc", "[]", "[1]", "{}", '{"a":1}', "nan", "1e400", "1.5", "é", "\x00", "tflite-int8", "keras"]
)  # fmt: skip
queries = st.dictionaries(st.sampled_from(QUERIES), numbers | words, max_size=4)
FIELD = re.compile(r"\{(\w+)\}")


def fill(draw: Any, method: Method, project: Any) -> str:
    """A path whose fields nearly always name an object that exists."""
    known = {
        "projectId": project.id, "sampleId": project.ids["sample"], "dspId": project.ids["dsp"],
        "learnId": project.ids["learn"], "impulseId": project.ids["impulse"], "jobId": project.ids["job"],
        "deploymentVersion": project.ids["deployment"], "category": "testing", "modelDownloadId": "tflite-int8",
    }  # fmt: skip

    def value(match: re.Match[str]) -> str:
        if match[1] in known and (match[1] == "projectId" or draw(st.integers(0, 4))):
            return str(known[match[1]])
        return str(draw(numbers | words)).replace("/", "") or "x"

    return FIELD.sub(value, method.path)


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_query_gets_a_result_or_an_error_of_the_api(trained: Any, data: Any) -> None:
    method = data.draw(st.sampled_from(METHODS))
    url = trained.studio.api_url + fill(data.draw, method, trained)
    answer = requests.request(method.verb, url, params=data.draw(queries), headers=trained.headers, timeout=60)
    assert answer.status_code in (200, 400, 403, 404), (method, url, answer.status_code, answer.text[:300])
    if answer.headers["content-type"] == "application/json":
        assert isinstance(answer.json()["success"], bool)
