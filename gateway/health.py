"""Probes, and the model's identity card."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter

from cxr.errors import ContractBroken, LedgerUnavailable, ModelUnavailable, Unavailable
from cxr.schemas import ModelCard
from gateway.parts import Parts
from gateway.problems import documented

PROBED_AT_ONCE = 8  # in threads of their own: who is busy with uploads is ready all the same


def health_api(parts: Parts) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/v1/model``."""
    api = APIRouter(tags=["health"])
    probing = CapacityLimiter(PROBED_AT_ONCE)

    @api.get("/healthz", summary="Is this process alive", response_description="It is.")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @api.get(
        "/readyz",
        summary="Can films be judged now",
        response_description="They can.",
        responses=documented(Unavailable),
    )
    async def readyz() -> dict[str, str]:
        """The ledger takes writes and the model answers; otherwise a problem that names what is away, and why."""
        if away := await run_sync(_away, parts, limiter=probing):
            raise Unavailable(f"away: {', '.join(away)}")
        return {"status": "ready"}

    @api.get(
        "/v1/model",
        summary="The served model",
        response_description="Its card.",
        responses=documented(ModelUnavailable, ContractBroken),
    )
    def model() -> ModelCard:
        """The identity card of the model that answers now: where it comes from, what it can do, its operating point."""
        return parts.model.card()

    return api


def _away(parts: Parts) -> list[str]:
    """The parts without which no film can be judged, of those that do not answer."""
    away = []
    try:
        parts.probe()
    except LedgerUnavailable as error:
        away.append(f"ledger ({error.detail})")
    if not parts.model.ready():
        away.append("model")
    return away
