"""Become a program that ends when whoever started it is gone, however that came about.

A program of its own, in a process group of its own: leash.py DESCRIPTOR FOLDER PROGRAM ARGUMENT...

The descriptor is the read end of a pipe whose other end only the starter has. The folder
would be the starter's to remove.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys


def main(descriptor: int, folder: str, *argv: str) -> None:
    """Watch in one process, and be the program in the other, whose parent and id stay."""
    if os.fork():
        os.close(descriptor)
        os.execvp(argv[0], argv)
    # Whoever reads what the program prints is not to wait for this process.
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.read(descriptor, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
