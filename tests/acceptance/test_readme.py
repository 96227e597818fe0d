"""The README's commands and code do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.settings import ROOT
from tests.files import jpeg, png
from tests.stack import Stack, wait_until

README = (ROOT / "README.md").read_text()


def block(language: str, holding: str) -> str:
    """The README's code block of a language that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    [found] = [text for text in blocks if holding in text]
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the README's examples name."""
    (tmp_path / "film.jpeg").write_bytes(jpeg())
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import zipfile,sys;zipfile.ZipFile('more.zip','w').writestr('film.png',sys.stdin.buffer.read())",
        ],
        input=png(),
        cwd=tmp_path,
        check=True,
    )
    return tmp_path


def test_the_curl_examples_take_a_film_to_its_finding(stack: Stack, folder: Path) -> None:
    commands = [line.split("  #")[0].strip() for line in block("sh", "curl").splitlines() if line.strip()]
    environment = {**os.environ, "JOB": ""}
    outputs = []
    for command in commands:
        here = command.replace("http://127.0.0.1:7860", stack.gateway_url).replace(
            "curl ", "curl -sS --fail-with-body "
        )
        done = subprocess.run(
            ["bash", "-c", here], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{here}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
        if not environment["JOB"]:
            job = environment["JOB"] = json.loads(done.stdout)["id"]
            wait_until(lambda job=job: stack.jobs.job(job).state.final, 60, "the job to be done")
    accepted, standing, results, table, deleted = outputs
    assert json.loads(accepted)["total"] == json.loads(standing)["answered"] == 2
    assert all(row["result"] for row in json.loads(results)["results"])
    assert table.count("film") >= 2
    assert deleted == ""


def test_the_python_example_predicts(stack: Stack, folder: Path) -> None:
    code = block("python", "Predictor").replace("127.0.0.1:8051", stack.settings.triton_url)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'model'" in done.stdout


def test_every_link_of_every_document_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            if not target.startswith(("http://", "https://")):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
