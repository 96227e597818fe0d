"""The page reads again what is not final, beside a visitor who goes on choosing."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from cxr.custody import Custody
from cxr.errors import BlobsUnavailable, LedgerUnavailable
from cxr.jobs import AuditLog, JobStore
from cxr.jobs.feedback import last_words
from cxr.schemas import Job, JobResult
from gateway.auth import EVERYBODY, Caller, Scope
from gateway.page.reading import EMPTY
from gateway.page.words import escape
from gateway.ui_events import Page
from gateway.ui_view import View, Visit
from tests.files import png
from tests.gateway import Gateway
from tests.page_parts import judged


def request_of(caller: Caller) -> Any:
    return SimpleNamespace(state=SimpleNamespace(caller=caller))


REQUEST = request_of(EVERYBODY)


def event(**data: object) -> gr.EventData:
    """What a part of the page sends when something in it is chosen."""
    return gr.EventData(None, data)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something once, in the middle of the next look at a film."""
    read = JobStore.result

    def arrange(does: Callable[[], object]) -> None:
        left = [does]

        def result(jobs: JobStore, job_id: str, index: int) -> JobResult:
            found = read(jobs, job_id, index)
            if left:
                left.pop()()
            return found

        monkeypatch.setattr(JobStore, "result", result)

    return arrange


def test_a_look_shows_what_is_looked_at(gateway: Gateway) -> None:
    job = gateway.submit([("a.png", png()), ("b.png", png())])
    visit = Visit(View(list_job=job["id"]))
    assert any("a.png" in str(part) for part in Page(gateway.parts).look(visit, REQUEST))
    assert visit.view.list_job == job["id"]


def test_what_is_chosen_while_the_page_looks_is_what_is_shown(gateway: Gateway, meanwhile: Any) -> None:
    """A look that began before and ends after a choice would draw the former film over the one that was chosen."""
    job = gateway.submit([("a.png", png()), ("b.png", png())])
    page, visit, turned = Page(gateway.parts), Visit(View(film_job=job["id"], list_job=job["id"])), list[object]()
    meanwhile(lambda: turned.extend(page.turn(visit, event(job=job["id"], index=1), REQUEST)))
    looked = page.look(visit, REQUEST)
    assert all(part == gr.skip() for part in looked)
    assert any('data-reading="1"' in str(part) for part in turned)
    assert visit.view.film == 1


