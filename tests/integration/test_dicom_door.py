"""The DICOM door against dcmtk: films in by storescu, results out to storescp, refusals with their status."""

from __future__ import annotations

import io
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    EnhancedSRStorage,
    SecondaryCaptureImageStorage,
)

from cxr.errors import BlobsUnavailable, SettingsRefused
from cxr.jobs import Receptions
from cxr.schemas import Chunk, Finding, Job, JobState, ModelIdentity, Prediction, QueueName
from gateway.auth import Caller
from gateway.dicom.door import Door
from gateway.dicom.reception import Desk, Reception, submit_silent
from gateway.parts import Parts
from tests.dicom_network import Archive, DoorProcess
from tests.dicom_syntaxes import deflated, every_syntax
from tests.files import dicom, grey_ramp
from tests.programs import program
from tests.stack import Stack, wait_until

STUDY = "1.2.826.0.1.3680043.8.498.7.1"  # generated UIDs have no further point after this root
PATIENT = {"PatientName": "SECRET^NAME", "PatientID": "SECRETID", "PatientAge": "003Y"}
MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[0.0, 2.0], [0.0, -1.0]], model=MODEL
)
LARGEST = 2 * 1024**2
PEERS = {
    "CXR_DICOM_PEERS": "MODALITY@127.0.0.1,ELSEWHERE@192.0.2.1",
    "CXR_DICOM_IDLE_S": "2",
    "CXR_MAX_FILE_BYTES": str(LARGEST),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = Archive(tmp_path_factory.mktemp("archive") / "received")
    archive.start()
    yield archive
    archive.stop()


@pytest.fixture(scope="module")
def door(redis_stack: Stack, archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorProcess]:
    redis_stack.ledger.redis.flushall()
    door = DoorProcess(redis_stack, tmp_path_factory.mktemp("door"), CXR_DICOM_RETURN_TO=archive.name, **PEERS)
    yield door
    door.stop()


def film(folder: Path, number: int = 0, size: int = 320, **attributes: object) -> Path:
    """A film as a modality sends it, with the patient in it."""
    path = folder / f"film-{number}.dcm"
    uids = {"SOPInstanceUID": generate_uid(), "SeriesInstanceUID": f"{STUDY}.1", "StudyInstanceUID": STUDY}
    path.write_bytes(dicom(grey_ramp(size, size - number), **{**PATIENT, **uids, **attributes}))
    return path


def jobs_of_the_door(stack: Stack) -> list[Job]:
    return stack.jobs.seen_by("dicom").recent()


def next_job(stack: Stack, before: list[Job], films: int) -> Job:
    """The one job that came since, accepted; the worker is played by ``judge``."""
    known = {job.id for job in before}

    def new() -> list[Job]:
        return [job for job in jobs_of_the_door(stack) if job.id not in known]

    wait_until(lambda: [job.state for job in new()] == [JobState.QUEUED], 60, "the job of the association")
    assert new()[0].total == films
    return new()[0]


def judge(stack: Stack, job: Job) -> None:
    lease = stack.leases.claim(Chunk(job.id, 0, job.total - 1))
    assert lease is not None
    stack.leases.record(
        lease.chunk, {index: lease.waiting[index].noted(JUDGED) for index in lease.waiting}, lease.token
    )


def settled(stack: Stack) -> bool:
    return not stack.ledger.redis.exists("cxr:dicom:returns")


def test_peers_are_known_by_title_and_address(door: DoorProcess) -> None:
    assert door.echo().returncode == 0
    for called, calling in (("SOMEBODY", "MODALITY"), ("PNEUMOSERVE", "STRANGER"), ("PNEUMOSERVE", "ELSEWHERE")):
        refused = door.echo(called, calling)
        assert refused.returncode != 0
        assert f"{'Called' if calling == 'MODALITY' else 'Calling'} AE Title Not Recognized" in refused.stdout


def test_films_of_an_association_are_one_job_and_its_results_arrive(
    redis_stack: Stack, door: DoorProcess, archive: Archive, tmp_path: Path
) -> None:
    before, had = jobs_of_the_door(redis_stack), len(archive.files())
    sent = door.store(*(film(tmp_path, number) for number in range(3)))
    assert sent.returncode == 0, sent.stdout
    assert sent.stdout.count("Received Store Response (Success)") == 3
    judge(redis_stack, next_job(redis_stack, before, films=3))
    wait_until(lambda: settled(redis_stack), 60, f"the results to be sent\n{door.log()}")
    assert len(archive.files()) == had + 6
    kinds = [result.SOPClassUID for result in archive.results() if result.StudyInstanceUID == STUDY]
    assert (kinds.count(EnhancedSRStorage), kinds.count(SecondaryCaptureImageStorage)) == (3, 3)
    for text in (*(path.read_bytes() for path in archive.files()), door.log().encode()):
        assert b"SECRET" not in text
    assert STUDY not in door.log()
    assert "highdicom" not in door.log()


def test_dcmtk_and_dciodvfy_can_read_what_arrived(archive: Archive) -> None:
    reports = [path for path in archive.files() if path.name.startswith("SRe")]
    assert reports
    for path in reports:
        shown = subprocess.run(["dsrdump", "+Pc", str(path)], capture_output=True, text=True, check=False)
        assert shown.returncode == 0, shown.stderr
        assert '(233604007,SCT,"Pneumonia")=(52101004,SCT,"Present")' in shown.stdout
        assert '"Certainty of Finding")="90.0" (%,UCUM,"Percent")' in shown.stdout
    validator = program("dciodvfy", "dicom3tools")
    for path in archive.files():
        said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False).stderr
        assert "Error" not in said, said


