"""The web page: Gradio's layout and events around the HTML of ``gateway/page``.

A page's upload is a job like any other: it goes through ``gateway.uploads`` and is followed in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from pydantic import ValidationError

from cxr.errors import CxrError, JobNotFound, RequestRefused
from cxr.jobs import Opinion
from cxr.schemas import JobResult
from gateway.auth import Scope, caller_of
from gateway.cards import Cards
from gateway.feedback import give_feedback
from gateway.page.about import HEAD, about, no_model
from gateway.page.reading import EMPTY, reading
from gateway.page.worklist import ROWS, fault, progress, receiving, worklist
from gateway.parts import Parts
from gateway.spool import Upload
from gateway.ui_theme import theme
from gateway.uploads import accept

FOLLOW_S = 0.5
DROP_WORDS = {
    "upload_text.drop_file": "Drop chest X-rays here",
    "upload_text.click_to_upload": "choose files: JPEG, PNG, DICOM, or a zip of them",
}
# Gradio keeps what a browser sends until the job has its own copy; then it is only in the way.
CACHE_LOOK_S, CACHE_AGE_S = 60, 900
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class View:
    """What one visitor looks at: a job, the chosen film, and the first film of the list's page."""

    job_id: str = ""
    selected: int = 0
    first: int = 0


class Page:
    """The page's events. Each returns the view and what to show: view, standing, films, film, clock."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._cards = parts, Cards(parts.model)

    def receive(self, paths: list[str] | None, request: gr.Request) -> Iterator[tuple[object, ...]]:
        """Films were dropped: make them a job and follow it."""
        yield None, View(), receiving(len(paths or [])), "", EMPTY, gr.Timer(active=False)
        try:
            seen = self._seen(request, Scope.SUBMIT)
            job = accept([Upload.of_path(Path(path)) for path in paths or []], seen)
        except CxrError as error:
            yield None, View(), fault(error, "Not accepted"), "", EMPTY, gr.Timer(active=False)
        else:
            yield None, *self.show(View(job.id), request)

    def resume(self, request: gr.Request) -> tuple[object, ...]:
        """The page was opened: with ``?job=`` it shows that job again."""
        return self.show(View(str(request.query_params.get("job", ""))), request)

    def choose(self, view: View, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """A film of the list was chosen."""
        return self.show(replace(view, selected=max(0, int(event.index))), request)

    def turn(self, view: View, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """Another page of the list was asked for."""
        first = max(0, int(event.first))
        return self.show(replace(view, first=first, selected=first), request)

    def say(self, view: View, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """The reader agrees or disagrees with the film that is looked at, and says why."""
        try:
            opinion = Opinion.model_validate({"verdict": event.verdict, "sees": event.sees, "reason": event.reason})
            seen = self._seen(request, Scope.READ)
            give_feedback(seen, view.job_id, int(event.index), opinion, seen.caller.owner)
        except (ValidationError, ValueError):
            return view, fault(RequestRefused(), "Not kept"), gr.skip(), gr.skip(), gr.skip()
        except CxrError as error:
            return view, fault(error, "Not kept"), gr.skip(), gr.skip(), gr.skip()
        return self.show(view, request)

    def stop(self, view: View, request: gr.Request) -> tuple[object, ...]:
        """The job is to be stopped; the answers it has stay."""
        try:
            seen = self._seen(request, Scope.SUBMIT)
            seen.custody.cancel(view.job_id, seen.caller.actor)
        except CxrError as error:
            return view, fault(error, "Not stopped"), gr.skip(), gr.skip(), gr.skip()
        return self.show(view, request)

    def forget(self, view: View, request: gr.Request) -> tuple[object, ...]:
        """The job is to be deleted."""
        try:
            seen = self._seen(request, Scope.SUBMIT)
            seen.custody.forget(view.job_id, seen.caller.actor)
        except JobNotFound:
            pass
        except CxrError as error:
            return view, fault(error, "Not deleted"), gr.skip(), gr.skip(), gr.skip()
        return View(), "", "", EMPTY, gr.Timer(active=False)

    def show(self, view: View, request: gr.Request) -> tuple[object, ...]:
        """Read the ledger and draw what the visitor looks at."""
        if not view.job_id:
            return View(), "", "", EMPTY, gr.Timer(active=False)
        try:
            seen = self._seen(request, Scope.READ)
            job = seen.jobs.job(view.job_id)
            seen.custody.read(view.job_id, seen.caller.actor)
            rows = list(seen.jobs.results(view.job_id, view.first, view.first + ROWS))
            chosen = self._chosen(view, rows)
        except JobNotFound as error:
            return View(), fault(error, "Nothing to show"), "", EMPTY, gr.Timer(active=False)
        except CxrError as error:
            return view, fault(error, "Cannot be shown now"), gr.skip(), gr.skip(), gr.Timer(active=True)
        return (
            view,
            progress(job, rows),
            worklist(rows, view.selected, job.total),
            self._reading(seen, view.job_id, chosen) if chosen else EMPTY,
            gr.Timer(active=not job.state.final),
        )

    def about(self) -> str:
        """The served model's card."""
        try:
            return about(self._parts.model.served())
        except CxrError as error:
            return no_model(error)

    def _seen(self, request: gr.Request, scope: Scope) -> Parts:
        caller = caller_of(request)
        caller.must_have(scope)
        return self._parts.seen_by(caller)

    def _chosen(self, view: View, rows: list[JobResult]) -> JobResult | None:
        return next((row for row in rows if row.index == view.selected), rows[0] if rows else None)

    def _reading(self, seen: Parts, job_id: str, row: JobResult) -> str:
        model = row.result.model if row.result else None
        said = [one for one in seen.feedback.of_image(job_id, row.index) if one.reader == seen.caller.owner]
        return reading(job_id, row, self._cards.of(model) if model else None, said)


