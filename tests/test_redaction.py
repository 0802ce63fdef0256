"""What people get to see holds no password and no token of an address."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_wheel_builder.errors import HookFailedError, OutputError
from headless_wheel_builder.events import CommandOutput, CommandStarted, Noticed, RequirementsInstalling
from headless_wheel_builder.redaction import LONGEST_ADDRESS, Redaction, all_redacted, redacted, secrets

HIDDEN = {
    "https://jane:s3cret@host/simple": "https://****@host/simple",
    "https://s3cret@host/simple": "https://****@host/simple",
    "https://s3cret:x-oauth-basic@host": "https://****@host",
    "index-url = 'https://jane:s3cret@host/'": "index-url = 'https://****@host/'",
    "--index https://a:s3cret@one/ https://b:s3cret@two/": "--index https://****@one/ https://****@two/",
    "git+https://s3cret@host/a.git@main": "git+https://****@host/a.git@main",
    "https://jane:s3cret@[::1]:80/": "https://****@[::1]:80/",
    "https://jane:s3@cret@host/": "https://****@host/",
    "https://jane:s3/cret@host/": "https://****@host/",
    "https://jane:s3#cret@host/": "https://****@host/",
    "http://:s3cret@proxy:3128": "http://****@proxy:3128",
    "ssh://jane:s3cret@host": "ssh://****@host",
    "demo @ https://jane:s3cret@host/demo.whl": "demo @ https://****@host/demo.whl",
    "https://host/simple/?token=s3cret": "https://host/simple/?token=****",
    "https://host/a.whl?x=1&X-Amz-Signature=s3cret&y=2": "https://host/a.whl?x=1&X-Amz-Signature=****&y=2",
    "https://host/a.whl?sv=1&sig=s3cret#sha256=00": "https://host/a.whl?sv=1&sig=****#sha256=00",
    "<https://host/?access_token=s3cret>": "<https://host/?access_token=****>",
    "https://host/s3cretS3cretS3cret/org/repo/python/simple/": "https://host/****/org/repo/python/simple/",
    "index-url = 'https://host/s3cretS3cretS3cret/simple'": "index-url = 'https://host/****/simple'",
    "https://host/s3cretS3cretS3cret/org/repo/python/demo.whl": "https://host/****/org/repo/python/demo.whl",
    "https://host/s3cretS3cretS3cret/org/": "https://host/****/org/",
    "https:/jane:s3cret@host/demo.tar.gz": "https://****@host/demo.tar.gz",
    "/work/https:/host/s3cretS3cretS3cret/x?token=s3cret": "/work/https:/host/****/x?token=****",
    "https://host/simple/?key=s3cret&pat=s3cret": "https://host/simple/?key=****&pat=****",
    "Port could not be cast to integer value as 's3cret'": "Port could not be cast to integer value as '****'",
}
SHOWN = (
    "https://host/simple",
    "https://host:8080/a@b",
    "http://[::1]:80/a@b",
    "git+https://host/a/b.git@c0ffee",
    "git+ssh://git@host/a.git",
    "https://host/?author=jane&design=2&page=s",
    "https://host/artifactory/api/pypi/pypi-virtual-2024-local/simple/",
    "https://host/packages/0123456789abcdef0123/demo-1.0.tar.gz",
    "https://host/averyveryverylongname/simple/",
    "https://host/averyveryverylongname/org/",
    "https://host/?monkey=1&path=2",
    "C:/jane@work/demo",
    "file:///builds0123456789abcdef/wheels/",
    "what?token=is no address",
    "ssh://jane@host:22/run/docker.sock",
    "file:///home/jane@work/wheels",
    "undefined reference to `std::thread::join()@GLIBCXX_3.4'",
    "jane@example.org: https://host",
)


@pytest.mark.parametrize(("text", "told"), HIDDEN.items())
def test_credentials_of_an_address_are_hidden(text: str, told: str) -> None:
    assert redacted(text) == told
    assert redacted(told) == told


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("many", ["://a:b", "http:/a:", "ssh://a:b", "://a?token", "://a/0a0a0a0a0a0a0a0a/b"])
def test_a_text_of_addresses_without_end_takes_no_time(many: str) -> None:
    began = time.perf_counter()
    redacted("@ " + many * 100_000)
    assert time.perf_counter() - began < 10


def test_texts_are_redacted_wherever_they_are_in_plain_data() -> None:
    found = {"a": ["https://t@h", 1, ("https://t@h",)], "b": {"c": "https://t@h"}, "d": None}
    assert all_redacted(found) == {
        "a": ["https://****@h", 1, ("https://****@h",)],
        "b": {"c": "https://****@h"},
        "d": None,
    }


@pytest.mark.parametrize("size", range(1, 12))
def test_an_address_that_comes_in_pieces_is_hidden(size: int) -> None:
    text = "see https://jane:s3cret@host/simple and http: that, https://x:s3cret@y"
    redaction = Redaction()
    told = [redaction.piece(text[start : start + size]) for start in range(0, len(text), size)]
    assert "".join((*told, redaction.rest())) == redacted(text)
    assert "s3cret" not in redacted(text)


@given(
    st.lists(
        st.text("a:/@ \n", max_size=8) | st.sampled_from(["?token=a", "&", "/0a0a0a0a0a0a0a0a/", "simple"]), max_size=12
    )
)
def test_pieces_say_what_the_whole_text_does(pieces: list[str]) -> None:
    redaction = Redaction()
    assert "".join([*map(redaction.piece, pieces), redaction.rest()]) == redacted("".join(pieces))


def test_what_is_no_address_is_told_at_once() -> None:
    assert Redaction().piece("compiling...") == "compiling..."
    assert Redaction().piece("://" + "x" * LONGEST_ADDRESS)


def test_what_installers_are_told_is_known_to_be_secret() -> None:
    environ = {
        "UV_INDEX_URL": "jane:hunter22@host/simple",
        "PIP_EXTRA_INDEX_URL": "https://t0ken@one/ https://joe:pass/word@two/",
        "UV_INDEX": "own=https://joe:other@three/",
        "https_proxy": "proxyuser:proxypass@proxy:3128",
        "UV_INDEX_OWN_PASSWORD": "named-one",
        "PIP_CERT": "/home/jane@work/ca.pem",
        "UV_FIND_LINKS": "git+https://host/a@main",
        "PIP_INDEX_URL": "https://a:b@host",
        "PIP_FIND_LINKS": "http//joe:mistyped@host/ http://joe:escaped\\@host/ https://tokenuser:@host/",
        "PIP_PROXY": "https://t0kent0kent0kent0ken:x-oauth@host/",
        "UV_DEFAULT_INDEX": "https://host/s3cretS3cretS3cret/org/simple/?token=question",
        "PS1": "user:prompt@machine",
    }
    assert set(secrets(environ)) == {
        "jane:hunter22", "hunter22", "t0ken", "joe:pass/word", "pass/word", "joe:other", "other",
        "proxyuser:proxypass", "proxypass", "named-one", "joe:mistyped", "mistyped", "joe:escaped", "escaped",
        "tokenuser:", "tokenuser", "t0kent0kent0kent0ken:x-oauth", "t0kent0kent0kent0ken", "x-oauth",
        "s3cretS3cretS3cret", "question",
    }  # fmt: skip


def test_what_files_tell_installers_is_known_to_be_secret() -> None:
    netrc = "machine host login jane password hunter22\n"
    settings = (
        "[global]\n# ask joe@example.org\nindex-url = http:/jane:mistyped@host/simple\nproxy='p:proxypass@proxy'\n"
    )
    requirements = "demo @ git+ssh://jane@host/demo.git@main\nother@https://host/o.whl --hash=sha256:00\n"
    assert set(secrets({}, [netrc, settings, requirements])) == {
        "hunter22", "jane:mistyped", "mistyped", "p:proxypass", "proxypass",
    }  # fmt: skip


def test_known_secrets_are_hidden_without_an_address_too() -> None:
    redaction = Redaction(secrets({"PIP_INDEX_URL": "jane:hunter22@host/simple"}))
    told = [redaction.piece(piece) for piece in ("index jane:hun", "ter22@host, or hunter22", ".\n")]
    assert "".join((*told, redaction.rest())) == "index ****@host, or ****.\n"


def test_an_error_holds_no_credentials() -> None:
    text = "it is at https://jane:s3cret@host"
    error = HookFailedError(text, hook="build_wheel", returncode=1, log=text, cause=text, hint=text)
    shown = (str(error), error.message, error.cause, error.hint, error.log, repr(error), *map(str, error.args))
    assert [one for one in shown if "s3cret" in one] == []
    assert "https://****@host" in str(OutputError(text))


def test_an_event_holds_no_credentials() -> None:
    url = "https://jane:s3cret@host"
    events = (Noticed(url), CommandOutput(url), CommandStarted(("pip", url)), RequirementsInstalling((f"a @ {url}",)))
    assert [one for one in events if re.search("jane|s3cret", repr(one))] == []
    assert events[2] == CommandStarted(("pip", "https://****@host"))
