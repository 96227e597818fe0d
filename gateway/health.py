"""Probes, and the model's identity card."""

from __future__ import annotations

from fastapi import APIRouter

from cxr.errors import ContractBroken, LedgerUnavailable, ModelUnavailable, Unavailable
from cxr.schemas import ModelCard
from gateway.parts import Parts
from gateway.problems import documented


def health_api(parts: Parts) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/v1/model``."""
    api = APIRouter(tags=["health"])

    @api.get("/healthz", summary="Is this process alive", response_description="It is.")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @api.get(
        "/readyz",
        summary="Can films be judged now",
        response_description="They can.",
        responses=documented(Unavailable),
    )
    def readyz() -> dict[str, str]:
        """Ledger and model answer; otherwise a problem that names what is away."""
        away = [name for name, answers in (("ledger", _ledger_answers), ("model", parts.model.ready)) if not answers()]
        if away:
            raise Unavailable(f"away: {', '.join(away)}")
        return {"status": "ready"}

    def _ledger_answers() -> bool:
        try:
            parts.jobs.ping()
        except LedgerUnavailable:
            return False
        return True

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
