"""The patient's age at the time of the film, as a number of years; no date leaves this module."""

from __future__ import annotations

import re
from datetime import date

import pydicom

# PS3.5 6.2, AS: three digits and the unit. Some exporters leave the unit out; such a number means years.
AGE = re.compile(r"(\d{1,3})([DWMY]?)")
DATE = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})")
PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0, "": 1.0}
# Kermany et al., Cell 2018: children of one to five years; the fifth year of age ends at the sixth birthday.
VALIDATED_FROM_YEARS, VALIDATED_BEFORE_YEARS = 1.0, 6.0


def age_years(dataset: pydicom.Dataset) -> float | None:
    """PatientAge, else the time from birth to study; None where neither can be read."""
    said = AGE.fullmatch(str(dataset.get("PatientAge") or "").strip().upper())
    if said:
        return int(said[1]) / PER_YEAR[said[2]]
    born, examined = _date(dataset.get("PatientBirthDate")), _date(dataset.get("StudyDate"))
    if born is None or examined is None or examined < born:
        return None
    return (examined - born).days / PER_YEAR["D"]


def outside_validated_range(years: float) -> bool:
    """Whether the model was validated on no patient of this age."""
    return not VALIDATED_FROM_YEARS <= years < VALIDATED_BEFORE_YEARS


def _date(value: object) -> date | None:
    written = DATE.fullmatch(str(value or "").strip())
    try:
        return date(int(written[1]), int(written[2]), int(written[3])) if written else None
    except ValueError:
        return None
