"""Run the scripts beside this file one after another: the import of the SDK takes five seconds of a processor.

Each line of the input is a JSON object with `script`, `arguments` and `key`; the answer is one line of JSON.
"""

import contextlib
import io
import json
import runpy
import sys
import traceback
from pathlib import Path

sys.modules["tensorflow"] = sys.modules["keras"] = None  # the SDK would import them, and needs them for nothing here
import edgeimpulse as ei  # noqa: E402

for line in sys.stdin:
    request = json.loads(line)
    ei.API_KEY = request["key"]
    sys.argv = [request["script"], *request["arguments"]]
    printed, error = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(str(Path(__file__).with_name(request["script"])), run_name="__main__")
        except Exception:  # noqa: BLE001 - the test that asked shows it
            error = traceback.format_exc()
    print(json.dumps({"printed": printed.getvalue(), "error": error}), flush=True)
