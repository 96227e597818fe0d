"""What the documents name exists: commands, options, targets, settings; and each command was run somewhere."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from cxr.settings import PREFIX, READ_ELSEWHERE, Settings
from deploy.local.settings import ROOT
from trainer.__main__ import STEPS

DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
VERIFIED = ROOT / "docs" / "verified.md"
# `python -m module word word --option ...`, up to where a shell or a sentence would end it.
COMMAND = re.compile(r"python -m (?!pip|venv|pytest)([\w.]+)((?: +[\w./=@:-]+)*)")
IN_CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
GROUPS = {"gateway": "gateway.__main__:cli", "worker": "worker.__main__:cli", "bench": "bench.__main__:cli"}
PROGRAMS = (
    "bench.decoding",
    "bench.fuzz",
    "bench.golden_films",
    "bench.chaos.__main__",
    "bench.gpu.__main__",
    "deploy.local.__main__",
)


def code(document: Path) -> str:
    """The code of a document, in blocks and in lines, without comments; a line that goes on is one."""
    found = IN_CODE.findall(document.read_text())
    joined = "\n".join(block or line for block, line in found).replace("\\\n", " ")
    return re.sub(r"(?m)(^| )# .*$", "", joined)


def commands(document: Path) -> list[tuple[str, list[str]]]:
    """Module and words of each ``python -m`` in a document's code."""
    return [(module, words.split()) for module, words in COMMAND.findall(code(document))]


def command_of(module: str, words: list[str]) -> tuple[Any, list[str]]:
    """The command that a command line reaches, and its name as the list in verified.md has it."""
    name = [module]
    if module in GROUPS:
        path, attribute = GROUPS[module].split(":")
        found = typer.main.get_command(getattr(import_module(path), attribute))
        while hasattr(found, "commands") and words and not words[0].startswith("-"):
            assert words[0] in found.commands, f"{module} has no {words[0]}"
            found = found.commands[words[0]]
            name.append(words.pop(0))
        return found, name
    if module == "trainer":
        if words and not words[0].startswith("-"):
            assert words[0] in STEPS, f"the trainer has no {words[0]}"
            name.append(words[0])
        return None, name
    program = next((other for other in PROGRAMS if other.removesuffix(".__main__") == module), None)
    if program:
        made = typer.Typer()
        made.command()(import_module(program).main)
        return typer.main.get_command(made), name
    assert (ROOT / (module.replace(".", "/") + ".py")).exists(), f"there is no {module}"
    return None, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_exists_with_its_options(document: Path) -> None:
    for module, words in commands(document):
        command, _ = command_of(module, [word for word in words if word not in ("NAME", "<step>")])
        if command is not None:
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, (module, words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_target_of_make_exists(document: Path) -> None:
    named = re.findall(r"(?:^|\s|`)make ([a-z][a-z-]*)", code(document), re.MULTILINE)
    assert set(named) <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_exists(document: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | READ_ELSEWHERE
    known |= set(re.findall(r"\$\{(CXR_\w+):-", (ROOT / "docker-compose.yml").read_text()))  # some are Compose's own
    named = set(re.findall(r"CXR_[A-Z0-9_]*[A-Z0-9]", document.read_text()))
    assert {name for name in named if not any(name == other or other.startswith(name) for other in known)} == set()


def test_every_command_of_the_documents_is_in_the_list_of_what_was_run() -> None:
    table = VERIFIED.read_text().split("## Commands of the documents")[1].split("\n## ")[0]
    listed = {
        entry for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for entry in re.findall(r"`([^`]+)`", cell)
    }
    named = set()
    for document in DOCUMENTS:
        if document == VERIFIED:
            continue
        for module, words in commands(document):
            _, name = command_of(module, [word for word in words if word not in ("NAME", "<step>")])
            named.add("python -m " + " ".join(name))
        named |= {
            f"make {target}" for target in re.findall(r"(?:^|\s|`)make ([a-z][a-z-]*)", code(document), re.MULTILINE)
        }
    assert named - listed == set()


def test_every_test_that_the_list_names_exists() -> None:
    for name in re.findall(r"`((?:tests|bench)/[\w/]+\.py)`", VERIFIED.read_text()):
        assert (ROOT / name).exists(), name


def test_what_the_commands_of_the_api_page_write_is_not_committed() -> None:
    """Keys least of all."""
    page = code(ROOT / "docs" / "api.md")
    written = set(re.findall(r"(?:> |--file |--out )([\w.]+)", page)) | {"key", "auth", "access.json"}
    written.discard("manifest.csv")
    ignored = subprocess.run(
        ["git", "check-ignore", *sorted(written)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(ignored.stdout.split()) == written


def test_the_sizes_of_the_guide_are_those_that_were_measured() -> None:
    """From the last column of the table of where the time goes."""
    text = (ROOT / "docs" / "performance.md").read_text().split("Where the time goes")[1].split("<!--")[0]
    measured = {name: float(last) for name, last in re.findall(r"^\| (\w+).*\| ([\d.]+) \|$", text, re.MULTILINE)}
    guide = (ROOT / "docs" / "operations.md").read_text()
    sizes = {name: float(ms) for name, ms in re.findall(r"^\| (\w+)[^|]*\| ([\d.]+) ms \|", guide, re.MULTILINE)}
    assert sizes == {
        "worker": pytest.approx(measured["decoding"] + measured["worker"]),
        "Triton": pytest.approx(measured["scoring"] + measured["Triton"]),
        "Redis": pytest.approx(measured["Redis"]),
    }
