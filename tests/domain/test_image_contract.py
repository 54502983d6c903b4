"""Every model's image has a name that engines take, and one that tells whose it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.image_contract import image_name, image_name_of, image_tag
from kronkers_studio.domain.naming import is_model_name

# https://github.com/distribution/reference: path-component and tag
_REFERENCE = re.compile(r"kronkers/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = "sha256:" + "0123456789abcdef" * 4


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True).filter(is_model_name), st.integers(1, 999_999_999))
def test_every_model_has_a_name_that_engines_take(model: str, version: int) -> None:
    """Seen to fail with the model's own name, which may end in a dot or have two beside each other."""
    tag = image_tag(model, version, _DIGEST)
    assert _REFERENCE.fullmatch(image_name(model, version)) and _REFERENCE.fullmatch(tag)
    assert image_name_of(tag) == image_name(model, version)


@pytest.mark.parametrize(
    ("model", "name"),
    [("churn", "kronkers/churn:3"), ("a_b.c-d", "kronkers/a-b-c-d:3"), ("Größe & Co", "kronkers/gr--e---co:3")],
)
def test_names_of_images(model: str, name: str) -> None:
    assert image_name(model, 3) == name
    assert image_tag(model, 3, _DIGEST) == f"{name}-0123456789ab"
