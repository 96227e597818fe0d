"""The limits that docs/api.md names are those that there are."""

from __future__ import annotations

import re

import pytest

from cxr.jobs.feedback import LONGEST_REASON
from cxr.settings import PREFIX, Settings
from deploy.local.settings import ROOT
from gateway import addressed, api, api_results
from gateway.problems import every_code
from gateway.uploads import MAX_UNPACKED_REQUESTS

TABLE = (ROOT / "docs" / "api.md").read_text().split("## Limits\n")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")][
    1:
]
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
WITHOUT_A_VARIABLE = {
    "bytes of a request with addresses": addressed.MAX_BODY_BYTES,
    "`limit` of your jobs": api.LARGEST_PAGE,
    "`limit` of results": api_results.LARGEST_PAGE,
    "visible ASCII characters in an `Idempotency-Key`": api.LONGEST_KEY,
    "characters in a `reason`": LONGEST_REASON,
}


def number(text: str) -> int:
    digits, _, unit = text.replace(",", "").partition(" ")
    return int(digits) * UNITS[unit]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_limit_is_the_one_that_there_is(row: list[str]) -> None:
    what, most, setting, beyond = row
    variable = re.search(rf"`{PREFIX}(\w+)`", setting)
    if variable is None:
        assert number(most) == WITHOUT_A_VARIABLE[what]
    else:
        times = MAX_UNPACKED_REQUESTS if setting.startswith("four times") else 1
        assert number(most) == times * DEFAULTS[variable[1].lower()]
    statuses = {code: status for code, status, _ in every_code()}
    for code, status in re.findall(r"`(\w+)`(?: \((\d+)\))?", beyond):
        assert int(status or statuses[code]) == statuses[code]


def test_no_limit_of_the_api_is_left_out() -> None:
    named = {name.lower() for name in re.findall(rf"{PREFIX}(\w+)", TABLE)}
    assert {name for name in DEFAULTS if name.startswith("max_")} - {"max_chunk_attempts"} <= named
    assert WITHOUT_A_VARIABLE.keys() <= {row[0] for row in ROWS}
