"""Every setting explains itself: the configuration reference is made from these sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from typing import Any

import pytest

from ei_toolkit.config import Settings


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Field[Any]]]:
    for f in fields(node):
        value = getattr(node, f.name)
        yield from leaves(value, f"{prefix}{f.name}.") if is_dataclass(value) else [(prefix + f.name, f)]


@pytest.mark.parametrize(("key", "field"), list(leaves(Settings())), ids=lambda x: x if isinstance(x, str) else "")
def test_a_setting_has_a_sentence(key: str, field: Field[Any]) -> None:
    assert field.metadata["description"].endswith("."), key
