"""Requests that another site makes a visitor's browser send.

A browser adds the session's cookie by itself, and reaches an open gateway on its own machine; so where no key is shown,
it must not be a foreign page that asks.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from cxr.errors import CrossSite
from gateway.access.visit import Visit

OWN = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site: our page, or the visitor's own hand


def refuse_cross_site(visit: Visit, *, must_say: bool) -> None:
    """Raise ``CrossSite`` for a request that changes something and comes from another origin.

    With ``must_say`` also for one that does not say where it comes from; every browser does.
    """
    if visit.is_safe:
        return
    site, origin = visit.headers.get("sec-fetch-site"), visit.headers.get("origin")
    if site is not None:
        own = site in OWN
    elif origin is not None:
        own = urlsplit(origin).netloc.lower() == visit.headers.get("host", "").lower()
    else:
        own = not must_say
    if not own:
        raise CrossSite


def refuse_foreign_name(headers: Headers) -> None:
    """Raise ``CrossSite`` when the gateway is called by a name of the public DNS.

    Whoever owns that name can make it mean this machine, and a visitor's browser then takes the two for one site
    (DNS rebinding). Addresses, ``localhost`` and other names without a dot cannot be owned so.
    """
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if "." in name and not name.endswith(".localhost"):
            ipaddress.ip_address(name)
    except ValueError:
        raise CrossSite("without keys this gateway answers to its address and to localhost alone") from None