def mount_page(app: FastAPI, parts: Parts) -> None:
    """Put the page at ``/``, behind every route that ``app`` already has."""
    page = Page(parts)
    folder = resources.files("gateway.page")
    with gr.Blocks(
        title="PneumoServe", analytics_enabled=False, fill_width=True, delete_cache=(CACHE_LOOK_S, CACHE_AGE_S)
    ) as blocks:
        view = gr.State(View())
        clock = gr.Timer(FOLLOW_S, active=False)
        script = (folder / "page.js").read_text()
        gr.HTML(HEAD, apply_default_css=False)
        drop = gr.File(file_count="multiple", label="Chest X-rays", show_label=False, height=132, elem_id="drop")
        standing = gr.HTML("", apply_default_css=False, js_on_load=script, elem_id="standing")
        with gr.Row(elem_id="desk"):
            films = gr.HTML("", apply_default_css=False, js_on_load=script, elem_id="films")
            viewer = script + (folder / "viewer.js").read_text()
            film = gr.HTML(EMPTY, apply_default_css=False, js_on_load=viewer, elem_id="film")
        card = gr.HTML("", apply_default_css=False)

        shown = [view, standing, films, film, clock]
        drop.upload(page.receive, drop, [drop, *shown], concurrency_limit=8, **QUIET)
        clock.tick(page.show, view, shown, queue=False, **QUIET)
        films.select(page.choose, view, shown, queue=False, **QUIET)
        films.change_page(page.turn, view, shown, queue=False, **QUIET)
        film.submit(page.say, view, shown, queue=False, **QUIET)
        standing.stop(page.stop, view, shown, queue=False, **QUIET)
        standing.delete(page.forget, view, shown, queue=False, **QUIET)
        blocks.load(page.resume, None, shown, queue=False, **QUIET)
        blocks.load(page.about, None, card, queue=False, **QUIET)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=theme(),
        i18n=gr.I18n(en=DROP_WORDS),
        css=(folder / "style.css").read_text(),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=parts.settings.max_request_bytes,
    )
