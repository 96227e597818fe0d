"""Cards of the models whose answers are shown, remembered for as long as the process lives."""

from __future__ import annotations

import time

from cxr.errors import CxrError
from cxr.schemas import ModelCard, ModelIdentity, OperatingPoint
from cxr.triton import ModelClient

ASK_AGAIN_S = 5.0


class Cards:
    """Looks up the card of the model that gave an answer; None while that model cannot be asked, or is gone."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model
        self._known: dict[tuple[str, int], ModelCard] = {}
        self._asked_at: dict[tuple[str, int], float] = {}

    def of(self, identity: ModelIdentity) -> ModelCard | None:
        key = (identity.name, identity.version)
        if key not in self._known and time.monotonic() - self._asked_at.get(key, float("-inf")) > ASK_AGAIN_S:
            self._asked_at[key] = time.monotonic()
            try:
                card = self._model.version(identity.version).card
            except CxrError:
                return None
            self._known[card.name, card.version] = card
        return self._known.get(key)


class OperatingPoints:
    """Looks up the operating point that an answer was judged by; None where there is no card."""

    def __init__(self, model: ModelClient) -> None:
        self._cards = Cards(model)

    def of(self, identity: ModelIdentity) -> OperatingPoint | None:
        card = self._cards.of(identity)
        return card.operating_point if card else None
