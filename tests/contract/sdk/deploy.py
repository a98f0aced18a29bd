"""Deploy a model that was trained elsewhere."""

import json
import sys
from pathlib import Path

import edgeimpulse as ei

zipped = ei.model.deploy(
    model=Path(sys.argv[1]).read_bytes(),
    model_output_type=ei.model.output_type.Classification(labels=["classical", "rock"]),
    model_input_type=ei.model.input_type.OtherInput(),
    deploy_target="arduino",
    deploy_model_type="int8",
)
print(json.dumps({"magic": zipped.read(4).hex()}))
