"""Operating points of the models whose answers are shown, remembered for as long as the process lives."""

from __future__ import annotations

import time

from cxr.errors import CxrError
from cxr.schemas import ModelIdentity, OperatingPoint
from cxr.triton import ModelClient

ASK_AGAIN_S = 5.0


class OperatingPoints:
    """Looks up the operating point that an answer was judged by; None while its model cannot be asked or is gone."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model
        self._known: dict[tuple[str, int], OperatingPoint] = {}
        self._asked_at = float("-inf")

    def of(self, identity: ModelIdentity) -> OperatingPoint | None:
        key = (identity.name, identity.version)
        if key not in self._known and time.monotonic() - self._asked_at > ASK_AGAIN_S:
            self._asked_at = time.monotonic()
            try:
                card = self._model.card()
            except CxrError:
                return None
            self._known[card.name, card.version] = card.operating_point
        return self._known.get(key)