@pytest.mark.parametrize("second", ["turn", "arrange"])
def test_what_an_event_began_is_finished_by_the_one_that_comes_between(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    """The films of another list arrive while a film is read and the visitor goes on: nothing of before is left."""
    kept, other = (gateway.submit([(f"{name}.png", png()), ("b.png", png())])["id"] for name in ("kept", "other"))
    page, visit, between = Page(gateway.parts), Visit(View(film_job=kept, list_job=kept)), list[object]()
    recent = JobStore.recent

    def once(jobs: JobStore, most: int = 50) -> list[Job]:
        monkeypatch.setattr(JobStore, "recent", recent)
        asked = {"index": 1, "job": other} if second == "turn" else {"text": "b"}
        between.extend(getattr(page, second)(visit, event(**asked), REQUEST))
        return recent(jobs, most)

    monkeypatch.setattr(JobStore, "recent", once)
    opened = page.open(visit, event(job=other), REQUEST)
    names = ("tabs", "alert", "film", "standing", "films", "recent", "clock")
    first, last = (dict(zip(names, parts, strict=True)) for parts in (opened, between))
    assert first["tabs"] != gr.skip(), "the tab is turned all the same"
    assert "other.png" in str(first["recent"])
    assert all(first[name] == gr.skip() for name in ("film", "standing", "films"))
    assert last["film"] == EMPTY if second == "arrange" else f'data-job="{other}"' in str(last["film"])
    assert f'data-job="{other}"' in str(last["films"])


def test_recent_jobs_are_listed_while_nothing_can_be_recorded(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that is full refuses the record; whoever looks for a job to delete must find it."""
    job = gateway.submit([("a.png", png())])
    gateway.answer(job, {0: judged(0.9)})

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("OOM")

    monkeypatch.setattr(AuditLog, "add_once", full)
    [*_, recent, _] = Page(gateway.parts).open(Visit(), event(), REQUEST)
    assert re.search("a.png</a>\\s*<span>done", str(recent))


def test_a_deletion_that_failed_is_said_whatever_was_chosen_meanwhile(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = (gateway.submit([(f"{name}.png", png()), ("b.png", png())])["id"] for name in ("gone", "kept"))
    page, visit = Page(gateway.parts), Visit(View(list_job=gone))

    def away(*_: object) -> None:
        page.open(visit, event(job=kept), REQUEST)
        raise BlobsUnavailable

    monkeypatch.setattr(Custody, "forget", away)
    assert any("Not deleted" in str(part) for part in page.forget_list(visit, event(job=gone), REQUEST))


def test_an_opinion_is_of_the_film_it_was_given_on(gateway: Gateway) -> None:
    """The next film may be on its way to the page when the reader sends what is said of this one."""
    job = gateway.submit([("a.png", png()), ("b.png", png())])
    gateway.answer(job, {0: judged(0.9), 1: judged(0.1)})
    visit = Visit(View(film_job=job["id"], film=1, list_job=job["id"]))
    Page(gateway.parts).say(visit, event(job=job["id"], film=0, opinion={"verdict": "agree", "sees": None}), REQUEST)
    assert [len(gateway.parts.feedback.of_image(job["id"], film)) for film in (0, 1)] == [1, 0]


def test_a_colleagues_opinion_is_not_the_readers_own(gateway: Gateway) -> None:
    """Several accounts may share an owner, whose films they all see."""
    job = gateway.submit([("a.png", png())])
    gateway.answer(job, {0: judged(0.9)})
    page, visit = Page(gateway.parts), Visit(View(film_job=job["id"]))
    alice, bob = (request_of(Caller(EVERYBODY.owner, frozenset(Scope), name)) for name in ("alice", "bob"))
    opinion = {"verdict": "disagree", "sees": None}
    assert any(
        "You disagreed" in str(part) for part in page.say(visit, event(job=job["id"], film=0, opinion=opinion), alice)
    )
    assert not any("You disagreed" in str(part) for part in page.look(visit, bob))
    page.say(visit, event(job=job["id"], film=0, opinion={"verdict": "agree", "sees": None}), bob)
    said = gateway.parts.feedback.of_image(job["id"], 0)
    assert [one.verdict for one in last_words(iter(said))] == ["disagree", "agree"]


def test_findings_that_recent_jobs_tell_are_read_on_the_record(gateway: Gateway) -> None:
    told = gateway.submit([("told.png", png())])
    gateway.submit([("waits.png", png())])
    gateway.answer(told, {0: judged(0.9)})
    Page(gateway.parts).open(Visit(), event(), REQUEST)
    reads = [entry.job_id for entry in gateway.parts.audit.entries() if entry.action == "read"]
    assert reads == [told["id"]]


def test_what_is_deleted_is_the_job_that_was_asked_about(gateway: Gateway) -> None:
    kept, gone = (gateway.submit([(f"{name}.png", png()), ("b.png", png())])["id"] for name in ("kept", "gone"))
    page, visit = Page(gateway.parts), Visit(View(list_job=kept))
    page.forget_list(visit, event(job=gone), REQUEST)
    assert visit.view.list_job == kept
    assert [job.id for job in gateway.parts.jobs.recent()] == [kept]


def test_a_job_that_is_gone_leaves_the_view(gateway: Gateway) -> None:
    visit = Visit(View(list_job="gone"))
    Page(gateway.parts).look(visit, REQUEST)
    assert visit.view == View()


def test_what_the_page_asks_about_is_named_in_it(gateway: Gateway) -> None:
    job = gateway.submit([("a.png", png()), ("b.png", png())])
    visit = Visit(View(film_job=job["id"], list_job=job["id"]))
    named = f'data-job="{escape(job["id"])}"'
    assert sum(named in str(part) for part in Page(gateway.parts).look(visit, REQUEST)) == 3
