"""A line of the table for each key, and what it is read as."""

from __future__ import annotations

import os
from typing import Any

PATH = "tool.headless-wheel-builder"
EACH: list[tuple[str, Any]] = [
    ('isolation = "docker"', "docker"),
    ('isolation = "auto"', "auto"),
    ('installer = "pip"', "pip"),
    ('python = "3.12"', ("3.12",)),
    ('python = ["3.12", "3.13t"]', ("3.12", "3.13t")),
    ('platform = ["manylinux", "musllinux"]', ("manylinux", "musllinux")),
    ('platform = "auto"', ("auto",)),
    ('arch = "aarch64"', ("aarch64",)),
    ('image = "manylinux_2_34"', "manylinux_2_34"),
    ('image-mirror = "registry.local/pypa"', "registry.local/pypa"),
    ("repair = false", False),
    ("strip = true", True),
    ("only-plat = true", True),
    ('exclude = ["libcuda.so.*"]', ("libcuda.so.*",)),
    ("exclude = []", ()),
    ("network = false", False),
    ('memory = "4g"', "4g"),
    ("cpus = 2", 2.0),
    ("cpus = 0.5", 0.5),
    ('mounts = "/cache:/root/.cache:ro"', ("/cache:/root/.cache:ro",)),
    ('env = {CFLAGS = "-O3", EMPTY = ""}', {"CFLAGS": "-O3", "EMPTY": ""}),
    ("hook-timeout = 600", 600.0),
    ("hook-silence = 0.5", 0.5),
    ("timeout = 3600", 3600.0),
    ("clean-env = true", True),
    ("env-cache = false", False),
    ("jobs = 4", 4),
    ("fail-fast = true", True),
    ("max-unpacked-size = 5000", 5000),
    ('max-unpacked-size = "10GB"', 10**10),
    ('config-settings = {a = "1", b = ["2", "3"]}', {"a": "1", "b": ["2", "3"]}),
    ('dependency-constraints = "c.txt"', os.path.join("project", "c.txt")),
]


def key_of(line: str) -> str:
    return line.split(" ", maxsplit=1)[0]
