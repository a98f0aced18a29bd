"""Compiled models on an emulated Cortex-M4F: instructions, flash, RAM, against interpreter and CMSIS-NN."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.config import recipes
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.profile import Profile, estimate, profile_model
from ei_toolkit.training.convert import int8_model
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import train

# Measured with the same GCC 12.2, flags and emulator: TensorFlow Lite Micro with CMSIS-NN, and CMSIS-NN called
# directly. Instructions, RAM and flash in bytes.
BASELINES = {
    "sample": {"TFLM + CMSIS-NN": (7_987_925, 41_944, 61_004), "CMSIS-NN direct": (7_984_063, 40_428, 24_528)},
    "kws": {"TFLM + CMSIS-NN": (3_934_920, 21_784, 56_524), "CMSIS-NN direct": (3_932_248, 20_268, 20_048)},
    "mlperf_kws": {"TFLM + CMSIS-NN": (7_701_422, 23_400, 138_800)},
    "mlperf_vww": {"TFLM + CMSIS-NN": (24_101_966, 101_300, 418_000)},
    "mlperf_ic": {"TFLM + CMSIS-NN": (29_862_020, 55_600, 178_000)},
    "mlperf_ad": {"TFLM + CMSIS-NN": (582_962, 3_300, 309_000)},
    "mlperf_str_ww": {"TFLM + CMSIS-NN": (2_227_612, 17_200, 156_000)},
    "micro_speech": {"TFLM + CMSIS-NN": (1_495_119, 7_400, 76_800)},
}
PUBLISHED = "published figures of the reference project (vendor's estimate): 205 ms, 45.6 K RAM, 44.5 K flash"


@dataclass(frozen=True)
class Row:
    """One model, compiled in one way."""

    model: str
    engine: str
    compile_s: float
    profile: Profile
    estimated_instructions: int


def nets() -> dict[str, bytes]:
    """The measured nets with random weights, which cost what trained ones do, as full int8 .tflite."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    layers = keras.layers

    def conv(filters: int) -> list[Any]:
        return [layers.Conv2D(filters, 3, padding="same", activation="relu")]

    def pool() -> list[Any]:
        return [layers.MaxPooling2D(2, 2, padding="same")]

    def image(rows: int, columns: int, *parts: list[Any]) -> list[Any]:
        return [layers.Reshape((rows, columns, 1)), *(layer for part in parts for layer in part)]

    stacks = {
        "sample": image(120, 33, conv(8), pool(), conv(16), pool()),
        "kws": image(40, 49, conv(8), pool(), conv(16), pool()),
        "reference, pool each": image(120, 33, *(conv(n) + pool() for n in (8, 8, 8, 16, 16, 16, 32))),
        "reference, pool last": image(
            *(120, 33, conv(8), conv(8), conv(8), pool(), conv(16), conv(16), conv(16), pool(), conv(32), pool())
        ),
    }
    return {name: convert(keras, stack) for name, stack in stacks.items()} | {"robust": robust()}


