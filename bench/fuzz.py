"""Damaged files by the thousand through the boxed decoder: ``python -m bench.fuzz --files 100000 --seed 1``.

File number i of a format is the same for the same seed and the same sample files, so a finding can be made again:
``--only dicom --first i --files 1 --keep folder``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bench.documents import write_section
from bench.mutations import mutated
from bench.samples import DATA, samples
from bench.zips import films_of_zip
from cxr.errors import DecoderCrashed, DecodeTimeout, every_error
from cxr.imaging import examine
from cxr.schemas import Rejection
from worker.boxes import BoxedDecoder
from worker.child import BoxPlan

FORMATS = ("jpeg", "png", "dicom", "zip")
DOCUMENT = Path("docs/reliability.md")
CODES = {error.code for error in every_error()}
STOPPED = (DecoderCrashed.code, DecodeTimeout.code)


@dataclass(frozen=True)
class Fate:
    """What became of one file: ``judged`` or an error's code; how long it took; the peak memory of any box since."""

    number: int
    size_bytes: int
    outcome: str
    message: str
    took_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Run:
    """One format's files and what the run needed in all."""

    file_format: str
    fates: list[Fate]
    wall_s: float
    parent_peak_bytes: int

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(fate.outcome for fate in self.fates)

    @property
    def stopped(self) -> list[Fate]:
        """Files that crashed or outlasted a box."""
        return [fate for fate in self.fates if fate.outcome in STOPPED]


def mutants(file_format: str, seed: int, data: Path = DATA) -> Callable[[int], bytes]:
    """The damaged files of one format by number."""
    pools = {name: samples(name, data) for name in FORMATS}
    own = pools[file_format]
    others = own + [sample for name in FORMATS for sample in pools[name][:3]]

    def make(number: int) -> bytes:
        rng = np.random.default_rng([seed, FORMATS.index(file_format), number])
        return mutated(own[int(rng.integers(len(own)))], others, rng)

    return make


def fuzz(file_format: str, numbers: range, seed: int, data: Path = DATA, keep: Path | None = None) -> Run:
    """Run damaged files of a format through two boxes; those that crash or hang a box are written to ``keep``."""
    make, started = mutants(file_format, seed, data), time.monotonic()

    def judge(number: int) -> Fate:
        content = make(number)
        before = time.monotonic()
        [answer] = boxes.decode([content])
        took_s = time.monotonic() - before
        outcome, message = _outcome(answer) if isinstance(answer, Rejection) else ("judged", "")
        if keep and outcome in STOPPED:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{file_format}-{seed}-{number}-{outcome}").write_bytes(content)
        peak_bytes = max([0, *(_peak_bytes(pid) for pid in boxes.pids)])
        return Fate(number, len(content), outcome, message, took_s, peak_bytes)

    plan = BoxPlan(decode=films_of_zip if file_format == "zip" else examine)
    with BoxedDecoder(2, plan) as boxes, ThreadPoolExecutor(2) as callers:
        boxes.decode([b""] * 8)  # both are ready: starting is nobody's time
        fates = list(callers.map(judge, numbers))
    return Run(file_format, fates, time.monotonic() - started, _peak_bytes("self"))


def table(runs: list[Run]) -> str:
    """The runs as Markdown: a table, the codes, and every file that stopped a box."""
    crashed, late = STOPPED
    rows = [
        "| Format | Files | Judged | Refused | Crashes | Timeouts | Peak of a box | Peak of parent | Slowest file |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        counts, slowest = run.outcomes, max(run.fates, key=lambda fate: fate.took_s)
        refused = len(run.fates) - counts["judged"] - counts[crashed] - counts[late]
        rows.append(
            f"| {run.file_format} | {len(run.fates):,} | {counts['judged']:,} | {refused:,} | {counts[crashed]:,}"
            f" | {counts[late]:,} | {_megabytes(max(fate.peak_bytes for fate in run.fates))}"
            f" | {_megabytes(run.parent_peak_bytes)} | {slowest.took_s:.2f} s |"
        )
    codes = [
        f"- {run.file_format}: " + ", ".join(f"`{code}` {count:,}" for code, count in run.outcomes.most_common())
        for run in runs
    ]
    findings = [f"- {run.file_format} {fate.number}: {fate.message}" for run in runs for fate in run.stopped]
    return "\n".join([*rows, "", *codes, *(["", "Files that stopped a box:", "", *findings] if findings else [])])


def main(
    files: Annotated[int, typer.Option(help="How many files, over all formats.")] = 2000,
    seed: Annotated[int, typer.Option(help="Makes the run the same again.")] = 1,
    only: Annotated[str, typer.Option(help="One format: jpeg, png, dicom or zip.")] = "",
    first: Annotated[int, typer.Option(help="Number of each format's first file.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Folder for files that stop a box.")] = None,
    write: Annotated[bool, typer.Option(help="Put the table of all formats into docs/reliability.md.")] = False,
) -> None:
    """Damage files, decode them in boxes, and say what became of them."""
    formats, runs = [only] if only else FORMATS, []
    for file_format in formats:
        numbers = range(first, first + files // len(formats))
        runs.append(fuzz(file_format, numbers, seed, keep=keep))
        slowest = max(runs[-1].fates, key=lambda fate: fate.took_s)
        print(f"{table(runs[-1:])}\n\n{runs[-1].wall_s:.0f} s; slowest: {slowest}\n", flush=True)
    if write and not only:
        command = f"python -m bench.fuzz --files {files} --seed {seed} --write"
        write_section(DOCUMENT, "bench.fuzz", "Mutated files", INTRODUCTION.format(command=command) + table(runs))


INTRODUCTION = """
Whole files of every format and encoding at hand, real and synthetic, damaged by bit flips, truncation, splices,
edited length fields and swapped headers (`bench/mutations.py`), each through `examine` in a box that may use 2 GiB
and 20 s of a processor; zips through the gateway's reader first, in the same box. A damaged file is *judged* when what
is left of it can be decoded. A crash or a timeout is that of a box: the file got its code, the box was replaced, the
parent went on.

What earlier runs found is mended, and kept as tests (`tests/unit/test_mutated_files.py`):

- A JPEG, JPEG-LS or JPEG 2000 frame that claims another size than the DICOM file around it: gdcm aborted or crashed its
  process, and both decoders of JPEG 2000 took up to 20 s and 8 GB. The frame's header is now read first.
- A JPEG frame with foreign bytes between its headers: gdcm aborted its process. The headers are now followed to their
  end.
- An edited length that made the pixels the modality: the refusal carried a megabyte of them. Values are now repeated
  only where they can be nothing but codes.
- A JPEG frame of more bits than its pixels have room for: gdcm wrote past its buffer (SIGSEGV).
- A JP2 box of length 0 around a JPEG 2000 frame: pydicom 3.0.2 (`get_j2k_parameters`) never returned.
- A progressive JPEG of countless scans, each a pass over all pixels (made by hand): 186 kB took 19 s.
- A deflated DICOM file that inflates without bound; a zip entry without a name, which failed the whole upload.

```sh
{command}
```

"""


def _outcome(rejection: Rejection) -> tuple[str, str]:
    """A rejection's code, or that of the archive around the image, and its message."""
    _, _, detail = rejection.message.removesuffix(")").rpartition("(")
    return (detail if detail in CODES else rejection.code), rejection.message


def _peak_bytes(pid: int | str) -> int:
    """The most memory that a process has had resident; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(peak.split()[1]) * 1024


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"


if __name__ == "__main__":
    typer.run(main)
