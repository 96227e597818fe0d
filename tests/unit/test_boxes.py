"""Boxes keep what a file does to its decoder away from every other file, and from the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.errors import DecoderUnavailable
from cxr.imaging import Film, examine
from cxr.schemas import Rejection
from deploy.local.settings import ROOT
from tests.files import dicom, grey_ramp, jpeg, lettered, png
from tests.hostile import obedient
from tests.stack import wait_until
from worker.boxes import BoxedDecoder
from worker.child import BoxPlan

# Patient, so that a machine with much else to do refuses nothing.
PLAN = BoxPlan(timeout_s=2.0, patience=60.0, memory_bytes=1024**3, decode=obedient)


@pytest.fixture(scope="module")
def boxes() -> Iterator[BoxedDecoder]:
    with BoxedDecoder(2, PLAN) as boxes:
        yield boxes


def said(boxes: BoxedDecoder, files: list[bytes]) -> list[int | str]:
    """Each answer as the film's grey level or the rejection's code."""
    answers = boxes.decode(files)
    return [answer.code if isinstance(answer, Rejection) else int(answer.tensor[0, 0, 0]) for answer in answers]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (b"segfault", "decoder_crashed"),
        (b"abort", "decoder_crashed"),
        (b"exit", "decoder_crashed"),
        (b"killed", "decoder_crashed"),
        (b"eat", "decoder_crashed"),
        (b"raise", "decoder_crashed"),
        (b"small", "decoder_crashed"),
        (b"spin", "decode_timeout"),
        (b"refuse", "corrupt_image"),
    ],
)
def test_a_hostile_file_is_refused_and_its_neighbours_are_answered(boxes: BoxedDecoder, told: bytes, code: str) -> None:
    files = [b"%d" % number for number in range(10)]
    files[3:3] = [told]
    assert said(boxes, files) == [0, 1, 2, code, 3, 4, 5, 6, 7, 8, 9]


def test_a_file_that_uses_no_processor_is_not_awaited_for_ever() -> None:
    with BoxedDecoder(1, replace(PLAN, patience=1.0)) as boxes:
        assert said(boxes, [b"hang"]) == ["decode_timeout"]


def test_several_hostile_files_in_a_row_leave_the_others_in_order(boxes: BoxedDecoder) -> None:
    files = [b"segfault", b"1", b"spin", b"exit", b"2", b"eat", b"3"]
    crashed = "decoder_crashed"
    assert said(boxes, files) == [crashed, 1, "decode_timeout", crashed, 2, crashed, 3]


def test_a_rejection_says_why(boxes: BoxedDecoder) -> None:
    answers = boxes.decode([b"segfault", b"exit", b"eat", b"spin", b"refuse"])
    messages = [answer.message for answer in answers if isinstance(answer, Rejection)]
    for message, word in zip(
        messages, ["SIGSEGV", "exit status 3", "MemoryError", "at most 2 s of a processor", "as told"], strict=True
    ):
        assert word in message


def test_callers_share_the_boxes(boxes: BoxedDecoder) -> None:
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda n: said(boxes, [b"%d" % (n + m) for m in range(20)]), range(0, 160, 20)))
    assert answers == [list(range(n, n + 20)) for n in range(0, 160, 20)]


def test_one_film_does_not_wait_for_another_callers_batch(tmp_path: Path) -> None:
    """The batch ends only when the single film was answered, so nothing ends if it has to wait for the batch."""
    first, last = tmp_path / "first", tmp_path / "last"
    with BoxedDecoder(1, replace(PLAN, timeout_s=60)) as boxes, ThreadPoolExecutor(2) as callers:
        files = [b"wait for %s" % bytes(first), b"1", b"2", b"wait for %s" % bytes(last)]
        batch = callers.submit(said, boxes, files)
        wait_until(first.with_suffix(".begun").exists, 30, "the batch to begin")
        single = callers.submit(said, boxes, [b"7"])
        wait_until(lambda: boxes._turns.qsize() == 2, 30, "both to take turns")
        first.touch()
        assert single.result() == [7]
        last.touch()
        assert batch.result() == [0, 1, 2, 0]


def test_a_box_that_dies_between_files_costs_no_file(boxes: BoxedDecoder) -> None:
    boxes.decode([b"1", b"2", b"3", b"4"])
    for pid in boxes.pids:
        os.kill(pid, signal.SIGKILL)
    assert said(boxes, [b"5", b"6", b"7", b"8"]) == [5, 6, 7, 8]


def test_a_box_holds_no_grpc_and_no_secret(boxes: BoxedDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_REDIS_URL", "redis://:secret@nowhere/0")
    with BoxedDecoder(1, PLAN) as own:
        [answer] = own.decode([b"look around"])
    assert isinstance(answer, Rejection)
    assert "[] []" in answer.message


def test_a_signal_to_the_workers_group_does_not_reach_its_boxes(boxes: BoxedDecoder) -> None:
    boxes.decode([b"1", b"2"])
    assert os.getpgrp() not in {os.getpgid(pid) for pid in boxes.pids}


def test_what_is_handed_in_is_finished_before_the_boxes_close() -> None:
    boxes = BoxedDecoder(2, PLAN)
    boxes.start()
    with ThreadPoolExecutor(1) as caller:
        answers = caller.submit(said, boxes, [b"%d" % number for number in range(50)])
        wait_until(lambda: boxes.pids, 30, "a box")
        answers.result()
        pids = boxes.pids
        boxes.close()
    assert not any(lives(pid) for pid in pids)
    with pytest.raises(DecoderUnavailable):
        boxes.decode([b"1"])


def test_a_box_that_cannot_start_is_nobodys_film(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obedient, "__module__", "tests.nowhere")
    with BoxedDecoder(1, PLAN) as boxes, pytest.raises(DecoderUnavailable):
        boxes.decode([b"1", b"2"])


def test_a_box_decodes_as_the_process_itself() -> None:
    files = [jpeg(), png(), dicom(), dicom(lettered(grey_ramp(600, 600)))]
    files.append(dicom(PatientAge="081Y", BurnedInAnnotation="YES"))
    with BoxedDecoder(2) as boxes:
        films = boxes.decode(files)
        for film, content in zip(films, files, strict=True):
            assert isinstance(film, Film)
            assert np.array_equal(film.tensor, examine(content).tensor)
    notes = [film.notes for film in films if isinstance(film, Film)]
    assert notes == [(), (), (), ("burnt_in_text_seen",), ("age_outside_validated_range", "burnt_in_text_declared")]


PARENT = """
import sys, threading, time
from tests.unit.test_boxes import PLAN
from worker.boxes import BoxedDecoder
from dataclasses import replace
boxes = BoxedDecoder(2, replace(PLAN, timeout_s=600))
boxes.decode([b"1"] * 8)
threading.Thread(target=boxes.decode, args=([b"hang"],), daemon=True).start()
print(*boxes.pids, flush=True)
time.sleep(600)
"""


def test_no_box_outlives_a_killed_worker() -> None:
    """One is hanging with the interpreter's lock held, the other is idle."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(lives(pid) for pid in pids)
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(lives(pid) for pid in pids), 30, "the boxes to end")


def lives(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