def convert(keras: Any, stack: list[Any]) -> bytes:
    """A classifier of two classes on this stack, quantised to int8."""
    import numpy as np

    size = int(np.prod(stack[0].target_shape))
    ends = [keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    model = keras.Sequential([keras.layers.Input((size,)), *stack, *ends])
    return int8_model(model, np.random.default_rng(0).random((8, size), np.float32), seed=0)


def robust() -> bytes:
    """The network that the script of the recipe `robust` makes, trained for an epoch on noise."""
    import numpy as np

    features = np.random.default_rng(0).random((64, 4800), np.float32)
    script = (Path(recipes.__file__).parent / "robust.py").read_text()
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            features=features, labels=[0, 1] * 32, class_names=("classical", "rock"), out_dir=Path(folder),
            groups=[str(n // 4) for n in range(64)], script=script, epochs=1,
        )  # fmt: skip
        int8 = train(request, lambda _: None).files.int8
        assert int8 is not None
        return int8.read_bytes()


def measure(models: dict[str, bytes]) -> Iterator[Row]:
    """Every model, compiled for speed and for RAM."""
    for name, content in models.items():
        for engine, ram_optimized in (("eon", False), ("eon, RAM-optimised", True)):
            start = time.perf_counter()
            model = compile_model(content, ram_optimized=ram_optimized)
            seconds = time.perf_counter() - start
            profile = profile_model(content, ram_optimized=ram_optimized)
            yield Row(name, engine, round(seconds, 3), profile, sum(estimate(model).steps))


def before(revision: str, files: list[Path]) -> dict[tuple[str, str], dict[str, Any]]:
    """The profiles of the same files by an earlier revision of the project, by model and engine."""
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="eitk-before-") as name:
        tree = Path(name) / "tree"
        subprocess.run(
            ["git", "worktree", "add", "--detach", tree, revision], cwd=root, check=True, capture_output=True
        )
        try:
            command = [sys.executable, tree / "scripts/benchmarks/eon.py", "--json", *(f.resolve() for f in files)]
            done = subprocess.run(
                command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, check=True, stdout=subprocess.PIPE
            )
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=root, check=True)
    return {(row["model"], row["engine"]): row["profile"] for row in json.loads(done.stdout)}


def show_change(rows: list[Row], earlier: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The table of each model before and after, in Markdown."""
    print("| model | built with | instructions before | after | RAM before | after | flash before | after |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        old, new = earlier[row.model, row.engine], row.profile
        pairs = [
            (old["instructions"], new.instructions),
            (old["ram_bytes"], new.ram_bytes),
            (old["flash_bytes"], new.flash_bytes),
        ]
        cells = " | ".join(f"{a:,} | {b:,}" for a, b in pairs)
        print(f"| {row.model} | {row.engine} | {cells} |")


def show(rows: list[Row]) -> None:
    """The tables for people."""
    print(f"{'model':22} {'engine':20} {'instructions':>12} {'/MAC':>5} {'RAM':>7} {'flash':>7} {'stack':>5} {'ms':>7}")
    for row in rows:
        for engine, (instructions, ram, flash) in BASELINES.get(row.model, {}).items() if row.engine == "eon" else ():
            ratio = instructions / row.profile.macs
            print(f"{row.model:22} {engine:20} {instructions:12,} {ratio:5.2f} {ram:7,} {flash:7,}")
        p = row.profile
        print(
            f"{row.model:22} {row.engine:20} {p.instructions:12,} {p.instructions / p.macs:5.2f} {p.ram_bytes:7,} "
            f"{p.flash_bytes:7,} {p.stack_bytes:5} {p.latency_ms:7.1f}"
        )
    print(
        f"\n{PUBLISHED}\nms: estimates at 64 MHz; RAM without the stack; flash of the whole image, start-up included\n"
    )
    print("instructions per MAC by layer (eon):")
    for row in rows:
        if row.engine == "eon":
            ratios = [f"{layer.instructions_per_mac:.2f}" for layer in row.profile.layers if layer.macs]
            print(f"  {row.model:22} {' '.join(ratios)}")
    worst = max(abs(r.estimated_instructions / r.profile.instructions - 1) for r in rows)
    print(f"\ncompiling takes at most {max(r.compile_s for r in rows):.2f} s")
    print(f"the cost model used without ARM tools is off by at most {worst:.0%} on these models")


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help=".tflite files to measure instead of the usual nets")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--before", metavar="REVISION", help="measure an earlier revision, too, with the given files")
    arguments = parser.parse_args()
    models = {path.stem: path.read_bytes() for path in arguments.models} or nets()
    rows = list(measure(models))
    if arguments.before:
        show_change(rows, before(arguments.before, arguments.models))
    elif arguments.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
    else:
        show(rows)


if __name__ == "__main__":
    main()
