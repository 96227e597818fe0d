"""The web page: Gradio's layout around the HTML of ``gateway/page``; what happens is in ``gateway.ui_events``
and ``gateway.ui_system``."""

from __future__ import annotations

from importlib import resources
from typing import Any

import gradio as gr
from fastapi import FastAPI

from gateway.auth import caller_of
from gateway.page.about import HEAD, codes
from gateway.page.reading import EMPTY
from gateway.page.visitor import visitor
from gateway.parts import Parts
from gateway.ui_events import FOLLOW_S, Page
from gateway.ui_system import System
from gateway.ui_theme import theme
from gateway.ui_view import Visit

BEAT_S = 3.0
DROP_WORDS = {
    "upload_text.drop_file": "Drop chest X-rays here",
    "upload_text.click_to_upload": "choose files: JPEG, PNG, DICOM or zip",
}
# Gradio keeps what a browser sends until the job has its own copy; then it is only in the way.
CACHE_LOOK_S, CACHE_AGE_S = 60, 900
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
UPLOADS_AT_ONCE = 8
# Gradio's own 0.001 s keeps a gateway busy that has nothing to do.
LOOK_FOR_UPLOADS_S = 0.02


def mount_page(app: FastAPI, parts: Parts) -> None:
    """Put the page at ``/``, behind every route that ``app`` already has."""
    folder = resources.files("gateway.page")
    script, viewer = ((folder / name).read_text() for name in ("page.js", "viewer.js"))
    once = "".join(
        f"<script>{(folder / name).read_text()}</script>" for name in ("session.js", "places.js", "drops.js")
    )
    with gr.Blocks(
        title="PneumoServe", analytics_enabled=False, fill_width=True, delete_cache=(CACHE_LOOK_S, CACHE_AGE_S)
    ) as blocks:
        _layout(blocks, Page(parts), System(parts), script, script + viewer)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=theme(),
        i18n=gr.I18n(en=DROP_WORDS),
        css=(folder / "style.css").read_text(),
        head=once,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=parts.settings.max_request_bytes,
    )
    blocks._queue.sleep_when_free = LOOK_FOR_UPLOADS_S


def _layout(blocks: gr.Blocks, page: Page, says: System, script: str, viewer: str) -> None:
    def part(html: str, name: str, javascript: str = script) -> gr.HTML:
        return gr.HTML(html, apply_default_css=False, js_on_load=javascript, elem_id=name)

    def drop(name: str) -> gr.File:
        return gr.File(file_count="multiple", label="Chest X-rays", show_label=False, height=112, elem_id=name)

    visit, clock, beat = gr.State(Visit()), gr.Timer(FOLLOW_S, active=False), gr.Timer(BEAT_S, active=False)
    gr.HTML(HEAD, apply_default_css=False)
    who = part("", "who")
    with gr.Tabs(elem_id="tabs") as tabs:
        with gr.Tab("Read", id="read", elem_id="tab-read") as read:
            one = drop("drop-read")
            alert, film = part("", "alert"), part(EMPTY, "film", viewer)
        with gr.Tab("Batch", id="batch", elem_id="tab-batch") as batch:
            with gr.Row(elem_id="intake"):
                many = drop("drop-batch")
                directory = gr.UploadButton("Choose a folder", file_count="directory", elem_id="folder")
            standing, films, recent = part("", "standing"), part("", "films"), part("", "recent")
        with gr.Tab("System", id="system", elem_id="tab-system") as system:
            card, pulse = part("", "card"), part("", "pulse")
            part(codes(), "codes")
    foot = part("", "foot")

    shown = [tabs, alert, film, standing, films, recent, clock]
    for source, receive in ((one, page.receive_one), (many, page.receive_many), (directory, page.receive_many)):
        source.upload(receive, [source, visit], [source, *shown], concurrency_limit=UPLOADS_AT_ONCE, **QUIET)
    for happens, does in (
        (clock.tick, page.look),
        (films.select, page.choose),
        (films.input, page.arrange),
        (film.select, page.turn),
        (film.submit, page.say),
        (film.delete, page.forget_film),
        (recent.select, page.open),
        (foot.select, page.open),
        (standing.stop, page.stop),
        (standing.delete, page.forget_list),
    ):
        happens(does, visit, shown, queue=False, **QUIET)
    system.select(says.opened, None, [pulse, card, beat], queue=False, **QUIET)
    beat.tick(says.pulse, None, pulse, queue=False, **QUIET)
    gr.on([read.select, batch.select], says.left, None, beat, queue=False, **QUIET)
    blocks.load(page.resume, visit, shown, queue=False, **QUIET)
    blocks.load(says.foot, None, foot, queue=False, **QUIET)
    blocks.load(_visitor, None, who, queue=False, **QUIET)


def _visitor(request: gr.Request) -> str:
    return visitor(caller_of(request))
