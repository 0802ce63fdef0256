"""An image with a build environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.contents import Contents
from headless_wheel_builder.values import value


@value
class Provisioned:
    """An image with an environment.

    :param made: its id, or what it will have one from
    :param key: of what it was made; empty if it is not kept
    :param is_hosted: whether its interpreter can be a hook host that imports backends
    :param is_packed: whether the environment is one file in the image, and is in memory when it is used
    """

    made: str | Commit
    key: str
    contents: Contents
    is_hosted: bool = True
    is_packed: bool = False

    @property
    def image(self) -> str:
        """Its id, when it is there.

        :raises IsolationError: it could not be made
        """
        return self.made if isinstance(self.made, str) else self.made.image

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        contents = {"site_packages": self.contents.site_packages, "described": self.contents.described}
        how = {"is_hosted": self.is_hosted, "is_packed": self.is_packed}
        return {"image": self.image, "key": self.key, **how, "contents": contents}

    @classmethod
    def parse(cls, facts: Mapping[str, Any] | None) -> Provisioned | None:
        """Read what `facts` returned; None if it is something else."""
        match facts:
            case {
                "image": str(image),
                "key": str(key),
                "is_hosted": bool(is_hosted),
                "is_packed": bool(is_packed),
                "contents": {"site_packages": str(site_packages), "described": dict(described)},
            }:
                return cls(image, key, Contents(site_packages, described), is_hosted, is_packed)
        return None
