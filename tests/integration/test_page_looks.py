"""The page reads again what is not final, beside a visitor who goes on choosing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr

from gateway.auth import EVERYBODY
from gateway.ui_events import Page
from gateway.ui_view import View
from tests.files import png
from tests.gateway import Gateway

REQUEST: Any = SimpleNamespace(state=SimpleNamespace(caller=EVERYBODY))


def test_what_is_chosen_while_the_page_looks_stays_chosen(gateway: Gateway) -> None:
    """A look that began before and ends after a choice must not put the view back: the film would stay unanswered."""
    job = gateway.submit([("a.png", png()), ("b.png", png())])
    view, *parts = Page(gateway.parts).look(View(list_job=job["id"]), REQUEST)
    assert view == gr.skip()
    assert any("a.png" in str(part) for part in parts)


def test_a_job_that_is_gone_leaves_the_view(gateway: Gateway) -> None:
    view, *_ = Page(gateway.parts).look(View(list_job="gone"), REQUEST)
    assert view == View()
