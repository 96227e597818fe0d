"""The worker's boxes in the running stack: they may be killed, and they end with their worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cxr.schemas import Rejection
from tests.files import grey_ramp, png
from tests.stack import Stack, wait_until

BOXES = 4


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose worker a test may kill; it has two boxes in each lane."""
    stack = Stack(tmp_path, CXR_DECODE_PROCESSES="2")
    try:
        stack.start("redis", "triton", "worker")
        wait_until(lambda: len(boxes_of(stack)) == BOXES, 30, "the boxes")
        yield stack
    finally:
        stack.close()


def boxes_of(stack: Stack) -> set[int]:
    """The living processes that the worker started for decoding."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                inside = b"worker.inside" in (folder / "cmdline").read_bytes().split(b"\0")
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if inside and state != "Z" and int(parent) == stack._running["worker"].pid:
                    found.add(int(folder.name))
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_boxes_killed_in_mid_job_cost_no_film(own_stack: Stack) -> None:
    films = []
    for number in range(300):
        pixels = grey_ramp()
        pixels[0, number] ^= 0xFF
        films.append(png(pixels))
    job_id = own_stack.submit(films)
    first = boxes_of(own_stack)
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    answers = own_stack.results(job_id)
    assert len(answers) == 300
    assert {answer.code for answer in answers if isinstance(answer, Rejection)} <= {"not_chest_xray"}
    assert own_stack.alive("worker")
    wait_until(lambda: len(boxes_of(own_stack) - first) == BOXES / 2, 30, "other boxes in the lane that had work")
    assert not first & boxes_of(own_stack)


def test_what_is_decoded_for_a_batch_lets_everything_else_go_first(own_stack: Stack) -> None:
    worker = own_stack.pid("worker")
    policies = sorted([os.sched_getscheduler(worker), os.SCHED_IDLE] * 2)

    def of_boxes() -> list[int]:
        return sorted(os.sched_getscheduler(pid) for pid in boxes_of(own_stack))

    wait_until(lambda: of_boxes() == policies, 60, "two boxes of each lane")
    # Linux may share the processor out by sessions first: one that gives way must be in that of who goes first.
    assert {os.getsid(pid) for pid in boxes_of(own_stack)} == {os.getsid(worker)}


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGKILL])
def test_boxes_end_with_their_worker(own_stack: Stack, with_signal: signal.Signals) -> None:
    pids = boxes_of(own_stack)
    own_stack.stop("worker", with_signal)
    assert pids
    wait_until(lambda: not any(lives(pid) for pid in pids), 30, "the boxes to end")
