"""What the user sees meanwhile: how much is sent and answered, and when it will be done."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bars:
    """Two bars on standard error, for files and for images; on no terminal only what is said."""

    def __init__(self, files: int) -> None:
        self.files = files
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._sent = self._progress.add_task("sent", total=files)
        self._answered = self._progress.add_task("answered", total=files)
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
        self._progress.update(self._sent, completed=sent_files)
        self._progress.update(self._answered, completed=answered_images, total=images)

    def say(self, text: str) -> None:
        """One line, unless it was just said."""
        if text != self._last_said:
            self._console.print(text, markup=False)
        self._last_said = text
