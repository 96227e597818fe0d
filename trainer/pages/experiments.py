"""``experiments.md``: the hand-written log stays; the tables of runs and test openings between marks are
renewed.
"""

from __future__ import annotations

import json
import re

from trainer.openings import OPENINGS
from trainer.pages.markdown import table
from trainer.runs import RUNS_DIR


def experiments(text: str) -> str:
    """The page as it is, with fresh tables."""
    text = between_marks(text, "runs", runs_table(text))
    return between_marks(text, "openings", openings_table())


def between_marks(text: str, mark: str, content: str) -> str:
    """Replace what lies between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


HEADS = ["network", "architecture", "epochs", "rate", "as is", "everything", "swapped", "reframed", "best epoch"]


def runs_table(page: str) -> str:
    """Every network trained under ``runs/``, recipe and best validation figures, after those that the page lists
    already and whose runs lie elsewhere.
    """
    rows = {row[0]: row for row in rows_between_marks(page, "runs")}
    for path in sorted(RUNS_DIR.glob("*/seed*.json")):
        if "recipe" not in (content := json.loads(path.read_text())):
            continue
        recipe, best = content["recipe"], max(content["history"], key=lambda entry: entry["score"])
        name = f"{path.parent.name}/{path.stem}"
        rows[name] = [
            name,
            f"{recipe['architecture']} {recipe['size_px']} px",
            len(content["history"]),
            recipe["rate"],
            best["as_is"],
            best["everything"],
            best["swapped"],
            best.get("reframed"),
            best["epoch"],
        ]
    return table(HEADS, list(rows.values()), digits=4)


def rows_between_marks(text: str, mark: str) -> list[list[str]]:
    """The cells of the table that lies between ``<!-- mark -->`` and ``<!-- /mark -->``, without its head."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", text, re.DOTALL)
    lines = [line for line in (found[1] if found else "").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def openings_table() -> str:
    """Every opening of the test films, from the log."""
    lines = OPENINGS.read_text().splitlines() if OPENINGS.exists() else []
    return table(["time (UTC)", "run and reason"], [[line[:19], line[20:]] for line in lines])
