from __future__ import annotations

import pytest
from build.__main__ import _parse_config_settings
from hypothesis import given
from hypothesis import strategies as st
from support import Recorder

from headless_wheel_builder.cli.settings import config_settings
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import Warned


@pytest.mark.parametrize(
    ("pairs", "settings"),
    [
        ([], {}),
        (["k=v"], {"k": "v"}),
        (["k=v=w"], {"k": "v=w"}),
        (["k="], {"k": ""}),
        (["=v"], {"": "v"}),
        (["--opt=x"], {"--opt": "x"}),
        (["k=1", "k=2"], {"k": ["1", "2"]}),
        (["k=1", "j=x", "k=2", "k=3"], {"k": ["1", "2", "3"], "j": "x"}),
        (["k=", "k="], {"k": ["", ""]}),
    ],
)
def test_pairs_are_read(recorder: Recorder, pairs: list[str], settings: dict[str, object]) -> None:
    assert config_settings(pairs, None, recorder) == settings
    assert recorder.events == []


@pytest.mark.filterwarnings("ignore")
@given(st.lists(st.sampled_from(["a", "a=", "a=1", "b=2", "b==", "c"]), max_size=6))
def test_any_pairs_mean_what_they_mean_to_build(pairs: list[str]) -> None:
    assert config_settings(pairs, None, Recorder()) == _parse_config_settings(pairs)


def test_a_setting_without_a_value_is_empty_and_warned_about_once(recorder: Recorder) -> None:
    assert config_settings(["k", "k", "j=1"], None, recorder) == {"k": ["", ""], "j": "1"}
    assert recorder.events == [
        Warned(
            "Config setting 'k' was passed without a value; this form is not supported by pip."
            " Write k= instead to be compatible with both tools"
        )
    ]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("{}", {}),
        ('{"a": "b"}', {"a": "b"}),
        ('{"a": [1, null, true, {"b": 1.5}]}', {"a": [1, None, True, {"b": 1.5}]}),
        ("", {}),
    ],
)
def test_json_passes_through_untouched(recorder: Recorder, text: str, settings: dict[str, object]) -> None:
    assert config_settings(None, text, recorder) == settings


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"', "true"])
def test_json_that_is_no_object_is_refused_in_the_words_of_build(recorder: Recorder, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        config_settings(None, text, recorder)
    assert caught.value.message == "--config-json must contain a JSON object (dict), not a list or primitive value"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("x", "Expecting value: line 1 column 1 (char 0)"),
        ("{} x", "Extra data: line 1 column 4 (char 3)"),
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_build(recorder: Recorder, text: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        config_settings(None, text, recorder)
    assert caught.value.message == f"Invalid JSON in --config-json: {reason}"


def test_json_deeper_than_anyone_can_read_is_refused(recorder: Recorder) -> None:
    with pytest.raises(RequestError, match="Invalid JSON"):
        config_settings(None, "[" * 200_000, recorder)
