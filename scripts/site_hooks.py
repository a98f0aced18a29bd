"""Hooks of MkDocs: pages of the repository that lie above docs/, and the reference of the Python API from its names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ei_toolkit.api.config_schema import settings_schema
from ei_toolkit.config.json_text import json_text

ROOT = Path(__file__).resolve().parents[1]
ABOVE = {"README.md": "index.md", "CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md",
         "SECURITY.md": "SECURITY.md"}  # fmt: skip
"""Pages above docs/, and their names on the site."""
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")
NO_PAGE = "no-page"
REFERENCE = "api-reference.md"
SHIM = re.compile(r"https://[\w./-]*iframe-worker/shim")
"""Lets the search work in pages from the disk; the theme names a copy on a server of others."""
EXPORTED = re.compile(r"^from \.(\S+) import (\w+) as \2$", re.MULTILINE)
TITLES = {
    "api.project": "Projects", "api.creating": "Projects", "api.data": "Clips, windows, features",
    "api.studio": "The studio", "api.studio_results": "The studio",
    "client.results": "The studio", "client.samples": "The studio",
    "api.evaluating": "Evaluation", "api.summaries": "Summary features", "api.compiling": "Compiler",
    "api.compressing": "Compiler", "compression.request": "Compiler",
    "api.whole_files": "The studio", "report.file_outcomes": "The studio",
    "api.boards": "Boards", "api.recording": "Boards", "api.calibrating": "Boards",
    "api.classifier": "Summary features", "api.judging": "Gate", "evaluation.champions": "Gate", "api.tuning": "Tuner",
    "api.reporting": "Reports and runs", "evaluation.run_log": "Reports and runs",
    "board.protocol.events": "Boards", "board.verify.streamed": "Boards", "api.classifying": "Classification",
    "evaluation.classify": "Classification", "dataset.manifest": "Clips, windows, features",
    "api.progress": "Progress", "api.results": "Results", "errors": "Errors",
}  # fmt: skip
"""The section of the reference for the public names of each module."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that mkdocs.yml does not list to its section How-to, so that no page is forgotten."""
    listed = set(pages_of(config.nav))
    [how_to] = [section["How-to"] for section in config.nav if "How-to" in section]
    how_to += sorted({file.name for file in Path(config.docs_dir).glob("*.md")} - listed)
    return config


def pages_of(nav: Any) -> Iterator[str]:
    """Yield the files of a navigation."""
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from pages_of(value) if isinstance(value, list) else [value]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages above docs/, the reference of the public names, and the schema of eitk.toml for editors."""
    for source, name in ABOVE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, REFERENCE, content="\n".join(reference_lines())))
    files.append(File.generated(config, "eitk.schema.json", content=json_text(settings_schema(), indent=2)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their pages; a link to a file without a page becomes its text."""
    folder = ROOT if page.file.src_uri in ABOVE.values() else ROOT / "docs"

    def target(link: re.Match[str]) -> str:
        path, anchor = link[1], link[2] or ""
        if not path:
            return link[0]
        file = (folder / path).resolve()
        if file.is_relative_to(ROOT / "docs"):
            return f"]({file.relative_to(ROOT / 'docs').as_posix()}{anchor})"
        name = ABOVE.get(file.relative_to(ROOT).as_posix())
        return f"]({name}{anchor})" if name else f"](#{NO_PAGE})"

    linked = LINK.sub(target, markdown)
    return re.sub(rf"\[([^\]]*)\]\(#{NO_PAGE}\)", r"\1", linked)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Load the script of the search from the site itself."""
    return own_shim(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """Do the same for the page of addresses that do not exist."""
    return own_shim(output_content)


def own_shim(html: str) -> str:
    """Return a page that takes the script of the search from the site."""
    return SHIM.sub("assets/iframe-worker/shim.js", html)


def reference_lines() -> Iterator[str]:
    """Yield the reference: one section for each part of the API, with a directive for each public name."""
    yield "# Public names\n\nAll of them are attributes of the package: `import ei_toolkit as eitk`."
    yield "[Python API](api.md) explains how they belong together.\n"
    sections: dict[str, list[str]] = {title: [] for title in TITLES.values()}
    for module, name in EXPORTED.findall((ROOT / "ei_toolkit/__init__.pyi").read_text(encoding="utf-8")):
        sections[TITLES[module]].append(f"ei_toolkit.{module}.{name}")
    for title, names in sections.items():
        yield f"## {title}\n"
        yield from (f"::: {name}\n" for name in sorted(names, key=lambda name: name.rpartition(".")[2].lower()))
