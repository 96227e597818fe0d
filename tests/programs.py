"""Programs of the system that tests run."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str, package: str) -> str:
    """Where a program of a Debian package is; without it the test cannot be made."""
    return shutil.which(name) or cannot_be_made(f"{name} (Debian: {package}) is not installed")


def cannot_be_made(reason: str) -> NoReturn:
    """End a test for which this machine lacks something: skipped on a laptop, failed in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
