"""What happens on the page: each event returns what is to be shown anew.

A page's upload is a job like any other: it goes through ``gateway.uploads`` and is followed in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from cxr.errors import CxrError, ImageNotFound, JobNotFound, RequestRefused, ScopeMissing
from cxr.schemas import Job
from gateway.auth import Scope, caller_of
from gateway.cards import Cards
from gateway.feedback import Said, give_feedback
from gateway.page.jobs import recent_jobs
from gateway.page.reading import EMPTY, Way, reading
from gateway.page.standing import deleted, fault, progress, receiving
from gateway.page.worklist import worklist
from gateway.parts import Parts
from gateway.problems import log_unavailable, status_of
from gateway.spool import Upload
from gateway.ui_recent import recent_of
from gateway.ui_view import Shown, View, Visit, film_named, job_named
from gateway.uploads import accept
from gateway.worklists import Answer, Line, Order, Worklists

TABS = ("read", "batch", "system")
FOLLOW_S, FOLLOW_LONG_S = 0.5, 3.0  # between two looks at what is not final
LONG_FILMS = 5_000


class Page:
    """The page's events; each returns a ``Shown`` as a tuple."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._cards, self._worklists = parts, Cards(parts.model), Worklists()

    def receive_one(self, paths: list[str], visit: Visit, request: gr.Request) -> Iterator[tuple[object, ...]]:
        """Films were dropped where one film is read."""
        storing = receiving(len(paths))
        yield from self._receive(paths, Shown(visit, alert=storing, film=""), request)

    def receive_many(self, paths: list[str], visit: Visit, request: gr.Request) -> Iterator[tuple[object, ...]]:
        """Films were dropped where many are listed."""
        yield from self._receive(paths, Shown(visit, standing=receiving(len(paths)), films=""), request)

    def resume(self, visit: Visit, request: gr.Request) -> tuple[object, ...]:
        """The page was opened: with ``?job=`` it shows that job again, with ``&film=`` that film of it, with ``tab=``
        that tab."""
        return self._open(request.query_params, visit, request)

    def open(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """One of the recent jobs was chosen, or the browser went back or forth to an address of the page."""
        return self._open(event._data or {}, visit, request)

    def choose(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """A film of the list was chosen."""
        return self._drawn(visit, film_named(event, visit.view), request, tab="read")

    def turn(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """The next film or the one before is to be read."""
        return self._drawn(visit, film_named(event, visit.view), request)

    def arrange(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """The list is to be sorted or sifted otherwise, or turned to another page."""
        asked: dict[str, Any] = event._data or {}
        if asked.keys() == {"first"}:  # beside anything else the list begins anew
            return self._drawn(visit, replace(visit.view, first=max(0, int(asked["first"]))), request)
        wanted = visit.view.wanted
        if "order" in asked:
            order = Order(asked["order"])
            wanted = replace(wanted, order=order, backwards=order is wanted.order and not wanted.backwards)
        if "answer" in asked:
            wanted = replace(wanted, answer=Answer(asked["answer"]) if asked["answer"] else None)
        if "text" in asked:
            wanted = replace(wanted, text=str(asked["text"])[:200])
        return self._drawn(visit, replace(visit.view, first=0, wanted=wanted), request)

    def say(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """The reader agrees or disagrees with a film, and says why."""
        try:
            said = Said.model_validate(event._data)
            seen = self._seen(request, Scope.READ)
            give_feedback(seen, said.job, said.film, said.opinion)
        except ValidationError:
            return Shown(visit, alert=fault(RequestRefused(), "Not kept")).parts()
        except CxrError as error:
            return Shown(visit, alert=self._fault(error, "Not kept", request)).parts()
        return self._drawn(visit, visit.view, request)

    def stop(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """A listed job is to be stopped; the answers it has stay."""
        try:
            seen = self._seen(request, Scope.SUBMIT)
            seen.custody.cancel(job_named(event), seen.caller.actor)
        except CxrError as error:
            return Shown(visit, standing=self._fault(error, "Not cancelled", request)).parts()
        return self._drawn(visit, visit.view, request)

    def forget_list(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """A listed job is to be deleted."""
        return self._forget(job_named(event), visit, "standing", request)

    def forget_film(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        """The job of a lone film is to be deleted."""
        return self._forget(job_named(event), visit, "alert", request)

    def look(self, visit: Visit, request: gr.Request) -> tuple[object, ...]:
        """Time has passed: what is not final is read again."""
        shown = Shown(visit)
        if not self._draw(shown, request):  # the job has ended
            shown.recent = self._recent(request, shown.view.list_job)
        return shown.parts()

    # -- what is shown

    def _receive(self, paths: list[str], storing: Shown, request: gr.Request) -> Iterator[tuple[object, ...]]:
        yield None, *storing.parts()
        visit = storing.visit
        try:
            seen = self._seen(request, Scope.SUBMIT)
            job = accept([Upload.of_path(Path(path)) for path in paths], seen)
        except CxrError as error:
            shown = self._cleared(visit, visit.view, request)
            shown.alert = shown.standing = self._fault(error, "Not accepted", request, of_upload=True)
        else:
            shown = self._opened(job, visit, request)
        yield None, *shown.parts()

    def _forget(self, job_id: str, visit: Visit, place: str, request: gr.Request) -> tuple[object, ...]:
        try:
            seen = self._seen(request, Scope.SUBMIT)
            films = seen.jobs.job(job_id).total
            seen.custody.forget(job_id, seen.caller.actor)
        except JobNotFound:
            return self._cleared(visit, visit.view.without(job_id), request).parts()
        except CxrError as error:
            shown = Shown(visit)
            setattr(shown, place, self._fault(error, "Not deleted", request))
            return shown.parts()
        shown = self._cleared(visit, visit.view.without(job_id), request)
        setattr(shown, place, deleted(films))
        return shown.parts()

    def _open(self, wanted: Mapping[str, Any], visit: Visit, request: gr.Request) -> tuple[object, ...]:
        """``wanted`` is an address's query: ``job``, ``film`` from 1, ``tab``; each may be missing."""
        job_id, film = str(wanted.get("job", "")), str(wanted.get("film", ""))
        try:
            if job_id:
                job = self._seen(request, Scope.READ).jobs.job(job_id)
                shown = self._opened(job, visit, request, int(film) - 1 if film.isdecimal() else None)
            else:
                shown = self._cleared(visit, visit.view, request)
        except CxrError as error:
            shown = self._cleared(visit, View(), request)
            shown.alert = shown.standing = self._fault(error, "Nothing to show", request)
        if wanted.get("tab") in TABS:
            shown.tabs = gr.Tabs(selected=str(wanted["tab"]))
        return shown.parts()

    def _opened(self, job: Job, visit: Visit, request: gr.Request, film: int | None = None) -> Shown:
        """A lone film is read at once, beside the list that was there; several are listed."""
        view = visit.view
        if job.total == 1:
            view, tab = replace(view, film_job=job.id, film=0), "read"
        else:
            if view.list_job != job.id:
                view = replace(view.without(view.list_job), list_job=job.id)
            view, tab = (view, "batch") if film is None else (replace(view, film_job=job.id, film=max(0, film)), "read")
        shown = self._cleared(visit, view, request)
        shown.tabs = gr.Tabs(selected=tab)
        return shown

    def _cleared(self, visit: Visit, view: View, request: gr.Request) -> Shown:
        """Everything drawn anew, nothing left of what was there before."""
        visit.choose(view)
        shown = Shown(visit, alert="", film=EMPTY, standing="", films="")
        self._draw(shown, request)
        shown.recent = self._recent(request, shown.view.list_job)
        return shown

    def _drawn(self, visit: Visit, view: View, request: gr.Request, tab: str | None = None) -> tuple[object, ...]:
        """The film and the list of this view; what it has not is not left from before."""
        visit.choose(view)
        shown = Shown(visit)
        if not view.film_job:
            shown.film = EMPTY
        if not view.list_job:
            shown.standing = shown.films = ""
        if tab:
            shown.tabs = gr.Tabs(selected=tab)
        self._draw(shown, request)
        return shown.parts()

    def _draw(self, shown: Shown, request: gr.Request) -> bool:
        """Read the ledger and draw the visitor's film and list; whether they are to be drawn again.

        What is missing is said in their place.
        """
        view = shown.view
        waiting = [
            self._tried(shown, "alert", self._draw_film, request) if view.film_job else False,
            self._tried(shown, "standing", self._draw_list, request) if view.list_job else False,
        ]
        shown.clock = gr.Timer(FOLLOW_LONG_S if shown.long else FOLLOW_S, active=any(waiting))
        return any(waiting)

    def _tried(self, shown: Shown, place: str, draw: Callable[[Shown, gr.Request], bool], request: gr.Request) -> bool:
        """Draw a part, or say why not; whether it is to be drawn again."""
        try:
            return draw(shown, request)
        except (JobNotFound, ImageNotFound) as error:
            setattr(shown, place, self._fault(error, "Nothing to show", request))
            if place == "alert":
                shown.film = EMPTY
                shown.leave(replace(shown.view, film_job=""))
            else:
                shown.films = ""
                shown.leave(replace(shown.view, list_job=""))
            return False
        except CxrError as error:
            setattr(shown, place, self._fault(error, "Cannot be shown now", request))
            return error.retryable

    def _draw_film(self, shown: Shown, request: gr.Request) -> bool:
        view, seen = shown.view, self._seen(request, Scope.READ)
        job = seen.jobs.job(view.film_job)
        row = seen.jobs.result(view.film_job, view.film)
        seen.custody.read(view.film_job, seen.caller.actor)
        model = row.result.model if row.result else None
        said = [one for one in seen.feedback.of_image(job.id, row.index) if one.reader == seen.caller.actor]
        way = self._way(seen, job, view) if job.total > 1 else None
        shown.alert = ""
        has_dicom = seen.references.any(job.id)
        shown.film = reading(job.id, row, self._cards.of(model) if model else None, said, way, has_dicom)
        return row.result is None and not job.state.final

    def _way(self, seen: Parts, job: Job, view: View) -> Way:
        order = [line.index for line in self._lines(seen, job, view)]
        if view.film not in order:
            order = list(range(job.total))
        return Way.at(order, view.film)

    def _lines(self, seen: Parts, job: Job, view: View) -> list[Line]:
        return self._worklists.of(seen.jobs, job).arranged(view.wanted)

    def _draw_list(self, shown: Shown, request: gr.Request) -> bool:
        view, seen = shown.view, self._seen(request, Scope.READ)
        job = seen.jobs.job(view.list_job)
        seen.custody.read(job.id, seen.caller.actor)
        shown.long = job.total > LONG_FILMS
        films = self._worklists.of(seen.jobs, job)
        counts = films.counts()
        shown.standing = progress(job, counts, films.images_per_s, seen.references.any(job.id))
        shown.films = worklist(job.id, films.arranged(view.wanted), view.first, job.total, view.wanted, counts)
        return not job.state.final

    def _recent(self, request: gr.Request, opened: str = "") -> str:
        try:
            seen = self._seen(request, Scope.READ)
            return recent_jobs(recent_of(seen), opened, everybodys=seen.caller.sees is None)
        except CxrError as error:
            return self._fault(error, "Recent jobs cannot be listed now", request)

    def _fault(self, error: CxrError, title: str, request: gr.Request, *, of_upload: bool = False) -> str:
        """HTML of what could not be done; on the record, as at every other door, where the visitor may not do it."""
        if isinstance(error, ScopeMissing | JobNotFound):
            self._parts.entry.refused(caller_of(request), "page", status_of(type(error)))
        log_unavailable(error)
        return fault(error, title, of_upload=of_upload)

    def _seen(self, request: gr.Request, scope: Scope) -> Parts:
        caller = caller_of(request)
        caller.must_have(scope)
        return self._parts.seen_by(caller)
