"""A decode function for tests, in the place of ``cxr.imaging.examine``: does what hostile files make decoders do."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np

from cxr.errors import CorruptImage
from cxr.imaging import IMAGE_SIZE_PX, Film, Limits


def obedient(content: bytes, limits: Limits) -> Film:
    """Do what the file says; a number becomes a film of that grey level."""
    if content.startswith(b"wait for "):
        awaited = Path(os.fsdecode(content.removeprefix(b"wait for ")))
        awaited.with_suffix(".begun").touch()
        while not awaited.exists():
            time.sleep(0.01)
        content = b"0"
    match content:
        case b"segfault":
            ctypes.string_at(0)
        case b"abort":
            os.abort()
        case b"exit":
            os._exit(3)
        case b"killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"hang":
            ctypes.PyDLL(None).sleep(3600)  # keeps the interpreter's lock: no thread of the process could help
        case b"spin":
            re.match("(a+)+$", "a" * 64 + "b")  # keeps the lock too, and a processor
        case b"eat":
            bytearray(64 * 1024**3)
        case b"raise":
            raise RuntimeError("as told")
        case b"refuse":
            raise CorruptImage("as told")
        case b"small":
            return Film(np.zeros((1, 7, 7), np.uint8))
        case b"look around":
            loud = {"grpc", "tritonclient", "celery", "redis", "pydantic"} & sys.modules.keys()
            raise CorruptImage(f"{sorted(loud)} {[name for name in os.environ if name.startswith('CXR_')]}")
    return Film(np.full((1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), int(content), np.uint8))
