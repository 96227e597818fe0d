"""A list of jobs read page by page, newest first; new jobs and deleted ones do not shift what comes next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import cast

from cxr.errors import InvalidCursor
from cxr.jobs.ledger import Ledger, redis_errors

LONGEST_CURSOR = 200


@dataclass(frozen=True, order=True)
class Place:
    """A job's place in the list: when it was opened, in milliseconds since 1970, and its id."""

    opened_ms: int
    job_id: str

    @property
    def cursor(self) -> str:
        """The place as clients hand it back; what is in it is none of their business."""
        return base64.urlsafe_b64encode(f"{self.opened_ms}/{self.job_id}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str) -> Place:
        """Read a cursor. Raises ``InvalidCursor``."""
        if len(cursor) > LONGEST_CURSOR or not cursor.isascii():
            raise InvalidCursor
        try:
            opened_ms, slash, job_id = (
                base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("/")
            )
            place = cls(int(opened_ms), job_id)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        if not slash or place.cursor != cursor:
            raise InvalidCursor
        return place


def places_before(ledger: Ledger, key: str, before: Place | None, most: int) -> list[Place]:
    """Up to ``most`` places of a list, newest first, that come after ``before``."""
    newest = "+inf" if before is None else str(before.opened_ms)
    found: list[Place] = []
    offset = 0
    while len(found) < most:  # again where many jobs were opened in the very millisecond of ``before``
        with redis_errors():
            page = ledger.redis.zrevrangebyscore(key, newest, "-inf", start=offset, num=most, withscores=True)
        members = cast("list[tuple[str, float]]", page)
        found += [place for id_, ms in members if (place := Place(int(ms), id_)) and (before is None or place < before)]
        if len(members) < most:
            break
        offset += most
    return found[:most]
