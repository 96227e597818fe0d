"""docs/operations.md says what to do about every error, and its links and least versions hold."""

from __future__ import annotations

import re

import pytest

from cxr.errors import every_error
from cxr.settings import Settings
from deploy.local.settings import ROOT
from tests.unit.test_observe import anchors

PAGE = ROOT / "docs" / "operations.md"
TEXT = PAGE.read_text()


def version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def test_every_error_code_has_its_row_and_every_row_its_code() -> None:
    table = TEXT.split("## When a code comes")[1].split("\n## ")[0]
    codes = re.findall(r"^\| `([a-z_]+)` \| \S", table, re.MULTILINE)
    assert len(codes) == len(set(codes))
    assert set(codes) == {error.code for error in every_error()}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: object) -> None:
    text = page.read_text()  # type: ignore[attr-defined]
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page  # type: ignore[attr-defined]
        assert other.exists(), target
        assert not anchor or anchor in anchors(other.read_text()), target


def pinned(name: str) -> list[str]:
    """The versions of a part that this repository installs or starts."""
    if name == "Triton container":
        return re.findall(r"tritonserver:([\d.]+)-py3", (ROOT / "deploy/docker/triton.Dockerfile").read_text())
    if name.startswith("Redis"):
        files = ("docker-compose.yml", "deploy/kubernetes/base/redis.yaml")
        return [found for path in files for found in re.findall(r"image: redis:([\d.]+)-", (ROOT / path).read_text())]
    files = ("requirements/gateway.txt", "requirements/worker.txt", "requirements/run.txt")
    return [
        found for path in files for found in re.findall(rf"^{name}==([\d.]+)", (ROOT / path).read_text(), re.MULTILINE)
    ]


def test_nothing_is_older_than_the_least_versions() -> None:
    rows = re.findall(r"^\| ([\w. ]+) \| ([\d.]+) \| CVE", TEXT, re.MULTILINE)
    assert {name for name, _ in rows} == {"Triton container", "Redis 8.2", "gradio", "pydicom"}
    for name, least in rows:
        assert pinned(name), name
        assert all(version(found) >= version(least) for found in pinned(name)), name


def test_redis_sizes_follow_the_rule_beside_them() -> None:
    [(bytes_a_film, reserve)] = re.findall(r"CXR_RETENTION_S x ([\d,]+) x ([\d.]+)", TEXT)
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) GB \| ([\d.]+) GB \|$", TEXT, re.MULTILINE)
    assert len(rows) == 3
    for films, *sizes in rows:
        for days, gigabytes in zip((1, Settings().retention_s / 86400), map(float, sizes), strict=True):
            needed = int(films) * 86400 * days * int(bytes_a_film.replace(",", "")) * float(reserve) / 1e9
            assert gigabytes == pytest.approx(needed, rel=0.03)
