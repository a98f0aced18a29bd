"""Start a job and follow it over the socket, as the SDK does it."""

import json
import sys

import edgeimpulse as ei
from edgeimpulse.util import configure_generic_client, run_project_job_until_completion
from edgeimpulse_api import GenerateFeaturesRequest, JobsApi

lines = []
dsp, project = int(sys.argv[1]), int(sys.argv[2])
client = configure_generic_client(key=ei.API_KEY, host=ei.API_ENDPOINT)
request = GenerateFeaturesRequest(dspId=dsp, skipFeatureExplorer=True)
for _ in range(3):  # the job is over before, while or after the socket is joined
    job = JobsApi(client).generate_features_job(project, request)
    run_project_job_until_completion(job.id, lines.append, client, project, timeout_sec=60)
print(json.dumps({"lines": len(lines)}))
