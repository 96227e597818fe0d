"""What happens on the tab System, and at the page's foot."""

from __future__ import annotations

import gradio as gr

from cxr.errors import CxrError
from gateway.page.about import about, foot, no_model
from gateway.page.system import pulse
from gateway.parts import Parts
from gateway.pulse import feel


class System:
    """Says how the system is, which model answers, and what that model is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def opened(self) -> tuple[object, ...]:
        """The tab was opened: its pulse, the model's card, and a clock that keeps the pulse going."""
        return self.pulse(), self._card(), gr.Timer(active=True)

    def left(self) -> object:
        """Another tab was opened: the clock stands still."""
        return gr.Timer(active=False)

    def pulse(self) -> str:
        """How the system is doing now."""
        return pulse(feel(self._parts))

    def foot(self) -> str:
        """Which model answers now."""
        try:
            return foot(self._parts.model.served())
        except CxrError:
            return foot(None)

    def _card(self) -> str:
        try:
            return about(self._parts.model.served())
        except CxrError as error:
            return no_model(error)
