"""Export an extractor as a custom processing block: a folder that Edge Impulse builds and runs as a container."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.features.block_server import PARAMETERS, PORT
from ei_toolkit.impulse.dsp import describe

COPIED = (
    "audio.clip_level", "audio.summary.analysis", "audio.summary.columns", "audio.summary.constant_q",
    "audio.summary.features", "audio.summary.spectra", "errors",
)  # fmt: skip
"""Modules of this package that the block computes with; the folder has copies of them."""
REQUIREMENTS = ("numpy>=2", "soxr")
README = """# {title}

A custom processing block for Edge Impulse: {count} summary features of a window of audio, from `eitk features --block`.

    docker build -t {name} . && docker run -p {port}:{port} --rm {name}
    edge-impulse-blocks init && edge-impulse-blocks push

The second line uploads it to an organisation. The block has no C++ implementation, so an impulse with it runs in the
studio and in Python, and not on a board.
"""
DOCKERFILE = """FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY . ./
EXPOSE {port}
ENTRYPOINT ["python", "-u", "dsp-server.py"]
"""


def write_block(folder: Path, extractor: str) -> list[Path]:
    """Write the block of an extractor into a folder, and return its files."""
    described = block_parameters(extractor)
    title, count = described["info"]["title"], len(EXTRACTORS[extractor])
    texts = {
        PARAMETERS: json.dumps(described, indent=4) + "\n",
        "dsp-server.py": _source("features.block_server"),
        "requirements.txt": "\n".join(REQUIREMENTS) + "\n",
        "Dockerfile": DOCKERFILE.format(port=PORT),
        "README.md": README.format(title=title, count=count, name=extractor, port=PORT),
        "ei_toolkit/__init__.py": "",
        "ei_toolkit/audio/__init__.py": "",
        "ei_toolkit/audio/summary/__init__.py": "",
        **{f"ei_toolkit/{module.replace('.', '/')}.py": _source(module) for module in COPIED},
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def block_parameters(extractor: str) -> dict[str, Any]:
    """Return the content of parameters.json; the name of the block is that of the extractor."""
    block = describe(extractor)
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in block.parameters:
        item = {"name": one.title, "value": one.default, "type": one.type, "help": one.help, "param": one.name}
        groups.setdefault(one.group, []).append(item)
    return {
        "info": {
            "title": block.title,
            "author": "eitk",
            "description": block.description,
            "name": extractor,
            "type": extractor,
            "preferConvolution": False,
            "cppType": extractor.replace("-", "_"),
            "latestImplementationVersion": block.latest_version,
            "hasFeatureImportance": True,
            "hasAutoTune": False,
        },
        "parameters": [{"group": group, "items": items} for group, items in groups.items()],
    }


def _source(module: str) -> str:
    *packages, name = module.split(".")
    package = resources.files("ei_toolkit")
    for one in packages:
        package = package / one
    return (package / f"{name}.py").read_text(encoding="utf-8")
