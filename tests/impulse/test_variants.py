from __future__ import annotations

from typing import get_args, get_type_hints

from ei_toolkit.config.settings import BuildSettings
from ei_toolkit.impulse.variants import VARIANTS, model_file, model_id
from ei_toolkit.studio.http.learn import MODEL_FILES


def test_the_settings_have_the_same_variants() -> None:
    assert get_args(get_type_hints(BuildSettings)["model_type"]) == VARIANTS


def test_the_studio_offers_each_variant_under_its_id() -> None:
    offered = {file.id: file.filename for file in MODEL_FILES}
    assert all(offered[model_id(variant)] == model_file(variant) for variant in VARIANTS)
