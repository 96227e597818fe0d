"""How far a bench is, for whoever waits for it."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """A line with a bar, the step in hand and the time that has passed."""

    def __init__(self, name: str, console: Console) -> None:
        columns = TextColumn(name), SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, TextColumn("{task.description}"), console=console)
        self._task = self._progress.add_task("", total=None)
        self._begun = False

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._progress.update(self._task, description="broken off" if kind else "done")
        if self._begun and not kind:
            self._progress.advance(self._task)
        self._progress.stop()

    def expect(self, count: int) -> None:
        """How many steps there will be."""
        self._progress.update(self._task, total=count)

    def next(self, what: str) -> None:
        """The step before is done; this one begins."""
        if self._begun:
            self._progress.advance(self._task)
        self._begun = True
        self._progress.update(self._task, description=what)
