"""A sweep removes films only where ledger and image store are of one installation."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cxr.blobs import BlobStore, FolderStore, ObjectStore
from cxr.custody import Custody
from cxr.errors import OtherInstallation
from cxr.jobs import AuditLog, JobStore, Ledger
from cxr.schemas import JobImage, QueueName
from tests.object_store import Bucket

FILM, ORPHAN = b"a film", b"nobody's"


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    bucket: Bucket = request.getfixturevalue("bucket")
    return ObjectStore(bucket.url)


@pytest.fixture
def custody(jobs: JobStore, store: BlobStore, ledger: Ledger) -> Custody:
    return Custody(jobs, store, AuditLog(ledger))


def filled(jobs: JobStore, store: BlobStore) -> None:
    """A film that a job names, and one that none does."""
    job_id = jobs.create(QueueName.BATCH)
    sha256 = hashlib.sha256(FILM).hexdigest()
    jobs.append(job_id, [(JobImage(name="film", sha256=sha256, size_bytes=len(FILM)), None)])
    store.put(FILM)
    store.put(ORPHAN)


def swept(custody: Custody) -> int:
    custody.tidy(older_than_s=0)
    return custody.sweep(older_than_s=0)


def films(store: BlobStore) -> int:
    return len(list(store.stored(older_than_s=0)))


def test_an_empty_or_another_ledger_removes_nothing(
    custody: Custody, jobs: JobStore, store: BlobStore, ledger: Ledger
) -> None:
    filled(jobs, store)
    assert swept(custody) == 1
    ids = jobs.installation(), store.installation()
    assert ids[0] == ids[1] is not None
    ledger.redis.flushdb()
    for another in (None, "another"):
        if another:
            jobs.belong_to(another)
        for removal in (custody.sweep, custody.tidy):
            with pytest.raises(OtherInstallation, match="--adopt"):
                removal(older_than_s=0)
    assert films(store) == 1


def test_what_a_wrong_ledger_lets_expire_takes_no_film(
    custody: Custody, jobs: JobStore, store: BlobStore, ledger: Ledger
) -> None:
    store.belong_to("another")
    filled(jobs, store)
    [job] = jobs.recent()
    ledger.redis.zadd("cxr:expiring", {job.id: 1})
    with pytest.raises(OtherInstallation):
        custody.expire()
    assert films(store) == 2


def test_a_store_without_an_id_is_taken_when_it_is_empty_or_the_ledger_names_a_film_of_it(
    custody: Custody, jobs: JobStore, store: BlobStore
) -> None:
    store.put(ORPHAN)
    with pytest.raises(OtherInstallation):
        swept(custody)
    assert (jobs.installation(), store.installation()) == (None, None)
    filled(jobs, store)
    assert swept(custody) == 1


def test_a_new_installation_has_an_id_before_its_first_film(custody: Custody, jobs: JobStore, store: BlobStore) -> None:
    custody.tidy()
    assert jobs.installation() == store.installation() is not None
    filled(jobs, store)
    assert films(store) == 2, "the id is not taken for a film"


def test_an_operator_may_say_that_they_belong_together(custody: Custody, jobs: JobStore, store: BlobStore) -> None:
    store.belong_to("an earlier one")
    filled(jobs, store)
    assert custody.adopt() == "an earlier one", "so that older copies of the ledger still agree"
    assert swept(custody) == 1
