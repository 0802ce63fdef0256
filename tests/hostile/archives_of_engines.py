"""Archives of a folder in a container that no engine would send."""

from __future__ import annotations

from hostile.properties import nothing_outside, only_our_errors, written
from hostile.sdists import MEMBERS, ONE_EVIL, SIZE, TAME_MEMBERS
from hypothesis import strategies as st

from headless_wheel_builder.isolation.docker.archive import unpack

ARCHIVES = st.tuples(
    st.builds(
        lambda members, cut, end: b"".join(members)[cut:] + end,
        st.one_of(st.lists(TAME_MEMBERS, max_size=5), st.lists(MEMBERS, max_size=5), ONE_EVIL),
        st.sampled_from([0, 0, 0, 0, 100, 512]),
        st.sampled_from([bytes(1024), b"", b"tail"]),
    ),
    st.integers(100, 5000),
)


def survive_archive(given: tuple[bytes, int]) -> None:
    """Unpack it, as it comes in pieces."""
    content, size = given
    with nothing_outside() as place:
        folder = place / "folder"
        folder.mkdir()
        pieces = (content[start : start + size] for start in range(0, len(content), size))
        with only_our_errors():
            unpack(pieces, str(folder), SIZE)
        assert written(folder) <= SIZE
        assert not any(path.is_symlink() for path in folder.rglob("*"))
