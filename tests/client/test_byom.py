"""Models of the user, through the unmodified official SDK and the local studio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ei_toolkit.client.byom import deploy_model
from ei_toolkit.client.deployments import BuildSpec
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.errors import DataError

DEPLOY = """
import sys
import ei_toolkit as eitk

api, ingestion, model, root = sys.argv[1:]
environ = {"EI_API_KEY": sys.stdin.read(), "EITK_STUDIO_URL": api, "EITK_STUDIO_INGESTION_URL": ingestion}
studio = eitk.connect(eitk.open_project(root, environ=environ))
print(studio.build_own_model(model, ["classical", "rock"]).model)
assert "tensorflow" not in sys.modules
"""


def deploy_in_a_process(studio: Studio, model: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: the SDK keeps its settings in globals, which other tests would see."""
    endpoint = studio.transport.endpoint
    return subprocess.run(
        [sys.executable, "-c", DEPLOY, endpoint.api_url, endpoint.ingestion_url, str(model), str(root)],
        input=endpoint.key, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_model_becomes_a_pinned_library(studio: Studio, goldens: Path, tmp_path: Path) -> None:
    model = goldens / "int8" / "sample_int8.tflite"
    done = deploy_in_a_process(studio, model, tmp_path)
    assert done.returncode == 0, done.stderr
    assert studio.transport.endpoint.key not in done.stdout + done.stderr
    lock = read_lock(ProjectPaths(tmp_path).lock)
    assert lock is not None
    assert lock.model_path(tmp_path).read_bytes() == model.read_bytes()
    assert lock.zip_path(tmp_path).stat().st_size > 1000


def test_a_project_with_an_impulse_builds_no_other_model(studio: Studio, goldens: Path, tmp_path: Path) -> None:
    blocks = official("CreateImpulseRequest")(inputBlocks=[], dspBlocks=[], learnBlocks=[])
    studio.transport.post(studio.path("impulse"), blocks)
    done = deploy_in_a_process(studio, goldens / "int8" / "sample_int8.tflite", tmp_path)
    assert "upload the model to another project" in done.stderr
    assert read_lock(ProjectPaths(tmp_path).lock) is None


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x1c\x00\x00\x00TFL2"])
def test_a_file_that_is_not_a_model_is_rejected_before_it_is_sent(
    studio: Studio, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(DataError, match="not a TensorFlow Lite model"):
        deploy_model(
            studio, tmp_path / "x.tflite", ["a"], BuildSpec("arduino", "tflite", "int8"), ProjectPaths(tmp_path)
        )
