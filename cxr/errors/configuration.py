"""What is wrong with how a process was set up, seen before it does harm."""

from __future__ import annotations

from cxr.errors.root import CxrError


class SettingsRefused(CxrError):
    """A variable is unknown, missing or out of its bounds; the process must not start."""

    code = "settings_refused"
    sentence = "The process is not set up correctly and does not start."


class OtherInstallation(CxrError):
    """Ledger and image store have different ids, or one has none: what the ledger does not name may be another's."""

    code = "other_installation"
    sentence = "The job ledger and the image store are not of the same installation; nothing was removed."
