"""What a visitor looks at, and what of the page an event shows anew."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

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

    def without_list(self) -> View:
        """A lone film stays, a film of the list leaves with it."""
        return View() if self.film_job == self.list_job else View(self.film_job, self.film)


@dataclass
class Shown:
    """What an event shows anew, in the order of the page's parts; the rest stays as it is."""

    view: View
    tabs: object = field(default_factory=gr.skip)
    alert: object = field(default_factory=gr.skip)
    film: object = field(default_factory=gr.skip)
    standing: object = field(default_factory=gr.skip)
    films: object = field(default_factory=gr.skip)
    recent: object = field(default_factory=gr.skip)
    clock: object = field(default_factory=gr.skip)
    long: bool = False  # the list is so long that drawing it often would cost too much; no part of the page

    def parts(self, known: View | None = None) -> tuple[object, ...]:
        """What the page is given. A view that is ``known`` to it is not given again: what is drawn by itself beside the
        visitor must not undo what was chosen meanwhile."""
        view = gr.skip() if self.view == known else self.view
        return view, *(getattr(self, part.name) for part in fields(self) if part.name not in ("view", "long"))
