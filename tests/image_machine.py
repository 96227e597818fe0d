"""A machine on which the gateway and the worker run in their images, and Redis and Triton beside them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.buildah import buildah, command
from tests.containers import Machine, Part

MOUNTED = ("/blobs", "/access", "/run/secrets")
USER = 10001
# What a container with a read-only root may still write: its temporary folder, and what is mounted.
MADE_BY_BUILDAH = ("etc/hosts", "etc/resolv.conf", "etc/hostname")
WRITABLE = ("tmp", "proc", "sys", "dev", "run", *(path.split("/")[1] for path in MOUNTED))


class ImageMachine(Machine):
    """Runs a part in its image where it has one: with the part's own words and variables, and its folders mounted."""

    def __init__(self, folder: Path, images: dict[str, str]) -> None:
        super().__init__(folder)
        self._containers = {image: buildah("from", name) for image, name in images.items()}
        folder.chmod(0o755)
        for path in MOUNTED:
            for entry in (self.paths[path], *self.paths[path].iterdir()):
                shutil.chown(entry, USER, USER)

    def start(self, part: Part) -> None:
        if part.image not in self._containers:
            super().start(part)
            return
        with (self.folder / f"{part.name}.log").open("ab") as log:
            self.running[part.name] = subprocess.Popen(
                self._words(part, part.environment), stdout=log, stderr=log, start_new_session=True
            )

    def run(self, part: Part, **more: str | None) -> subprocess.CompletedProcess[str]:
        changed = {**part.environment, **more}
        variables = {name: value for name, value in changed.items() if value is not None}
        return subprocess.run(self._words(part, variables), capture_output=True, text=True, timeout=120, check=False)

    def stop(self, part: Part) -> int:
        """Docker signals the container's first process; buildah does not pass a signal on, so it is sent there."""
        if part.image not in self._containers:
            return super().stop(part)
        outer = self.running.pop(part.name)
        os.kill(self.first_process(part, outer), signal.SIGTERM)
        try:
            return outer.wait(part.grace_s)
        finally:
            self._sweep(outer)

    def first_process(self, part: Part, outer: subprocess.Popen[bytes] | None = None) -> int:
        """The process that the image's command became."""
        pid = (outer or self.running[part.name]).pid
        while "buildah" in _command(pid):
            [pid] = _children(pid)
        return pid

    def written(self, image: str, since: float) -> list[str]:
        """Files newer than ``since`` that a container with a read-only root could not have written."""
        root = Path(buildah("mount", self._containers[image]))
        found = []
        try:
            for folder, folders, files in os.walk(root):
                if Path(folder) == root:
                    folders[:] = [name for name in folders if name not in WRITABLE]
                paths = [Path(folder) / name for name in files]
                found += [str(path.relative_to(root)) for path in paths if path.lstat().st_mtime > since]
        finally:
            buildah("umount", self._containers[image])
        return [path for path in found if path not in MADE_BY_BUILDAH]

    def close(self) -> None:
        super().close()
        for container in self._containers.values():
            buildah("rm", container)

    def _words(self, part: Part, variables: dict[str, str]) -> list[str]:
        mounted = [f"{self.paths[path]}:{path}" for path in MOUNTED]
        return command(
            *("run", "--isolation", "chroot"),
            *(word for name, value in variables.items() for word in ("--env", f"{name}={self.mapped_ports(value)}")),
            *(word for volume in mounted for word in ("--volume", volume)),
            *(self._containers[part.image], "--"),
            *(self.mapped_ports(word) for word in part.words),
        )


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]


def _children(pid: int) -> list[int]:
    return [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
