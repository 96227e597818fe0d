"""The root of the tree: what every error of PneumoServe has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class CxrError(Exception):
    """Something PneumoServe says in its own words.

    The class's ``sentence`` is what people read; ``detail`` adds what is particular to this occurrence and never
    holds pixels, file contents or patient data.
    """

    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "Something went wrong inside PneumoServe."
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.sentence} ({self.detail})" if self.detail else self.sentence


def every_error(root: type[CxrError] = CxrError) -> Iterator[type[CxrError]]:
    """Yield ``root`` and all errors below it that the service answers with, parents first; not those of the trainer."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(__package__):
            yield from every_error(child)


def error_of(code: str) -> type[CxrError]:
    """The error with this code; for a code that there is not, the root."""
    return next((error for error in every_error() if error.code == code), CxrError)
