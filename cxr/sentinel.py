"""A Redis whose primary changes: found by asking the sentinels that watch it.

``CXR_REDIS_URL`` is then

    sentinel://[user:password@]host:port,host:port,.../name[/database]

with the name under which the sentinels know the primary. User and password are Redis'; the sentinels ask for none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from cxr.errors import SettingsRefused

SCHEME = "sentinel://"
ADDRESS = re.compile(
    r"sentinel://((?P<user>[^:@/]*):(?P<password>[^@/]+)@)?(?P<hosts>[^:@/,]+:\d+(,[^:@/,]+:\d+)*)"
    r"/(?P<name>[\w.-]+)(/(?P<database>\d+))?"
)


@dataclass(frozen=True)
class WatchedPrimary:
    """Which primary, who knows where it is, and how to sign in to it."""

    name: str
    sentinels: tuple[tuple[str, int], ...]
    database: int = 0
    username: str | None = None
    password: str | None = None

    @property
    def broker_url(self) -> str:
        """As Celery wants it: an address for each sentinel; the name goes into its ``master_name``."""
        user, password = (quote(word or "", safe="") for word in (self.username, self.password))
        signed = f"{user}:{password}@" if self.password else ""
        return ";".join(f"{SCHEME}{signed}{host}:{port}/{self.database}" for host, port in self.sentinels)


def watched_primary(redis_url: str) -> WatchedPrimary | None:
    """What a ``sentinel://`` address names; None for any other address. Raises ``SettingsRefused``: not readable."""
    if not redis_url.startswith(SCHEME):
        return None
    found = ADDRESS.fullmatch(redis_url)
    if found is None:
        raise SettingsRefused("CXR_REDIS_URL: not sentinel://[user:password@]host:port,.../name[/database]")
    places = (word.rpartition(":") for word in found["hosts"].split(","))
    return WatchedPrimary(
        name=found["name"],
        sentinels=tuple((host, int(port)) for host, _, port in places),
        database=int(found["database"] or 0),
        username=unquote(found["user"]) if found["user"] else None,
        password=unquote(found["password"]) if found["password"] else None,
    )
