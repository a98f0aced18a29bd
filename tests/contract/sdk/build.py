"""Build the library of a trained impulse."""

import json
import sys
from pathlib import Path

import edgeimpulse as ei

zipped = ei.experimental.impulse.build(
    deploy_model_type="int8", engine="tflite-eon", deploy_target="arduino", output_directory=sys.argv[1]
)
files = sorted(path.name for path in Path(sys.argv[1]).iterdir())
print(json.dumps({"magic": zipped.read(4).hex(), "files": files}))
