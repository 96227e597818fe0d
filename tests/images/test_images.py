"""Our images, built by buildah from our own Dockerfiles; the gateway's and the worker's run, and judge a film.

Not part of ``make test``: it takes minutes and gigabytes. ``make images`` runs it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buildah import Built, build, buildah
from tests.files import png
from tests.image_machine import USER, ImageMachine
from tests.integration.test_manifests_run import judge
from tests.parts import of_compose

ARGUMENTS = {
    "gateway": {"PROCESS": "gateway"},
    "worker": {"PROCESS": "worker"},
    "triton": {},
    "engine": {},
    "trainer": {"TORCH": os.environ.get("TORCH", "torch==2.13.0")},
}
BILL = "/usr/share/pneumoserve/sbom.cdx.json"


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The images of the processes, built."""
    return {image: build(image, **ARGUMENTS[image]) for image in ("gateway", "worker")}


@pytest.fixture
def machine(tmp_path: Path, images: dict[str, str]) -> Iterator[ImageMachine]:
    machine = ImageMachine(tmp_path, images)
    try:
        yield machine
    finally:
        machine.close()


def bill(name: str) -> dict[str, str]:
    """Packages and versions that an image says are in it."""
    container = buildah("from", name)
    try:
        found = json.loads(buildah("run", "--isolation", "chroot", container, "--", "cat", BILL))
    finally:
        buildah("rm", container)
    assert found["bomFormat"] == "CycloneDX"
    return {each["name"].lower().replace("_", "-"): each["version"] for each in found["components"]}


@pytest.mark.parametrize("image", ARGUMENTS)
def test_a_dockerfiles_own_steps_are_built(image: str) -> None:
    built = Built.of(build(image, **ARGUMENTS[image]))
    print(f"\n{built.name}: {built.size_bytes / 1e6:.0f} MB")
    user = built.configuration["User"].split(":")[0]
    assert user.isdigit()
    assert int(user) > 0
    assert built.configuration["Labels"]["org.opencontainers.image.title"] == f"pneumoserve-{image}"
    assert built.configuration["Labels"]["org.opencontainers.image.revision"] == "trial"
    assert built.configuration["Healthcheck"]["Test"]
    packages = bill(built.name)
    assert packages["pydantic"]
    assert ("torch" in packages) == (image == "trainer")
    assert ("tensorrt-cu13-bindings" in packages) == (image == "engine")


def test_gateway_and_worker_run_in_their_images_and_judge_a_film(machine: ImageMachine) -> None:
    """With Compose's own words, variables and health checks; Redis and Triton run beside them."""
    parts, started = of_compose(), time.time()
    names = ("redis", "triton", "worker", "gateway")
    for name in names:
        machine.start(parts[name])
    for name in names:
        machine.wait(parts[name], parts[name].probes["startupProbe"])
    assert judge(machine, png())["kind"] in ("prediction", "rejection")
    for name in ("worker", "gateway"):
        status = Path(f"/proc/{machine.first_process(parts[name])}/status").read_text()
        assert f"\nUid:\t{USER}\t{USER}" in status
        assert machine.written(name, started) == [], "a read-only root file system would have stopped it"
    for name in ("gateway", "worker"):
        # What ends by the signal itself, its work done, is a 1 to buildah.
        assert machine.stop(parts[name]) in (0, 1), machine.log(parts[name])


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_without_its_addresses_an_image_does_not_start(machine: ImageMachine, name: str) -> None:
    done = machine.run(of_compose()[name], CXR_SECRETS_DIR=None, CXR_RETENTION="1")
    assert done.returncode != 0
    assert "CXR_REDIS_URL is missing" in done.stdout + done.stderr
    assert "CXR_RETENTION is unknown" in done.stdout + done.stderr
