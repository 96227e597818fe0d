"""What no process can help: the clock jumps, the disk is full."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

from bench.chaos.faults import Fault
from bench.chaos.faults.gateway import upload
from bench.chaos.trial import WORKERS, Trial
from tests.stack import wait_until

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
STAMP = re.compile(r'"timestamp": "([^"]+)"')
CLOCK = Path(tempfile.gettempdir()) / f"cxr-chaos-clock-{os.getpid()}"
JUMP = (
    f"exec env LD_PRELOAD={LIBRARY} FAKETIME_TIMESTAMP_FILE={CLOCK} FAKETIME_CACHE_DURATION=1 DONT_FAKE_MONOTONIC=1"
    " python -m "
)
DISK_BYTES, BYTES_PER_FILM = 8 * 1024**2, 8 * 1024


def jump(trial: Trial) -> str:
    """Wall clocks of Redis and workers jump an hour ahead, later an hour back."""
    trial.submit()
    for hours, _ in zip((1, 0), trial.strikes(2), strict=True):
        CLOCK.write_text(f"+{hours}h\n")
        wait_until(lambda hours=hours: _hours_ahead(trial) == [hours] * 3, 60, "all clocks to jump")
    CLOCK.unlink()
    return "Redis and both workers an hour ahead, then an hour back"


def _hours_ahead(trial: Trial) -> list[int]:
    """How far the clocks of Redis and of each worker are ahead of ours, in whole hours; -1 where nothing is known."""
    redis_s = int(trial.stack.ledger.redis.time()[0])
    stamps = [STAMP.findall(trial.stack.log(name)) for name in WORKERS]
    times_s = [redis_s, *(datetime.fromisoformat(found[-1]).timestamp() if found else 0 for found in stamps)]
    return [round((then_s - time.time()) / 3600) for then_s in times_s]


def full_disk(trial: Trial) -> str:
    """The image store is a small disk, filled up in mid-job while uploads come in; later it has room again."""
    disk = trial.stack.settings.blobs_dir
    disk.mkdir(parents=True, exist_ok=True)
    size = DISK_BYTES + BYTES_PER_FILM * trial.images
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
    try:
        trial.stack.start("gateway")
        trial.submit()
        ballast, statuses = disk / "ballast", list[int]()
        with httpx.Client(base_url=trial.stack.gateway_url, timeout=60) as client:
            for _ in trial.strikes(2):
                ballast.write_bytes(bytes(shutil.disk_usage(disk).free))
                statuses += [upload(trial, client, 60) for _ in range(5)]
                ballast.unlink()
            after = upload(trial, client, 60)
        wait_until(trial.done, 1800, "every job to be done")
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(disk)], check=True)
    refused = [status for status in statuses if status != 202]
    trial.struck(len(refused) > 0, "every upload was accepted although the disk was full")
    half = {job.id for job in trial.stack.jobs.recent(100_000)} - set(trial.job_ids)
    return (
        f"{len(statuses)} uploads meanwhile: {len(refused)} answered {sorted(set(refused))}, {len(half)} half accepted;"
        f" with room again: {after}"
    )


def _no_faketime() -> str:
    if not LIBRARY.exists():
        return "libfaketime is not installed (Debian: libfaketime)"
    CLOCK.write_text("+0h\n")
    return ""


def _no_root() -> str:
    return "" if os.geteuid() == 0 and Path("/bin/mount").exists() else "a small disk can only be mounted by root"


FAULTS = {
    "clock": Fault(
        "The clock jumps by an hour",
        jump,
        commands={"redis": f"{JUMP} deploy.local.redis", "worker": f"{JUMP} worker run"},
        missing=_no_faketime,
    ),
    "full-disk": Fault("Disk full under the image store", full_disk, missing=_no_root),
}
