"""Query parameters that a route does not have are refused: a misspelt one would otherwise be passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

API = "/v1/"


async def refuse_unknown_query(request: Request) -> None:
    """A dependency of the API's routes. Raises ``RequestValidationError``, which answers ``invalid_request``.

    It waits for nothing, so it takes no thread: a probe must not wait for one.
    """
    route = request.scope["route"]
    if not isinstance(route, APIRoute) or not route.path.startswith(API):
        return
    known = sorted(set(_names(route.dependant)))
    there_is = f"there is {', '.join(known)}" if known else "there is none"
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        faults = [{"loc": ("query", name), "msg": f"no such parameter; {there_is}"} for name in unknown]
        raise RequestValidationError(faults)


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for each in dependant.dependencies:
        yield from _names(each)
