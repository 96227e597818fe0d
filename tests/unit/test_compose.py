"""docker-compose.yml: read by a real Compose, pinned, hardened, and in step with Kubernetes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cxr.settings import Settings
from deploy.local.settings import ROOT
from tests.containers import stages
from tests.manifests import OURS
from tests.parts import SECRETS, compose, defaulted, of_compose, of_kubernetes
from tests.programs import program

SERVICES = sorted(compose()["services"])
GUIDE = (ROOT / "docs" / "operations.md").read_text()
PROCESSES = ("worker", "gateway")


def test_compose_itself_reads_the_file() -> None:
    compose_itself = program("docker-compose", "docker-compose")
    for profile in ("cpu", "gpu", "dicom", "observe"):
        words = [compose_itself, "--profile", profile, "config", "--quiet"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_cpu_profile_is_taken_where_none_is_asked_for() -> None:
    assert "COMPOSE_PROFILES=cpu" in (ROOT / ".env").read_text()
    profiles = {name: service.get("profiles") for name, service in compose()["services"].items()}
    assert (profiles["triton"], profiles["triton-gpu"], profiles["gateway"]) == (["cpu"], ["gpu"], None)


def test_what_a_machine_runs_is_said_where_every_command_reads_it() -> None:
    """Compose leaves services of other profiles alone: what one command named alone, the next would leave as it is."""
    pages = [GUIDE, (ROOT / "README.md").read_text(), (ROOT / "docker-compose.yml").read_text()]
    assert not any("--profile" in page for page in pages)
    [block] = [found for found in re.findall(r"```\w*\n(.*?)```", GUIDE, re.DOTALL) if "COMPOSE_PROFILES=" in found]
    said = dict(line.split("=", 1) for line in block.splitlines() if not line.startswith("#"))
    profiles = set(said.pop("COMPOSE_PROFILES").split(","))
    of_service = {name: set(service.get("profiles", [])) for name, service in compose()["services"].items()}
    assert profiles <= set().union(*of_service.values())
    left_out = {name for name, its in of_service.items() if its and not its & profiles}
    assert left_out == {"triton"}, "that of the CPU"
    assert set(said) <= set(re.findall(r"\$\{(\w+):-", (ROOT / "docker-compose.yml").read_text()))


def test_the_guide_archives_the_record_into_a_folder_that_stays_and_that_its_user_may_write() -> None:
    [(mounted, name, file)] = re.findall(
        r"^docker compose run --rm -v \"\$PWD/archive:(/\w+)\" (\w+) python -m worker archive-audit (\S+)$",
        GUIDE,
        re.MULTILINE,
    )
    service = compose()["services"][name]
    assert Path(file).parent == Path(mounted)
    assert mounted not in [volume.split(":")[1] for volume in service["volumes"]]
    assert not any(mount.startswith(mounted) for mount in service["tmpfs"])
    [user] = re.findall(r"^sudo install -d -o (\d+) -g \1 -m 700 archive$", GUIDE, re.MULTILINE)
    assert f"USER {user}:{user}" in stages(name)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_hardened_and_limited(name: str) -> None:
    service = compose()["services"][name]
    assert re.fullmatch(r"[a-z0-9./-]+:v?[0-9][\w.-]*(@sha256:[0-9a-f]{64})?", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert all(defaulted(str(port)).startswith("127.0.0.1:") for port in service.get("ports", []))
    if service["image"].startswith(OURS):
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def size_bytes(words: str) -> int:
    return int(words[:-1]) * {"m": 2**20, "g": 2**30}[words[-1]]


@pytest.mark.parametrize("name", [name for name in SERVICES if compose()["services"][name]["image"].startswith(OURS)])
def test_files_in_memory_leave_the_process_half_of_it(name: str) -> None:
    """Docker counts a tmpfs against the limit, so whole uploads lie on disk."""
    service = compose()["services"][name]
    in_memory = dict(mount.split(":size=") for mount in service.get("tmpfs", []))
    sizes = [options.split(",")[0] for options in in_memory.values()] + [service.get("shm_size", "64m")]
    assert sum(map(size_bytes, sizes)) <= size_bytes(service["deploy"]["resources"]["limits"]["memory"]) / 2
    on_disk = [volume.split(":")[1] for volume in service.get("volumes", [])]
    assert ["/tmp" in in_memory, "/tmp" in on_disk] == ([False, True] if name == "gateway" else [True, False])


def test_only_the_doors_are_reached_from_outside() -> None:
    found = compose()
    assert found["networks"]["inside"]["internal"] is True
    ours = [name for name, each in found["services"].items() if each["image"].startswith((OURS, "redis:"))]
    assert [name for name in ours if found["services"][name].get("ports")] == ["gateway", "dicom"]


def test_secrets_are_files_that_git_ignores_and_one_command_makes(tmp_path: Path) -> None:
    found = compose()
    made = tmp_path / "secrets"
    words = ["sh", str(ROOT / "deploy" / "docker" / "secrets.sh"), str(made)]
    subprocess.run(words, check=True)
    assert {f"./secrets/{path.name}" for path in made.iterdir()} == {each["file"] for each in found["secrets"].values()}
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert made.stat().st_mode & 0o777 == 0o700
    password = (made / "CXR_REDIS_URL").read_text().split(":")[2].split("@")[0]
    assert len(password) == 64
    assert password not in (made / "redis.acl").read_text()
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1, "a password is not replaced unasked"
    for name, service in found["services"].items():
        readers = {"redis.acl"} if name == "redis" else {"CXR_REDIS_URL"} if name in (*PROCESSES, "dicom") else set()
        assert set(service.get("secrets", [])) == readers
        assert "CXR_REDIS_URL" not in service.get("environment", {})


@pytest.mark.parametrize("name", PROCESSES)
def test_processes_run_as_in_kubernetes(name: str) -> None:
    here, there = of_compose()[name], of_kubernetes("cpu", SECRETS)[name]
    assert (here.words, here.grace_s) == (there.words, there.grace_s)
    known = {f"CXR_{field.upper()}" for field in Settings.model_fields}
    assert {variable for variable in here.environment if variable.startswith("CXR_")} <= known


@pytest.mark.parametrize("said", ["PONG", "LOADING Redis is loading the dataset in memory", "NOAUTH", "MISCONF", ""])
def test_redis_is_well_only_when_it_says_so(said: str, tmp_path: Path) -> None:
    """redis-cli prints an error reply and ends with exit code 0."""
    cli = tmp_path / "redis-cli"
    cli.write_text(f"#!/bin/sh\necho {said}\n")
    cli.chmod(0o755)
    parts = (of_compose()["redis"], of_kubernetes("cpu", SECRETS)["redis"])
    asked = [probe["exec"]["command"] for part in parts for probe in part.probes.values() if "exec" in probe]
    assert len(asked) == 3
    for words in asked:
        done = subprocess.run(words, env={"PATH": f"{tmp_path}:{os.defpath}"}, check=False)
        assert (done.returncode == 0) == (said == "PONG"), words
