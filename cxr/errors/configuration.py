"""What is wrong with how a process was set up, seen before it does anything."""

from __future__ import annotations

from cxr.errors.root import CxrError


class SettingsRefused(CxrError):
    """A variable is unknown, missing or out of its bounds; the process must not start."""

    code = "settings_refused"
    sentence = "The process is not set up correctly and does not start."
