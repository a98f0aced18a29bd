"""The documentation site: built strictly, complete, without anything from the network, and searched from the disk."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import CHROMIUM, NO_CHROMIUM

import ei_toolkit as eitk

ROOT = Path(__file__).resolve().parents[2]
SEARCHED = "calibration error"


def mkdocs(folder: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", config, "--site-dir", folder]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = mkdocs(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_the_navigation(site: Path) -> None:
    html = (site / "404.html").read_text(encoding="utf-8")  # a page without text: its links are the navigation
    linked = set(re.findall(r'href="/?([\w-]+)\.html"', html))
    above = {"api-reference", "CHANGELOG", "CONTRIBUTING", "SECURITY"}
    assert {file.stem for file in (ROOT / "docs").glob("*.md")} | above <= linked


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    html = (site / "api-reference.html").read_text(encoding="utf-8")
    documented = set(re.findall(r'id="ei_toolkit\.[\w.]*\.(\w+)"', html))
    assert set(eitk.__all__) <= documented
    assert {"train", "upload", "apply_impulse", "with_settings"} <= documented  # methods
    assert "Longest time of one job in seconds." in html


def test_the_schema_of_the_settings_is_published(site: Path) -> None:
    schema = json.loads((site / "eitk.schema.json").read_text(encoding="utf-8"))
    assert schema["x-taplo-info"]["version"] == eitk.__version__
    [pattern] = schema["x-taplo-info"]["patterns"]
    files = ("eitk.toml", "music/eitk.toml", "C:\\music\\eitk.toml", "my-eitk.toml", "eitk.toml.bak")
    assert [bool(re.search(pattern, file)) for file in files] == [True, True, True, False, False]


def test_nothing_is_loaded_from_the_network(site: Path) -> None:
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]*\ssrc=\"?(?:https?:)?//[^>]*>|<link[^>]*rel=\"?stylesheet[^>]*//[^>]*>"
    )
    found = {file.name: loaded.findall(file.read_text(encoding="utf-8")) for file in site.glob("*.html")}
    assert {name: tags for name, tags in found.items() if tags} == {}


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Page\n\n[there](none.md) and [here](#no-such-heading)\n")
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    own = {key: settings[key] for key in ("site_name", "validation", "use_directory_urls")}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(own))
    done = mkdocs(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode == 1
    assert "none.md" in done.stderr
    assert "no-such-heading" in done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_the_search_works_from_the_disk_without_a_network(site: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.locator("input.md-search__input").press_sequentially(SEARCHED)
        page.wait_for_selector('.md-search-result__item a[href*="figures.html"]', state="attached")
        browser.close()
    assert [url for url in requested if not url.startswith(("file:", "data:", "blob:"))] == []
