"""The ledger under random interleavings: imaginary workers claim, fall silent, answer late; a model says what holds.

``Rounds`` steps through the transitions in any order hypothesis thinks of; messages are lost and doubled at will, and
a lease runs out when a step says so. After every step the ledger is compared with the model, and at the end all that
is left is worked off: nothing may remain unanswered, counted, or remembered.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cxr.errors import JobNotFound
from cxr.jobs import JobStore, Lease, Leases, Ledger, OverdueChunk
from cxr.schemas import Chunk, HintQueue, JobImage, JobState, QueueName, Rejection
from tests.ledger_jobs import lease_runs_out
from tests.ledger_model import AT_THE_DOOR, HASHES, MODEL, OWNERS, POISON, SIZE_BYTES, Model, ModelJob, RepliesAreLost
from tests.stack import Stack


class Rounds(RuleBasedStateMachine):
    """Several workers are several leases in hand: any may act next, or never again."""

    stack: Stack
    ledger: Ledger
    job_ids = Bundle("job_ids")
    messages = Bundle("messages")
    in_hand = Bundle("in_hand")

    @initialize()
    def start(self) -> None:
        self.redis: Any = self.stack.ledger.redis
        self.redis.flushall()
        changed = {"chunk_size": 3, "lease_s": 900.0, "max_owner_jobs_per_minute": 10**6, "retention_s": 900}
        knobs = self.stack.settings.model_copy(update=changed)
        self.jobs, self.leases = JobStore(self.ledger, knobs), Leases(self.ledger, knobs)
        self.model, self.replies_are_lost = Model(), isinstance(self.ledger, RepliesAreLost)
        self.gone, self.said = set[str](), 0
        self.blamed: list[OverdueChunk] = []

    # -- the gateway

    @precondition(lambda self: len(self.model) < 4)
    @rule(target=job_ids, owner=st.sampled_from(OWNERS), queue=st.sampled_from(QueueName))
    def create(self, owner: str, queue: QueueName) -> str:
        job_id = self.jobs.create(queue, owner)
        self.model[job_id] = ModelJob(owner, queue)
        return job_id

    @rule(job_id=job_ids, hashes=st.lists(st.sampled_from([*HASHES, None]), min_size=1, max_size=7))
    def append(self, job_id: str, hashes: list[str | None]) -> None:
        images = [
            (JobImage(name="film", sha256=sha256, size_bytes=SIZE_BYTES), None if sha256 else AT_THE_DOOR)
            for sha256 in hashes
        ]
        job = self.model.get(job_id)
        if job is None or job.state is not JobState.RECEIVING:
            with pytest.raises(JobNotFound):
                self.jobs.append(job_id, images)
            return
        self.jobs.append(job_id, images)
        for image, answer in images:
            if answer:
                job.answers[len(job.images)] = answer
            else:
                job.counted_bytes += image.size_bytes
            job.images.append(image)

    @rule(target=messages, job_id=job_ids, lost=st.booleans())
    def submit(self, job_id: str, lost: bool) -> object:
        job = self.model.get(job_id)
        if job is None or job.state is not JobState.RECEIVING:
            with pytest.raises(JobNotFound):
                self.jobs.submit(job_id)
            return multiple()
        chunks = self.jobs.submit(job_id)
        job.state = JobState.QUEUED if job.unanswered else JobState.DONE
        covered = [index for chunk in chunks for index in range(chunk.first, chunk.last + 1)]
        assert covered == (list(range(len(job.images))) if job.unanswered else [])
        return multiple(*([] if lost else chunks))

    @rule(job_id=job_ids)
    def cancel(self, job_id: str) -> None:
        if job_id not in self.model:
            with pytest.raises(JobNotFound):
                self.jobs.cancel(job_id)
            return
        job = self.model[job_id]
        if job.state is not JobState.DONE:
            job.state = JobState.CANCELLED
        assert self.jobs.cancel(job_id).state is job.state

    @rule(job_id=consumes(job_ids))
    def delete(self, job_id: str) -> None:
        before = self._needs()
        unneeded = self.jobs.delete(job_id)
        del self.model[job_id]
        self.gone.add(job_id)
        assert sorted(unneeded) == ([] if self.replies_are_lost else sorted(set(before) - set(self._needs())))

    # -- workers; a message that is not consumed by its claim may be delivered again

    @rule(target=in_hand, chunk=messages)
    def claim(self, chunk: Chunk) -> object:
        held_before = self._chunks("cxr:held") - self._expired()
        lease = self.leases.claim(chunk)
        job = self.model.get(chunk.job_id)
        if lease is None:
            return multiple()
        assert job is not None
        assert job.open
        assert str(chunk) not in held_before
        assert set(lease.waiting) == job.unanswered & set(range(chunk.first, chunk.last + 1))
        job.state = JobState.RUNNING
        return lease

    @rule(lease=in_hand, renew=st.booleans())
    def renew_or_release(self, lease: Lease, renew: bool) -> None:
        if renew:
            self.leases.renew(lease)
        else:
            self.leases.release(lease, pause_s=0)

    @rule(lease=in_hand)
    def record(self, lease: Lease) -> None:
        """Also late, and also twice: a lease stays in hand until hypothesis forgets it."""
        self.said += 1
        answer = Rejection(code="not_chest_xray", message=f"answer {self.said}", model=MODEL)
        new = self.leases.record(lease.chunk, dict.fromkeys(lease.waiting, answer), lease.token, lease.waiting)
        assert new == self.model.write(lease.chunk.job_id, set(lease.waiting), answer) * (not self.replies_are_lost)

    @rule(lease=in_hand)
    def time_passes(self, lease: Lease) -> None:
        lease_runs_out(self.stack.ledger, lease)

    # -- reconciler and operator

    @rule(target=messages, lost=st.booleans(), busy=st.booleans(), unheard=st.booleans(), most_stops=st.integers(1, 3))
    def reconcile(self, lost: bool, busy: bool, unheard: bool, most_stops: int) -> object:
        if busy:
            self.redis.rpush(QueueName.BATCH.value, "a message that waits")
        if unheard:  # the reply to a look is lost, and the look is sent again
            self.leases.overdue(0)
        overdue = self.leases.overdue(0)
        self.redis.delete(QueueName.BATCH.value)
        hinted = []
        for entry in overdue:
            assert entry.chunk.job_id not in self.gone
            if entry.stops > 0 and entry.chunk.first == entry.chunk.last:
                self.blamed.append(entry)
            if entry.stops >= most_stops:
                self._set_aside(entry)
            else:
                hinted.append(entry.chunk)
        return multiple(*([] if lost else hinted))

    @precondition(lambda self: self.blamed)
    @rule(data=st.data())
    def set_aside_late(self, data: st.DataObject) -> None:
        """A reconciler that was held up says its word when the image may long be answered, or its job be gone."""
        self._set_aside(data.draw(st.sampled_from(self.blamed)))

    @precondition(lambda self: any(job.aside for job in self.model.values()))
    @rule(target=messages, data=st.data())
    def retry(self, data: st.DataObject) -> Chunk:
        asides = [(job_id, index) for job_id, job in self.model.items() for index in sorted(job.aside)]
        job_id, index = data.draw(st.sampled_from(asides))
        job = self.model[job_id]
        retried = self.jobs.retry(job_id, index)
        assert retried == (job.state is not JobState.CANCELLED)
        if retried:
            del job.answers[index]
            job.aside.remove(index)
            job.state = JobState.RUNNING if job.state is JobState.DONE else job.state
        return Chunk(job_id, index, index)

    def _set_aside(self, entry: OverdueChunk) -> None:
        new = self.model.write(entry.chunk.job_id, {entry.chunk.first}, POISON)
        if new:
            self.model[entry.chunk.job_id].aside.add(entry.chunk.first)
        self.leases.set_aside(entry.chunk, POISON)

    # -- what must hold after every step

    @invariant()
    def every_job_is_as_the_model_says(self) -> None:
        for job_id, expected in getattr(self, "model", Model()).items():
            job = self.jobs.job(job_id)
            assert (job.state, job.total) == (expected.state, len(expected.images))
            assert job.answered == len(expected.answers)
            answers = {row.index: row.result for row in self.jobs.results(job_id) if row.result is not None}
            assert answers == expected.answers
        aside = [(job_id, index) for job_id, job in getattr(self, "model", Model()).items() for index in job.aside]
        if hasattr(self, "jobs"):
            assert self.jobs.set_aside() == sorted(aside)

    @invariant()
    def the_backlog_is_exact(self) -> None:
        if not hasattr(self, "model"):
            return
        load = self.redis.hgetall("cxr:load:all")
        assert (int(load.get("images", 0)), int(load.get("bytes", 0))) == self.model.backlog(OWNERS)
        for owner in OWNERS:
            images = int(self.redis.hget(f"cxr:load:owner:{owner}", "images") or 0)
            assert images == self.model.backlog([owner])[0]

    @invariant()
    def every_open_image_is_in_one_chunk(self) -> None:
        if not hasattr(self, "jobs"):
            return
        held, waiting = self._chunks("cxr:held"), self._waiting()
        assert held & waiting == set()
        chunks = [Chunk.parse(text) for text in held | waiting]
        for job_id, job in self.model.items():
            if job.open:
                mine = [chunk for chunk in chunks if chunk.job_id == job_id]
                places = [index for chunk in mine for index in range(chunk.first, chunk.last + 1)]
                for index in job.unanswered:
                    assert places.count(index) == 1, (job_id, index, places)

    @invariant()
    def needs_are_exact_and_deleted_jobs_are_gone(self) -> None:
        if not hasattr(self, "jobs"):
            return
        assert self._needs() == self.model.needs()
        known = {key for key in self.redis.scan_iter("cxr:job:*") if key.split(":")[2] in self.gone}
        assert known == set()
        assert not {job_id for job_id, _ in self.jobs.set_aside()} & self.gone

    def teardown(self) -> None:
        """Work off what is left as one worker would; then nothing may remain but answers."""
        if not hasattr(self, "jobs"):
            return
        self.redis.delete(*self.redis.keys("cxr:lease:*"), "nothing")
        for text in self._chunks("cxr:held"):
            self.redis.zadd("cxr:held", {text: 1})
        for _ in range(4):
            for entry in self.leases.overdue(0):
                lease = self.leases.claim(entry.chunk)
                if lease:
                    self.model[entry.chunk.job_id].state = JobState.RUNNING
                    self.leases.record(entry.chunk, dict.fromkeys(lease.waiting, AT_THE_DOOR), lease.token)
                    self.model.write(entry.chunk.job_id, set(lease.waiting), AT_THE_DOOR)
        assert all(not job.unanswered for job in self.model.values() if job.open)
        assert not self._waiting() | self._chunks("cxr:held")
        for job_id in list(self.model):
            self.jobs.delete(job_id)
            self.gone.add(job_id)
            del self.model[job_id]
        self.the_backlog_is_exact()
        self.needs_are_exact_and_deleted_jobs_are_gone()
        assert self.redis.keys("cxr:answered:*") == []

    def _needs(self) -> dict[str, int]:
        return {sha256: int(count) for sha256, count in self.redis.hgetall("cxr:blob_needs").items()}

    def _chunks(self, key: str) -> set[str]:
        return set(self.redis.zrange(key, 0, -1))

    def _waiting(self) -> set[str]:
        places = [chunk for queue in HintQueue for chunk in self._chunks(f"cxr:waiting:{queue.value}")]
        assert len(places) == len(set(places))
        return set(places)

    def _expired(self) -> set[str]:
        return {text for text in self._chunks("cxr:held") if not self.redis.exists(f"cxr:lease:{text}")}


@pytest.mark.parametrize("kind", [Ledger, RepliesAreLost])
def test_no_interleaving_breaks_the_ledger(redis_stack: Stack, kind: type[Ledger]) -> None:
    class OnThisRedis(Rounds):
        stack = redis_stack
        ledger = kind(redis_stack.settings.redis_url)

    redis_stack.ledger.redis.config_set("appendfsync", "no")  # nothing is killed here, and it is many times faster
    run_state_machine_as_test(
        OnThisRedis,
        settings=settings(
            max_examples=80,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
