"""What the user sees meanwhile: how much is sent and answered, and when it will be done."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _TimeLeft(TimeRemainingColumn):
    """No estimate holds while nothing goes on."""

    def render(self, task: Task) -> Text:
        return Text("waiting") if task.fields["waiting"] else super().render(task)


class Bars:
    """Two bars on standard error, for files and for images; on no terminal only what is said."""

    def __init__(self, files: int) -> None:
        self.files = files
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(
            *columns,
            TimeElapsedColumn(),
            _TimeLeft(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._sent = self._progress.add_task("sent", total=files, waiting=False)
        self._answered = self._progress.add_task("answered", total=files, waiting=False)
        self._last_said = ""

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, sent_files: int, answered_images: int, images: int) -> None:
        """``images`` grows beyond the files where zips are opened."""
        self._progress.update(self._sent, completed=sent_files, waiting=False)
        self._progress.update(self._answered, completed=answered_images, total=images, waiting=False)

    def say(self, text: str) -> None:
        """One line, unless it was just said, of why nothing goes on; until ``show`` no time left is shown."""
        for task in (self._sent, self._answered):
            self._progress.update(task, waiting=True)
        if text != self._last_said:
            self._console.print(text, markup=False)
        self._last_said = text
