"""Programs of the system that tests run."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Where a program of a Debian package is; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} (Debian: {package}) is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
