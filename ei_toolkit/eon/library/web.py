"""The files of a browser deployment: an ES module that contains WebAssembly, its types, and a page."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.library.plan import Plan
from ei_toolkit.eon.library.program import build_program
from ei_toolkit.eon.library.request import WindowLevel
from ei_toolkit.eon.toolchain import SIMD, WASM, WASM_LINK, wasm_compiler


def web_files(plan: Plan, files: Mapping[str, bytes], *, simd: bool) -> dict[str, bytes]:
    """Return the files of the deployment, from the sources of a library (path -> bytes).

    `simd` allows 128-bit vectors, which all current browsers have. Raises MissingToolError without the tools.
    """
    source = bundled("firmware") / "web"
    texts = {name: (source / name).read_text("utf-8") for name in ("classifier.js", "page.html", "page.css", "page.js")}
    module = _constants(plan, _program(files, plan.request.level, simd=simd)) + texts["classifier.js"]
    page = _filled(
        texts["page.html"],
        title=html.escape(plan.request.project_name),
        style=texts["page.css"],
        script=module + "\n" + texts["page.js"],
    )
    made = {
        "index.html": page,
        "classifier.js": module,
        "classifier.d.ts": (source / "classifier.d.ts").read_text("utf-8"),
        "package.json": json.dumps(_package(plan), indent=2) + "\n",
    }
    return {name: text.encode() for name, text in made.items()}


def _program(files: Mapping[str, bytes], level: WindowLevel, *, simd: bool) -> bytes:
    """Compile the sources to WebAssembly."""
    compiler = [wasm_compiler(), *WASM, *(SIMD if simd else ())]
    return build_program(compiler, WASM_LINK, files, [bundled("firmware") / "web" / "exports.cpp"], level)


def _constants(plan: Plan, program: bytes) -> str:
    """Return the lines of the module that differ between models."""
    request = plan.request
    model = {
        "project": request.project_name,
        "owner": request.owner,
        "deployVersion": request.deploy_version,
        "labels": list(request.labels),
        "frequency": request.frequency,
        "windowSamples": request.window_samples,
        "threshold": request.threshold,
        "level": request.level.level,
        "targetDbfs": request.level.target_dbfs,
        "maxGainDb": request.level.max_gain_db,
        "modelSha256": plan.model.sha256,
    }
    compressed = base64.b64encode(gzip.compress(program, 9, mtime=0)).decode()
    # "</script>" and "<!--" would end or disturb the script of a page.
    return f"const MODEL = {json.dumps(model).replace('<', chr(92) + 'u003c')};\nconst PROGRAM = '{compressed}';\n"


def _filled(template: str, **values: str) -> str:
    """Return a template with the values in place of their names in double braces."""
    return re.sub(r"\{\{(\w+)\}\}", lambda place: values[place[1]], template)


def _package(plan: Plan) -> dict[str, object]:
    """Return package.json, with which Node and bundlers find the module and its types."""
    return {
        "name": "eitk-classifier",
        "version": f"1.0.{plan.request.deploy_version}",
        "private": True,
        "type": "module",
        "exports": {".": {"types": "./classifier.d.ts", "default": "./classifier.js"}},
    }
