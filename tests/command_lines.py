"""Command lines for tests that run every command: `from command_lines import ...`."""

from __future__ import annotations

LINES = {
    "init": 0, "config show": 0, "config check": 0, "config get board.name": 0, "config set board.name host": 3,
    "config schema": 0, "dataset verify": 3, "dataset audit": 3,
    "dataset card": 3, "slice": 3, "features": 3, "explore": 3, "upload": 3,
    "samples list": 4, "samples count": 4, "samples pull there": 4,
    "samples delete 1 --yes": 4, "samples diff": 3, "impulse show": 4, "impulse diff": 3, "impulse apply": 3,
    "impulse pull": 4, "train": 4, "test": 4, "profile": 4, "build": 4, "compress": 3, "jobs list": 4,
    "jobs follow 1": 4, "jobs cancel 1": 4, "studio status": 0, "studio stop": 0,
    "boards": 0, "board stop host": 0, "board check host": 3,
    "flash --board host": 3, "play gone.wav --board host": 6, "tail --board host": 6, "verify gone.wav --board host": 6,
    "connect --board host": 6, "record --label rock": 6, "rerecord": 3, "classify .": 2, "evaluate": 3,
    "calibrate --min-recall 90": 3, "gate": 3,
    "champion list": 0, "champion rollback": 3, "tune": 3, "tune resume": 3, "tune show": 3, "tune apply 1": 3,
    "runs list": 0, "runs show 1": 2, "runs compare 1 2": 2, "runs export": 0,
    "runs seen gate": 1, "report": 3, "card": 3, "eon compile gone.tflite -o out": 1, "eon check gone.tflite": 1,
    "eon run gone.tflite --input gone.npy --output out.npy": 1, "eon profile gone.tflite": 1, "doctor": 1, "clean": 0,
    "help": 0, "help slice": 0,
}  # fmt: skip
"""A line for each command, with its exit code."""
ELSEWHERE = {
    "demo", "nightly", "login", "logout", "dataset synth", "dataset fetch", "studio serve", "studio keys",
    "studio open", "studio export", "studio import", "studio projects",
}  # fmt: skip
"""Commands that take minutes, start a process or need a network or a keyring; other tests run them."""
