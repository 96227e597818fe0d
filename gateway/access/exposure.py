"""A gateway that other machines can reach must know who asks."""

from __future__ import annotations

import ipaddress
import os

from cxr.errors import SettingsRefused
from cxr.settings import Settings
from gateway.access.register import AccessFile

FIRST_KEY = "python -m gateway keys create --owner NAME --name PURPOSE"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on this address; a name other than localhost: no."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_open_doors(host: str, access: AccessFile | None) -> None:
    """Raise ``SettingsRefused`` when anybody on the network could come in, or when nobody could."""
    if access is None:
        if not is_loopback(host):
            raise SettingsRefused(
                f"other machines reach {host}, and no keys are asked for: set CXR_ACCESS_FILE and run `{FIRST_KEY}`,"
                " or listen on 127.0.0.1"
            )
        return
    if not access.path.exists() or not access.now().lets_somebody_in:
        raise SettingsRefused(f"{access.path} lets nobody in yet: run `{FIRST_KEY}`")


def refuse_half_a_certificate(settings: Settings) -> None:
    """Raise ``SettingsRefused`` when TLS is half set up, or its files cannot be read."""
    files = {"CXR_TLS_CERTIFICATE": settings.tls_certificate, "CXR_TLS_KEY": settings.tls_key}
    if any(files.values()) and not all(files.values()):
        raise SettingsRefused(f"TLS needs both {' and '.join(files)}")
    for name, file in files.items():
        if file and not os.access(file, os.R_OK):
            raise SettingsRefused(f"{name}: {file} cannot be read")
