"""What nobody can read from the films themselves: whose they are and what a model made of them is for.

It stands in ``about.json`` beside the films; for the published films of Kermany et al. in ``kermany.json`` beside this
module. What is not given is said to be not stated.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from cxr.schemas import Frozen
from trainer.data import kermany
from trainer.errors import UnreadableFile

ABOUT = "about.json"
OF_KERMANY = Path(__file__).with_name("kermany.json")
NOT_STATED = "not stated"


class About(Frozen):
    """Sentences for the model card; ``limits`` are what a reader must know of the films, a sentence each."""

    source: str = NOT_STATED
    population: str = NOT_STATED
    licence: str = NOT_STATED
    intended_use: str = "Not stated. Not a medical device."
    limits: tuple[str, ...] = ()


def about_films(folder: Path) -> About:
    """What is said of the films in ``folder``.

    Raises:
        UnreadableFile: ``about.json`` is no JSON, or says what is not asked.
    """
    path = folder / ABOUT
    if not path.exists():
        if not kermany.is_official(kermany.read(folder, "train"), "train"):
            return About()
        path = OF_KERMANY
    try:
        return About.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}; it holds {', '.join(About.model_fields)}: {error}") from error