def test_what_is_not_judged_is_refused_with_its_status(redis_stack: Stack, door: DoorProcess, tmp_path: Path) -> None:
    before = jobs_of_the_door(redis_stack)
    ct = tmp_path / "ct.dcm"
    ct.write_bytes(dicom(Modality="CT"))
    assert "No presentation context" in door.store(ct).stdout
    refused: list[tuple[str, str, Path]] = [
        ("0xa900", "wrong_modality", film(tmp_path, 1, Modality="MG")),
        ("0xa900", "wrong_body_part", film(tmp_path, 2, BodyPartExamined="HAND")),
        ("0xa900", "multi_frame_dicom", film(tmp_path, 3, NumberOfFrames=2)),
        ("0xc000", "corrupt_dicom", film(tmp_path, 4, Rows=0)),
        ("0xc000", "corrupt_dicom", film(tmp_path, 5, BitsAllocated=12)),
        ("0xc000", "file_too_large", film(tmp_path, 6, size=1500)),
    ]
    for status, code, path in refused:
        said = door.store(path, options=("-d",)).stdout
        assert status in said, said
        assert code in said, said
    assert door.store(film(tmp_path, 7, size=2100)).returncode != 0
    assert "dicom_object_too_large" in door.log()
    assert door.echo().returncode == 0
    assert jobs_of_the_door(redis_stack) == before


def test_a_deflated_film_is_refused_where_it_inflates_to_more_than_a_file_may_have(
    redis_stack: Stack, door: DoorProcess
) -> None:
    before = jobs_of_the_door(redis_stack)
    bomb = deflated(dicom(np.zeros((1500, 1500), np.uint8)))
    assert len(bomb) < LARGEST / 100
    entity = AE("MODALITY")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, DeflatedExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", door.port, ae_title="PNEUMOSERVE")
    said = association.send_c_store(pydicom.dcmread(io.BytesIO(bomb)))
    association.release()
    assert (said.Status, said.ErrorComment.partition(":")[0]) == (0xC000, "file_too_large")
    assert jobs_of_the_door(redis_stack) == before


def test_every_transfer_syntax_is_taken(redis_stack: Stack, door: DoorProcess) -> None:
    before = jobs_of_the_door(redis_stack)
    films = [pydicom.dcmread(io.BytesIO(content)) for name, content in every_syntax() if name != "no preamble"]
    entity = AE("MODALITY")
    for syntax in sorted({film.file_meta.TransferSyntaxUID for film in films}):
        entity.add_requested_context(DigitalXRayImageStorageForPresentation, syntax)
    association = entity.associate("127.0.0.1", door.port, ae_title="PNEUMOSERVE")
    assert association.is_established
    statuses = [association.send_c_store(film).Status for film in films]
    association.release()
    assert set(statuses) == {0}
    job = next_job(redis_stack, before, films=len(films))
    assert job.queue is QueueName.BATCH
    redis_stack.jobs.delete(job.id)


