"""What a visitor looks at, and what of the page an event shows anew."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import gradio as gr

from gateway.worklists import Arrangement


@dataclass(frozen=True)
class View:
    """What one visitor looks at: a film of a job, and a job's list from one place on, arranged as the visitor likes."""

    film_job: str = ""
    film: int = 0
    list_job: str = ""
    first: int = 0
    wanted: Arrangement = field(default_factory=Arrangement)

    def without(self, job_id: str) -> View:
        """The same without this job: its film, its list or both."""
        left = replace(self, film_job="", film=0) if self.film_job == job_id else self
        return View(left.film_job, left.film) if self.list_job == job_id else left


ALWAYS = ("tabs", "recent")  # parts that show neither the film nor the list that is looked at


@dataclass
class Visit:
    """One open page: what its visitor looks at now. A choice is a new ``View``, even of the same film."""

    view: View = field(default_factory=View)

    def choose(self, view: View) -> None:
        """From now on what was begun for another choice is not shown any more."""
        self.view = replace(view)


@dataclass
class Shown:
    """What an event shows anew, in the order of the page's parts; the rest stays as it is."""

    visit: Visit
    tabs: object = field(default_factory=gr.skip)
    alert: object = field(default_factory=gr.skip)
    film: object = field(default_factory=gr.skip)
    standing: object = field(default_factory=gr.skip)
    films: object = field(default_factory=gr.skip)
    recent: object = field(default_factory=gr.skip)
    clock: object = field(default_factory=gr.skip)
    long: bool = False  # the list is so long that drawing it often would cost too much; no part of the page
    view: View = field(init=False)  # what is drawn; no part of the page either

    def __post_init__(self) -> None:
        self.view = self.visit.view

    def leave(self, left: View) -> None:
        """What was to be drawn is not there: the visitor looks at the rest."""
        if self.current:
            self.visit.view = left
        self.view = left

    @property
    def current(self) -> bool:
        """Whether this is still what the visitor looks at."""
        return self.visit.view is self.view

    def parts(self) -> tuple[object, ...]:
        """What the page is given: of film and list nothing where something else was chosen meanwhile, for its own event
        draws both.
        """
        names = [part.name for part in fields(self) if part.name not in ("visit", "long", "view")]
        given = self.current
        return tuple(getattr(self, name) if given or name in ALWAYS else gr.skip() for name in names)


def film_named(event: gr.EventData, view: View) -> View:
    """The view with the film that was asked for."""
    return replace(view, film_job=job_named(event), film=max(0, int(event.index)))


def job_named(event: gr.EventData) -> str:
    """The job that what was asked is about."""
    return str((event._data or {}).get("job", ""))
