"""A test double of arduino-cli: it records its arguments and prints the messages of the real program.

EITK_TEST_CLI names a JSON file: {"log": FILE, "version": "1.3.1", "compile": "ok", "image": FILE}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

MESSAGES = {
    "no-core": "Downloading index: package_index.tar.bz2\n"
    "Error initializing instance: Platform 'arduino:mbed_nano@4.0.2' not found",
    "error": "Compiling sketch...\naudio_classifier.ino:12:3: error: 'nonsense' was not declared in this scope\n"
    "exit status 1\nError during build: exit status 1",
    "too-big": "Linking everything together...\n"
    "region `FLASH' overflowed by 4096 bytes\nError during build: exit status 1",
}


def main(arguments: list[str]) -> int:
    setup = json.loads(Path(os.environ["EITK_TEST_CLI"]).read_text())
    with Path(setup["log"]).open("a") as log:
        log.write(json.dumps(arguments) + "\n")
    if arguments[0] == "version":
        print(json.dumps({"Application": "arduino-cli", "VersionString": setup["version"]}))
        return 0
    if arguments[0] == "compile":
        if setup["compile"] != "ok":
            print(MESSAGES[setup["compile"]], file=sys.stderr)
            return 1
        out = Path(arguments[arguments.index("--output-dir") + 1])
        (out / "audio_classifier.ino.bin").write_bytes(Path(setup["image"]).read_bytes())
        print("Sketch uses 100000 bytes (10%) of program storage space. Maximum is 983040 bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