def test_a_door_that_is_killed_in_between_loses_neither_film_nor_result(
    redis_stack: Stack, door: DoorProcess, archive: Archive, tmp_path: Path
) -> None:
    """Killed with an association open, with results unsent, and with the archive away."""
    before, had = jobs_of_the_door(redis_stack), len(archive.files())
    entity = AE("MODALITY")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation)
    association = entity.associate("127.0.0.1", door.port, ae_title="PNEUMOSERVE")
    assert association.send_c_store(film(tmp_path)).Status == 0
    archive.stop()
    door.stop(signal.SIGKILL)
    association.abort()
    door.start()
    job = next_job(redis_stack, before, films=1)
    judge(redis_stack, job)
    wait_until(lambda: "results_not_returned" in door.log(), 60, "an attempt without the archive")
    door.stop(signal.SIGKILL)
    archive.start()
    door.start()
    wait_until(lambda: settled(redis_stack), 180, f"the results to be sent\n{door.log()}")
    assert len(archive.files()) == had + 2


def test_it_ends_when_asked_with_its_jobs_submitted(redis_stack: Stack, door: DoorProcess, tmp_path: Path) -> None:
    before = jobs_of_the_door(redis_stack)
    entity = AE("MODALITY")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation)
    association = entity.associate("127.0.0.1", door.port, ae_title="PNEUMOSERVE")
    assert association.send_c_store(film(tmp_path)).Status == 0
    assert door.stop() == 0
    association.abort()
    job = next_job(redis_stack, before, films=1)
    redis_stack.jobs.delete(job.id)
    door.start()


def test_a_door_that_is_set_up_wrongly_does_not_open(redis_stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"settings_refused.*beyond loopback"):
        DoorProcess(redis_stack, tmp_path, CXR_DICOM_HOST="0.0.0.0")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dicom_peers": "PACS@somewhere"}, "names no IP address"),
        ({"dicom_peers": "A TITLE"}, "an AE title has"),
        ({"dicom_return_to": "PACS@host"}, "is not TITLE@host:port"),
    ],
)
def test_names_that_cannot_be_are_refused(redis_stack: Stack, settings: dict[str, str], said: str) -> None:
    changed = redis_stack.settings.model_copy(update=settings)
    parts = Parts.of(changed)
    with pytest.raises(SettingsRefused, match=said):
        Door(changed, parts)
    parts.close()


def test_a_film_that_cannot_be_stored_leaves_no_row_behind(redis_stack: Stack, tmp_path: Path) -> None:
    redis_stack.ledger.redis.flushall()
    blocked = tmp_path / "blobs"
    blocked.write_text("not a folder")
    parts = Parts.of(redis_stack.settings.model_copy(update={"blobs_dir": blocked}))
    desk = Desk(parts.seen_by(Caller("dicom", frozenset())), Receptions(redis_stack.ledger), None)
    reception = Reception(desk)
    with pytest.raises(BlobsUnavailable):
        reception.store(film(tmp_path).read_bytes())
    [job] = jobs_of_the_door(redis_stack)
    assert job.total == 0
    reception.close()
    assert jobs_of_the_door(redis_stack) == []


def test_what_a_silent_door_had_taken_is_submitted_by_another(redis_stack: Stack, tmp_path: Path) -> None:
    redis_stack.ledger.redis.flushall()
    parts = Parts.of(redis_stack.settings.model_copy(update={"blobs_dir": tmp_path / "blobs"}))
    desk = Desk(parts.seen_by(Caller("dicom", frozenset())), Receptions(redis_stack.ledger), None)
    dead = Reception(desk)
    dead.store(film(tmp_path).read_bytes())
    submit_silent(desk, silent_s=60)
    assert [job.state for job in jobs_of_the_door(redis_stack)] == [JobState.RECEIVING]
    submit_silent(desk, silent_s=-1)
    assert [job.state for job in jobs_of_the_door(redis_stack)] == [JobState.QUEUED]
    dead.store(film(tmp_path, 1).read_bytes())  # it was not dead after all
    dead.close()
    assert [(job.state, job.total) for job in jobs_of_the_door(redis_stack)] == [(JobState.QUEUED, 1)] * 2
