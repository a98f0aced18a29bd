"""A SavedModel that writes a file when it is loaded, sent to a real studio: with and without --allow-scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.studio.jobs.confinement import landlock_version
from ei_toolkit.studio.store import Store
from ei_toolkit.training.import_tensorflow import import_tensorflow


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A zip of a SavedModel, and the file that an initialiser in it writes."""
    tf = import_tensorflow()
    folder = tmp_path_factory.mktemp("attack")
    written = folder / "written"

    class Writer(tf.saved_model.experimental.TrackableResource):  # type: ignore[misc]
        def _create_resource(self) -> Any:
            return tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.string)

        def _initialize(self) -> None:
            tf.io.write_file(str(written), "from a model")

    module = tf.Module()
    module.writer = Writer()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec((1, 6))])
    tf.saved_model.save(module, str(folder / "model"), signatures=module.double)
    tf.saved_model.load(str(folder / "model"))
    assert written.read_text() == "from a model"  # the attack works where nothing prevents it
    written.unlink()
    return Path(shutil.make_archive(str(folder / "model"), "zip", folder, "model")), written


def upload(server: Any, archive: Path) -> dict[str, Any]:
    data = {"modelFileType": "saved_model", "modelFileName": "model.zip"}
    files = {"modelFile": archive.read_bytes()}
    return server.json("POST", "/1/pretrained-model/upload", data=data, files=files)


def test_without_permission_it_is_neither_accepted_nor_loaded_by_a_job_that_was_accepted_before(
    own_server: Any, attack: tuple[Path, Path]
) -> None:
    archive, written = attack
    refused = upload(own_server, archive)
    assert refused["success"] is False and "started without --allow-scripts" in refused["error"]
    own_server.end()
    store = Store.open(own_server.data)
    spec = {"fileName": "model.zip", "fileType": "saved_model", "device": "", "features": None}
    job = store.jobs.add(1, "pretrained-upload", "pretrained", "c", {**spec, "model": store.blobs.put_file(archive)})
    store.close()
    own_server.start()  # as after a restart without the option
    found = own_server.wait(job.id)
    assert found["finishedSuccessful"] is False
    assert "started without --allow-scripts" in found["additionalInfo"]
    assert not written.exists()


@pytest.mark.skipif(not landlock_version(), reason="the system has no Landlock")
def test_with_permission_it_still_cannot_write_outside_of_the_data_folder(
    own_server: Any, attack: tuple[Path, Path]
) -> None:
    archive, written = attack
    own_server.end()
    own_server.flags = ["--allow-scripts"]
    own_server.start()
    job = upload(own_server, archive)["id"]
    assert own_server.wait(job, 120)["finishedSuccessful"] is False
    log = json.dumps(own_server.json("GET", f"/1/jobs/{job}/stdout")["stdout"])
    assert "Permission denied" in log or "PermissionDenied" in log
    assert not written.exists()
