"""Films that a request names by address: fetched a few at once, handed on in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cxr.errors import ImageRejected, NoImages, RequestRefused, RequestTooLarge, TooManyImages
from cxr.schemas import Job
from gateway.addresses import Address, Allowed
from gateway.contents import Film, within
from gateway.idempotency import Once
from gateway.names import LONGEST_NAME
from gateway.object_stores import fetch
from gateway.parts import Parts
from gateway.uploads import accept_from, accepted_before

FETCHED_AT_ONCE = 8  # each may take as much memory as the largest file
MAX_BODY_BYTES = 32 * 1024**2


class Addresses(BaseModel):
    """Films by address, one image each."""

    model_config = ConfigDict(extra="forbid")

    addresses: list[str] = Field(
        min_length=1,
        description="s3://bucket/path or file:///path below a prefix that this gateway allows; zips are not opened.",
    )


class Addressed:
    """The films at addresses that were checked."""

    def __init__(self, addresses: Sequence[Address], max_file_bytes: int) -> None:
        self._addresses, self._max_file_bytes = addresses, max_file_bytes

    def __len__(self) -> int:
        return len(self._addresses)

    def films(self, max_total_bytes: int) -> Iterator[Film]:
        """In the order of the addresses. Raises ``ObjectStoreUnavailable``."""
        return within(self._films(), max_total_bytes)

    def _films(self) -> Iterator[Film]:
        fetched: deque[Future[Film]] = deque()
        with ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="fetch") as pool:
            try:
                for address in self._addresses:
                    fetched.append(pool.submit(self._film, address))
                    if len(fetched) >= FETCHED_AT_ONCE:
                        yield fetched.popleft().result()
                while fetched:
                    yield fetched.popleft().result()
            finally:
                for each in fetched:
                    each.cancel()

    def _film(self, address: Address) -> Film:
        name = address.text[-LONGEST_NAME:]
        try:
            content = fetch(address, self._max_file_bytes)
        except ImageRejected as refusal:
            return Film(name, 0, refusal)
        return Film(name, len(content), content)


async def read_addresses(request: Request, max_images: int) -> list[str]:
    """The addresses of a JSON body. Raises ``RequestTooLarge``, ``RequestRefused``, ``NoImages``, ``TooManyImages``."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RequestTooLarge(f"at most {MAX_BODY_BYTES} bytes of addresses")
    try:
        addresses = Addresses.model_validate_json(bytes(body)).addresses
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "too_short":
            raise NoImages from error
        raise RequestRefused('send {"addresses": ["s3://bucket/path", ...]}') from error
    if len(addresses) > max_images:
        raise TooManyImages(f"at most {max_images}")
    return addresses


def accept_addresses(texts: Sequence[str], parts: Parts, once: Once | None) -> Job:
    """Make a durable job of the films at these addresses; it is accepted when all of them are here.

    A film that is not there, or too large, is a row with its refusal.

    Raises ``AddressRefused``, ``ObjectStoreUnavailable`` and what ``accept`` does: nothing was kept.
    """
    settings = parts.settings
    addresses = Allowed(settings.address_prefixes).check(texts)
    source = Addressed(addresses, settings.max_file_bytes)
    return accepted_before(once, parts) or accept_from(source, parts, once)
