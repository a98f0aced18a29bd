"""Example command lines, which the help of each command shows at its end."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "help": ("eitk help train", "eitk help samples pull"),
    "demo": ("eitk demo", "eitk demo clips --board host"),
    "init": ("eitk init --clips clips", "eitk init --recipe reference --board emulated"),
    "config show": ("eitk config show", "eitk config show --origin"),
    "config check": ("eitk config check",),
    "config get": ("eitk config get training.epochs",),
    "config set": ("eitk config set training.epochs 40", "eitk config set board.name host"),
    "config schema": ("eitk config schema -o eitk.schema.json",),
    "dataset synth": ("eitk dataset synth clips", "eitk dataset synth clips --clips 40 --seed 2"),
    "dataset fetch": ("eitk dataset fetch gtzan", "eitk dataset fetch gtzan gtzan --genre rock --genre classical"),
    "dataset verify": ("eitk dataset verify", "eitk dataset verify gtzan"),
    "dataset audit": ("eitk dataset audit",),
    "dataset card": ("eitk dataset card",),
    "slice": ("eitk slice", "eitk slice --dry-run", "eitk slice --labels-from name --report skipped.csv"),
    "features": (
        "eitk features clips -o features.csv",
        "eitk features clips --extractor summary-207 --window-ms 3000",
        "eitk features --block summary-block",
    ),
    "explore": (
        "eitk explore --features features.csv",
        "eitk explore clips -o exploration.html --data exploration.json",
    ),
    "compress": (
        "eitk compress -o compression.html",
        "eitk compress --model network.keras --data windows.npz --methods pruned,channels --instructions 0.5",
        "eitk compress --teacher scores.npz --methods int8",
    ),
    "upload": ("eitk upload", "eitk upload recordings --label rock", "eitk upload --dry-run"),
    "samples list": ("eitk samples list", "eitk samples list --category testing --json"),
    "samples count": ("eitk samples count",),
    "samples pull": ("eitk samples pull there", "eitk samples pull there --category testing --label rock"),
    "samples delete": ("eitk samples delete 12 13", "eitk samples delete --stale --dry-run"),
    "samples diff": ("eitk samples diff",),
    "impulse show": ("eitk impulse show",),
    "impulse diff": ("eitk impulse diff",),
    "impulse apply": ("eitk impulse apply", "eitk impulse apply --dry-run"),
    "impulse pull": ("eitk impulse pull", "eitk impulse pull --dry-run"),
    "train": ("eitk train", "eitk train --eon", "eitk train --no-follow", "eitk train --log csv --log tensorboard"),
    "tune": ("eitk tune", "eitk tune --trials 20 --jobs 4"),
    "tune resume": ("eitk tune resume", "eitk tune resume --trials 80"),
    "tune show": ("eitk tune show", "eitk tune show --all --plot front.png"),
    "tune apply": ("eitk tune apply 12", "eitk tune apply 12 --dry-run"),
    "test": ("eitk test", "eitk test --no-run"),
    "profile": ("eitk profile",),
    "build": (
        "eitk build",
        "eitk build --target linux-aarch64 -o model.eim",
        "eitk build --target wasm -o model.zip",
        "eitk build --model model.tflite",
    ),
    "jobs list": ("eitk jobs list", "eitk jobs list --all --last 5"),
    "jobs follow": ("eitk jobs follow 12",),
    "jobs cancel": ("eitk jobs cancel 12",),
    "studio serve": ("eitk studio serve", "eitk studio serve --data studio --port 4900 --ingestion-port 4910"),
    "studio open": ("eitk studio open", "eitk studio open --no-browser --project 2"),
    "studio status": ("eitk studio status",),
    "studio stop": ("eitk studio stop",),
    "studio projects": ("eitk studio projects", "eitk studio projects --add birds"),
    "studio export": ("eitk studio export samples.zip",),
    "studio import": ("eitk studio import samples.zip",),
    "studio keys list": ("eitk studio keys list",),
    "studio keys add": ("eitk studio keys add --role readonly --name dashboard",),
    "studio keys revoke": ("eitk studio keys revoke 3",),
    "boards": ("eitk boards", "eitk boards --watch --json"),
    "board stop": ("eitk board stop emulated",),
    "board check": ("eitk board check", "eitk board check nano33ble --port /dev/ttyACM0"),
    "flash": ("eitk flash", "eitk flash --board emulated", "eitk flash audio_classifier.ino.bin --port /dev/ttyACM0"),
    "play": ("eitk play clips/rock/rock.1.wav", "eitk play --board host clips/rock/rock.1.wav"),
    "tail": ("eitk tail", "eitk tail --count 10 --json", "eitk tail --raw --port /dev/ttyACM0"),
    "connect": ("eitk connect", "eitk connect --board host --count 1 --json"),
    "record": (
        "eitk record --label rock --seconds 30 --count 10",
        "eitk record --label clap --continuous --split-silence --for 5m --group kitchen",
    ),
    "rerecord": (
        "eitk rerecord clips",
        "eitk rerecord clips --with-originals --folder mixed",
        "eitk rerecord clips --takes 2",
    ),
    "verify": (
        "eitk verify clips/rock/rock.1.wav",
        "eitk verify --board host --verbose clips/rock/rock.1.wav",
        "eitk verify --compare --profile board.json clips/rock/rock.1.wav",
    ),
    "classify": ("eitk classify song.mp3", "eitk classify clips --model classifier.npz --csv scores.csv"),
    "evaluate": ("eitk evaluate --quick", "eitk evaluate --folds 3 --conditions none"),
    "calibrate": (
        "eitk calibrate --max-false-per-hour 10",
        "eitk calibrate recordings --min-recall 90 --max-false-per-hour 10 --dry-run",
    ),
    "gate": ("eitk gate", "eitk gate --dry-run", "eitk gate --junit gate.xml --github"),
    "champion list": ("eitk champion list",),
    "champion rollback": ("eitk champion rollback --dry-run", "eitk champion rollback"),
    "nightly": ("eitk nightly synth", "eitk nightly clips --dir birds"),
    "runs list": ("eitk runs list", "eitk runs list --kind train --last 5"),
    "runs show": ("eitk runs show 4",),
    "runs compare": ("eitk runs compare 3 4", "eitk runs compare 3 4 5 --plot runs.html"),
    "runs export": ("eitk runs export", "eitk runs export -o runs.csv"),
    "runs seen": ("eitk runs seen train",),
    "report": ("eitk report", "eitk report -o trial.html --open"),
    "card": ("eitk card", "eitk card -o README.md"),
    "eon check": ("eitk eon check model.tflite", "eitk eon check model.tflite --json"),
    "eon compile": ("eitk eon compile model.tflite -o compiled",),
    "eon run": ("eitk eon run model.tflite --input x.npy --output y.npy --on emulated",),
    "eon profile": ("eitk eon profile model.tflite",),
    "doctor": ("eitk doctor", "eitk doctor --no-studio"),
    "login": ("eitk login",),
    "logout": ("eitk logout",),
    "clean": ("eitk clean --dry-run", "eitk clean --yes"),
}
"""Command lines by the names of commands and subcommands, without `eitk` in front."""

HEADING = "Examples:"


def epilog_of(command: str) -> str | None:
    """Return the examples of a command as the end of its help, whose lines are not wrapped; None without examples."""
    lines = EXAMPLES.get(command)
    return "\n".join([HEADING, "", "\b", *(f"  {line}" for line in lines)]) if lines else None
