"""``docs/experiments.md``: the hand-written log stays; the tables of runs and test openings between marks are
renewed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from trainer.kermany_set import OPENINGS
from trainer.pages.markdown import table
from trainer.runs import RUNS_DIR

PAGE = Path("docs/experiments.md")
EMPTY = "# Experiments\n\n<!-- runs -->\n<!-- /runs -->\n\n<!-- openings -->\n<!-- /openings -->\n"


def experiments() -> str:
    """The page as it is, with fresh tables."""
    text = PAGE.read_text() if PAGE.exists() else EMPTY
    text = between_marks(text, "runs", runs_table())
    return between_marks(text, "openings", openings_table())


def between_marks(text: str, mark: str, content: str) -> str:
    """Replace what lies between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def runs_table() -> str:
    """Every network trained under ``runs/``: recipe and last validation figures."""
    rows = []
    for path in sorted(RUNS_DIR.glob("*/seed*.json")):
        if "recipe" not in (content := json.loads(path.read_text())):
            continue
        recipe, best = content["recipe"], max(content["history"], key=lambda entry: entry["score"])
        rows.append(
            [
                f"{path.parent.name}/{path.stem}",
                f"{recipe['architecture']} {recipe['size_px']} px",
                len(content["history"]),
                recipe["rate"],
                best["as_is"],
                best["everything"],
                best["swapped"],
                best["epoch"],
            ]
        )
    return table(
        ["network", "architecture", "epochs", "rate", "as is", "everything", "swapped", "best epoch"], rows, digits=4
    )


def openings_table() -> str:
    """Every opening of the test films, from the log."""
    lines = OPENINGS.read_text().splitlines() if OPENINGS.exists() else []
    return table(["time (UTC)", "run and reason"], [[line[:19], line[20:]] for line in lines])
