"""Our Dockerfiles, built and run without a container engine: buildah as root, over a base that debootstrap makes.

What Docker would pull is stood in for by Debian 12 with Python. ``IMAGES_FOLDER`` is where images are kept (``make
images`` sets it); ``BUILDAH_FLAGS`` are more words for ``buildah bud``, such as the volumes of a package mirror.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.settings import ROOT
from tests.containers import DOCKERFILES

FOLDER = Path(os.environ.get("IMAGES_FOLDER", ""))
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PACKAGES = ("python3", "python3-venv", "python3-pip", "curl", "ca-certificates")
BASE = "localhost/debian-python:12"
CERTIFICATES, PIP = Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf")


def buildah(*words: str | Path, timeout_s: float = 3600) -> str:
    """Run buildah over a storage of our own; what it printed."""
    done = subprocess.run(
        command(*words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout_s, errors="replace"
    )
    assert done.returncode == 0, f"{shlex.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


def command(*words: str | Path) -> list[str]:
    storage = ["--root", str(FOLDER / "storage"), "--runroot", str(FOLDER / "run"), "--storage-driver", "overlay"]
    return [_program("buildah"), *storage, *map(str, words)]


def _program(name: str) -> str:
    if not FOLDER.is_absolute():
        pytest.skip("images are built by `make images` alone, which says where they are kept (IMAGES_FOLDER)")
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install --no-install-recommends buildah debootstrap)")
    if os.geteuid():
        pytest.skip(f"{name} makes and enters root file systems here, so these tests run as root")
    return found


def base() -> str:
    """Debian with Python under a name; made once."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return BASE
    folder = FOLDER / "base"
    if not (folder / "usr" / "bin" / "curl").exists():
        shutil.rmtree(folder, ignore_errors=True)
        words = [_program("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE]
        made = subprocess.run([*words, str(folder), MIRROR], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout[-2000:]
        shutil.rmtree(folder / "var" / "cache" / "apt")
    container = buildah("from", "scratch")
    buildah("copy", "-q", container, folder, "/")
    buildah("commit", "-q", "--rm", container, BASE)
    shutil.rmtree(folder)
    return BASE


def build(image: str, **arguments: str) -> str:
    """Build one of our images; the steps that were built before are not repeated."""
    name = f"localhost/pneumoserve/{image}:trial"
    given = {"BASE": base(), "REVISION": "trial", **arguments}
    volumes = [f"{path}:{path}:ro" for path in (CERTIFICATES, PIP) if path.exists()]
    words = [
        *("bud", "--layers", "--isolation", "chroot", "--network", "host", "--format", "docker", "--tag", name),
        *(word for key, value in given.items() for word in ("--build-arg", f"{key}={value}")),
        *(word for volume in volumes for word in ("--volume", volume)),
        *shlex.split(os.environ.get("BUILDAH_FLAGS", "")),
        *("--file", f"deploy/docker/{DOCKERFILES[image]}.Dockerfile"),
        *(("--target", image) if image != "trainer" else ()),
        ".",
    ]
    buildah(*words)
    return name


@dataclass(frozen=True)
class Built:
    """An image that was built, as its configuration and file system say."""

    name: str
    configuration: dict[str, Any]
    size_bytes: int

    @staticmethod
    def of(name: str) -> Built:
        found = json.loads(buildah("inspect", "--type", "image", name))
        [listed] = json.loads(buildah("images", "--json", name))
        return Built(name, found["Docker"]["config"], _bytes(listed["size"]))


def _bytes(size: str) -> int:
    number, unit = size.split()
    return int(float(number) * 1000 ** ["B", "KB", "MB", "GB"].index(unit.upper()))
