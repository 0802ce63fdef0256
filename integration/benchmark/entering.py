"""Unpack the environment of an image of ours, and be a program of it: `entering.py PROGRAM ARGUMENT...`.

This runs in a container, with an interpreter of the image that has nothing of an environment.
"""

from __future__ import annotations

import os
import runpy
import sys

runpy.run_path("/hwb/program/parcel.py")["unpack"]("/hwb/env.parcel", "/hwb/env")
os.execv(sys.argv[1], sys.argv[1:])
