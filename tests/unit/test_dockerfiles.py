"""The Dockerfiles: pinned, labelled, without root, with a bill of materials, in step with what starts their images."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from deploy.local.settings import ROOT
from tests.containers import DOCKERFILES, stages
from tests.manifests import OURS, OVERLAYS, workloads
from tests.parts import compose

FOLDER = ROOT / "deploy" / "docker"
LABELS = {"title", "source", "version", "revision", "licenses", "description"}
BILL = "/sbom.cdx.json /usr/share/pneumoserve/sbom.cdx.json"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

every_image = pytest.mark.parametrize("image", DOCKERFILES)


def last(image: str, instruction: str) -> str:
    """What an instruction says in the end: a later stage's stands over an earlier one's."""
    return [line for line in stages(image) if line.startswith(f"{instruction} ")][-1].removeprefix(f"{instruction} ")


def test_every_dockerfile_makes_an_image_that_is_looked_at_here() -> None:
    assert {path.name for path in FOLDER.glob("*Dockerfile*")} == {
        f"{name}.Dockerfile" for name in DOCKERFILES.values()
    }


@pytest.mark.parametrize("name", sorted(set(DOCKERFILES.values())))
def test_the_base_is_pinned_and_every_stage_stands_on_it(name: str) -> None:
    text = (FOLDER / f"{name}.Dockerfile").read_text()
    [base] = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"[a-z0-9./-]+:[0-9][\w.-]*(@sha256:[0-9a-f]{64})?", base)
    starts = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", text, re.MULTILINE)
    assert len(starts) > 1
    assert {source for source, _ in starts} <= {"${BASE}", *(stage for _, stage in starts)}


@every_image
def test_nobody_is_root(image: str) -> None:
    assert int(last(image, "USER").partition(":")[0]) > 0


@every_image
def test_an_image_says_what_it_is(image: str) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', "\n".join(stages(image))))
    assert set(labels) == LABELS
    assert labels["title"] == f"pneumoserve-{image}"
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")
    assert f"ARG VERSION={VERSION}" in stages(image)
    assert "not a medical device" in labels["description"]


@every_image
def test_an_image_carries_the_bill_of_its_own_packages(image: str) -> None:
    """The last one copied is of the stage that installed last."""
    copied = [line for line in stages(image) if line.endswith(BILL)]
    assert copied[-1].startswith("COPY --from=engine-bill " if image == "engine" else "COPY --from=bill ")


@every_image
def test_a_server_has_the_health_check_that_compose_asks_and_a_command_has_none(image: str) -> None:
    asked = compose()["services"].get(image, {}).get("healthcheck")
    check = last(image, "HEALTHCHECK")
    if asked is None:
        assert check == "NONE"
    else:
        assert json.loads(check.split("CMD ")[1]) == asked["test"][1:]


def test_a_process_may_write_into_the_volumes_that_compose_gives_it() -> None:
    """A new volume is as its folder in the image; where there is none, root's. /tmp is everybody's in every image."""
    written = 0
    for service in compose()["services"].values():
        if service["image"].startswith(OURS):
            image = service["image"].removeprefix(OURS).partition(":")[0]
            user, group = last(image, "USER").split(":")
            made = {
                path
                for line in stages(image)
                for owned in re.findall(rf"install -d -o {user} -g {group}((?: /\w+)+)", line)
                for path in owned.split()
            }
            paths = [volume.split(":")[1] for volume in service.get("volumes", []) if not volume.endswith(":ro")]
            assert set(paths) <= {*made, "/tmp"}
            written += len(paths)
    assert written > 3


@every_image
def test_what_is_started_is_this_version(image: str) -> None:
    """Compose and Kubernetes start the version that the project has."""
    started = {service["image"] for service in compose()["services"].values()}
    started |= {container["image"] for name in OVERLAYS for each in workloads(name) for container in each.containers()}
    ours = {reference for reference in started if reference.startswith(OURS + image + ":")}
    assert ours == (set() if image == "trainer" else {f"{OURS}{image}:{VERSION}"})


@pytest.mark.parametrize("process", ["gateway", "worker"])
def test_gateway_and_worker_install_no_torch(process: str) -> None:
    names = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / f"{process}.txt").read_text(), re.MULTILINE)
    assert len(names) > 30
    assert not {"torch", "torchvision", "monai", "pytorchcv"} & set(names)
    assert "requirements/${PROCESS}.txt" in (FOLDER / "serving.Dockerfile").read_text()
