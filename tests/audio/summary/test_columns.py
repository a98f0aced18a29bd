"""The names of the features."""

from __future__ import annotations

import pytest

from ei_toolkit.audio.summary.columns import EXTRACTORS, extractor_of


@pytest.mark.parametrize(("extractor", "count"), [("summary-57", 57), ("summary-207", 207)])
def test_an_extractor_has_as_many_features_as_its_name_states(extractor: str, count: int) -> None:
    assert len(set(EXTRACTORS[extractor])) == len(EXTRACTORS[extractor]) == count


def test_57_features_are_named_as_in_the_published_table() -> None:
    columns = EXTRACTORS["summary-57"]
    assert columns[:4] == ("chroma_stft_mean", "chroma_stft_var", "rms_mean", "rms_var")
    assert columns[12:19] == (
        "harmony_mean", "harmony_var", "perceptr_mean", "perceptr_var", "tempo", "mfcc1_mean", "mfcc1_var",
    )  # fmt: skip
    assert columns[-1] == "mfcc20_var"


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_columns_identify_their_extractor_in_any_order(extractor: str) -> None:
    assert extractor_of(EXTRACTORS[extractor][::-1]) == extractor
    assert extractor_of(EXTRACTORS[extractor][1:]) == ""
