"""docs/api.md: every command on it, in its order, against the real stack with keys; and the examples it ends with."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle

from deploy.local.settings import ROOT
from tests.files import jpeg, png
from tests.gateway import served
from tests.programs import program
from tests.stack import Stack

PAGE = (ROOT / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
NEXT = "----- next block"
TIMEOUT_S = 300


@pytest.fixture
def folder(tmp_path: Path, originals: list[Path]) -> Path:
    """A folder with the files that the page names."""
    shutil.copy(originals[0], tmp_path / "film.jpeg")
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as archive:
        archive.writestr("ramp.png", png())
    (tmp_path / "notes.txt").write_text("not a film")
    (tmp_path / "films").mkdir()
    shutil.copy(originals[1], tmp_path / "films" / "one.jpeg")
    (tmp_path / "films" / "ramp.jpeg").write_bytes(jpeg())
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def run(folder: Path, url: str) -> list[str]:
    """What each block says on standard output. ``submit`` ends with 3 here, for one of its films is refused."""
    program("node", "nodejs")
    script = f"echo '{NEXT}'\n".join(BLOCKS)
    script = script.replace("http://127.0.0.1:7860", url).replace("curl ", "curl -sS --fail-with-body ")
    script = script.replace("file:///srv/films", f"file://{folder}/films")
    script = script.replace("--out results.csv", "--out results.csv || test $? = 3")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(NEXT + "\n")


def test_every_command_of_the_page_does_what_it_says(stack: Stack, folder: Path) -> None:
    changed = {"access_file": folder / "access.json", "address_prefixes": f"file://{folder}/films/"}
    with served(stack.settings.model_copy(update=changed)) as (url, parts):
        said = run(folder, url)
        owners = parts.jobs.seen_by("radiology").recent()
    assert len(said) == len(BLOCKS)
    accepted = json.loads((folder / "job.json").read_text())
    assert accepted["state"] == "queued"

    events = next(text for text in said if "event: " in text)
    assert "event: done" in events

    rows = json.loads(next(text for text in said if text.startswith('{"job"')))["results"]
    judged, drawn, notes = (row["result"] for row in rows)
    assert judged["finding"] in ("pneumonia", "no_pneumonia", "indeterminate")
    assert (drawn["kind"], notes["code"]) == ("rejection", "unsupported_format")

    with (folder / "findings.csv").open() as table:
        assert [row["name"] for row in csv.DictReader(table)] == ["film.jpeg", "folder.zip/ramp.png", "notes.txt"]
    lines = (folder / "findings.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert len(Bundle.model_validate_json((folder / "findings.fhir.json").read_text()).entry) == 6
    assert zipfile.ZipFile(folder / "findings.zip").namelist() == ["index.csv"]
    assert (folder / "overlay.png").read_bytes().startswith(b"\x89PNG")

    first, again = next(text for text in said if text.count('"id"') == 2 and "}{" in text).split("}{")
    assert re.findall('"id":"([^"]+)"', first) == re.findall('"id":"([^"]+)"', again)

    with (folder / "results.csv").open() as table:
        assert {row["name"]: row["answer"] for row in csv.DictReader(table)} == {
            "one.jpeg": "prediction",
            "ramp.jpeg": "rejection",
        }
    assert any('"next_cursor":' in text and '"state":"done"' in text for text in said)
    assert any('"verdict":"disagree"' in text for text in said)

    examples = said[-1].splitlines()
    finding = judged["finding"]
    assert examples[0] == f"film.jpeg: {finding}, probability {judged['probability']:.3f}"
    assert sorted(examples[1:3])[0] == f"film.jpeg: {finding}"
    assert "notes.txt: refused, unsupported_format" in sorted(examples[1:3])[1]
    assert examples[3].startswith("index,name")
    assert f",{finding}," in examples[4]
    assert examples[5] == examples[0]
    assert "notes.txt: refused, unsupported_format" in examples[6]
    assert len(owners) == 9
