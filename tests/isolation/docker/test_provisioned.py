"""What is known of an image with an environment is read as it was written."""

from __future__ import annotations

import json

import pytest

from headless_wheel_builder.isolation.docker.contents import Contents
from headless_wheel_builder.isolation.docker.provisioned import Provisioned


def test_an_answer_is_read_as_it_was_written() -> None:
    made = Provisioned(
        "sha256:1", "key", Contents("/hwb/env", {"a-1.dist-info": {"METADATA": ""}}), is_hosted=False, is_packed=True
    )
    assert Provisioned.parse(json.loads(json.dumps(made.facts()))) == made


@pytest.mark.parametrize(
    "change", [{"image": 1}, {"contents": {}}, {"is_hosted": None}, {"is_packed": 0}, {"key": None}]
)
def test_what_is_no_such_answer_is_none(change: dict[str, object]) -> None:
    known = Provisioned("sha256:1", "key", Contents("/hwb/env", {})).facts()
    assert Provisioned.parse({**known, **change}) is None
    assert Provisioned.parse(None) is None
