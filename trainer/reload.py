"""A running Triton is told to load what the configs name, and has to prove that it answers as that version should."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from cxr.errors import CxrError, ModelUnavailable
from cxr.schemas import ModelCard
from cxr.triton import ModelClient
from trainer.golden import GoldenSet, disagreements
from trainer.refusals import RolledBack, TritonAway
from trainer.scorers import in_batches, triton_scorer

# Compiling the graph and two warm-up batches take about 2 s on two cores; a loaded machine is slower.
RELOAD_TIMEOUT_S = 60.0


def default_url() -> str:
    """Where ``make run`` starts Triton."""
    return f"127.0.0.1:{os.environ.get('CXR_TRITON_PORT', '8051')}"


Reload = Annotated[bool, typer.Option(help="Ask Triton to load it and prove it there.")]
TritonUrl = Annotated[
    str,
    typer.Option(
        help="Triton's gRPC address; default: loopback, at CXR_TRITON_PORT or 8051.",
        envvar="CXR_TRITON_URL",
        default_factory=default_url,
        show_default=False,
    ),
]


def must_be_there(client: ModelClient) -> None:
    """Ask before anything is changed.

    Raises:
        TritonAway: no server answers.
    """
    if not client.live():
        raise TritonAway(client.address)


def bring_into_service(client: ModelClient, card: ModelCard, golden_sets: Sequence[GoldenSet]) -> None:
    """Load, wait until this very model answers, and score the golden sets through the server.

    Raises:
        RolledBack: it did not load, or answers differently; the caller changes back what was changed.
    """
    try:
        client.load()
        _wait_until_served(client, card)
        found: list[str] = []
        for golden in golden_sets:
            found += disagreements(golden, in_batches(triton_scorer(client), golden.images), card.operating_point)
    except CxrError as error:
        raise RolledBack(str(error)) from error
    if found:
        raise RolledBack("; ".join(found[:5]))


def load_again(client: ModelClient | None, cause: BaseException) -> None:
    """Tell Triton, where there is one, that the former version is back; what it answers is noted, for the cause is what
    matters.
    """
    if client is None:
        return
    try:
        client.load()
    except CxrError as error:
        cause.add_note(f"Triton could not be told to load the former version again: {error}")


def _wait_until_served(client: ModelClient, card: ModelCard) -> None:
    deadline = time.monotonic() + RELOAD_TIMEOUT_S
    while not (client.ready() and client.card() == card):
        if time.monotonic() > deadline:
            raise ModelUnavailable(f"version {card.version} did not answer within {RELOAD_TIMEOUT_S:.0f} s")
        time.sleep(0.1)
