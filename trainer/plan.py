"""What a TensorRT plan is bound to, and when it has to be built again.

A plan runs only on the TensorRT version and GPU architecture that it was built with and answers for one ONNX file only;
``model.plan.json`` beside it writes all three down. No TensorRT is needed to read it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from cxr.schemas import Frozen

PLAN = "model.plan"


class Profile(Frozen):
    """A TensorRT optimisation profile: the batch sizes it allows, and the one whose kernels are the fastest."""

    least: int
    best: int
    most: int


class PlanIdentity(Frozen):
    """All that changes a plan's bytes: builder, GPU, graph, batch sizes."""

    tensorrt: str
    gpu: str
    compute_capability: str
    source: str
    source_sha256: str
    profiles: tuple[Profile, ...]


class PlanRecord(Frozen):
    """The sidecar of a plan: what it was built from and for, and the plan's own SHA-256."""

    identity: PlanIdentity
    plan_sha256: str
    build_s: float


def profiles_of(batch_sizes: list[int], max_batch_size: int) -> tuple[Profile, Profile]:
    """One profile for a few films at low latency, one for full batches; Triton picks by the batch's size.

    ``batch_sizes`` are the preferred ones of the Triton config.
    """
    few = min([*batch_sizes, max_batch_size])
    return Profile(least=1, best=1, most=few), Profile(least=1, best=max_batch_size, most=max_batch_size)


def sidecar(plan: Path) -> Path:
    """Where a plan's record lies."""
    return plan.with_name(f"{plan.name}.json")


def stale_because(plan: Path, wanted: PlanIdentity) -> list[str]:
    """Why the plan at this path cannot be used for ``wanted``, a reason each; empty where it can."""
    if not plan.is_file():
        return ["there is no plan"]
    try:
        record = PlanRecord.model_validate_json(sidecar(plan).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return ["the plan has no readable record of what it was built for"]
    if hashlib.sha256(plan.read_bytes()).hexdigest() != record.plan_sha256:
        return ["the plan is not the file of its record"]
    built = record.identity
    return [
        f"{name.replace('_', ' ')} was {getattr(built, name)!r} and is {getattr(wanted, name)!r}"
        for name in PlanIdentity.model_fields
        if getattr(built, name) != getattr(wanted, name)
    ]
