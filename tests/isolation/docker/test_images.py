"""Names of policies and architectures become references of images."""

from __future__ import annotations

import pytest

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.images import all_images, find_image


@pytest.mark.parametrize(
    ("config", "name", "platform"),
    [
        (DockerConfig(), "manylinux_2_28_x86_64", "linux/amd64"),
        (DockerConfig(platform="manylinux", architecture="aarch64"), "manylinux_2_28_aarch64", "linux/arm64"),
        (DockerConfig(platform="musllinux"), "musllinux_1_2_x86_64", "linux/amd64"),
        (DockerConfig(architecture="armv7l"), "manylinux_2_31_armv7l", "linux/arm/v7"),
        (DockerConfig(architecture="riscv64"), "manylinux_2_39_riscv64", "linux/riscv64"),
        (DockerConfig(image="manylinux2014"), "manylinux2014_x86_64", "linux/amd64"),
        (DockerConfig(image="manylinux2014_i686"), "manylinux2014_i686", "linux/386"),
        (DockerConfig(image="manylinux_2_34", architecture="arm64"), "manylinux_2_34_aarch64", "linux/arm64"),
    ],
)
def test_an_image_is_found_by_policy_and_architecture(config: DockerConfig, name: str, platform: str) -> None:
    image = find_image(config)
    assert (image.name, image.platform) == (name, platform)
    assert image.reference.startswith(f"quay.io/pypa/{name}@sha256:")


def test_an_old_name_of_a_policy_is_its_image() -> None:
    assert (
        find_image(DockerConfig(image="manylinux_2_17")).reference
        == find_image(DockerConfig(image="manylinux2014")).reference
    )


@pytest.mark.parametrize(
    "reference", ["python:3.12", "debian", "registry.local:5000/own/image@sha256:00", "quay.io/a/b"]
)
def test_any_other_name_is_a_reference(reference: str) -> None:
    image = find_image(DockerConfig(image=reference, architecture="i686"))
    assert (image.reference, image.platform, image.end_of_life) == (reference, "linux/386", "")


def test_images_whose_life_has_ended_say_so() -> None:
    assert find_image(DockerConfig(image="manylinux2014")).end_of_life == "2024-06-30"
    assert find_image(DockerConfig(image="musllinux_1_1")).reference == "quay.io/pypa/musllinux_1_1_x86_64:latest"
    assert find_image(DockerConfig(image="manylinux_2_28")).end_of_life == ""


def test_a_mirror_takes_the_place_of_their_home() -> None:
    config = DockerConfig(mirror="registry.local:5000/pypa/")
    assert find_image(config).reference.startswith("registry.local:5000/pypa/manylinux_2_28_x86_64@sha256:")
    assert find_image(DockerConfig(image="debian", mirror="registry.local")).reference == "debian"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DockerConfig(architecture="sparc"), "There is no architecture 'sparc'"),
        (DockerConfig(image="manylinux_9_9"), "There is no image manylinux_9_9"),
        (DockerConfig(image="manylinux_2_28", architecture="riscv64"), "There is no image manylinux_2_28 for riscv64"),
        (DockerConfig(image="manylinux_2_28_sparc"), "There is no architecture 'sparc'"),
    ],
)
def test_what_there_is_no_image_for_is_an_error_that_names_those_there_are(config: DockerConfig, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        find_image(config)
    assert "x86_64" in str(caught.value) or "manylinux_2_28" in str(caught.value)


@pytest.mark.parametrize("image", ["manylinux_2_28", "quay.io/pypa/manylinux_2_28_x86_64:latest"])
def test_an_image_of_one_libc_is_none_for_the_other(image: str) -> None:
    with pytest.raises(RequestError, match=f"{image} is no image for musllinux"):
        find_image(DockerConfig(image=image, platform="musllinux"))
    for platform in ("manylinux", "auto"):
        assert find_image(DockerConfig(image=image, platform=platform)).architecture == "x86_64"  # type: ignore[arg-type]
    assert find_image(DockerConfig(image="debian", platform="musllinux")).name == "debian"


def test_a_platform_that_there_is_not_is_an_error() -> None:
    with pytest.raises(RequestError, match="There is no platform 'macos'"):
        find_image(DockerConfig(platform="macos"))  # type: ignore[arg-type]


def test_every_image_of_the_promised_table_is_known() -> None:
    promised = ("manylinux2014", "manylinux_2_28", "manylinux_2_34", "musllinux_1_1", "musllinux_1_2")
    wanted = {f"{policy}_{architecture}" for policy in promised for architecture in ("x86_64", "aarch64")}
    assert wanted <= all_images().keys()
    assert len(all_images()) == 27
