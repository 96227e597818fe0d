"""Who may work beside whom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

from tests.stack import wait_until
from worker.quarantine import Quarantine


def test_a_suspect_waits_for_company_to_leave_and_keeps_it_out() -> None:
    quarantine, order, leave = Quarantine(), list[str](), Event()
    inside = Event()

    def company() -> None:
        with quarantine.in_company():
            inside.set()
            assert leave.wait(30)
            order.append("company left")

    def suspect() -> None:
        with quarantine.alone():
            order.append("suspect")

    def latecomer() -> None:
        with quarantine.in_company():
            order.append("latecomer")

    threads = [Thread(target=target, daemon=True) for target in (company, suspect, latecomer)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    wait_until(lambda: quarantine._suspects_waiting, 30, "the suspect to come")
    threads[2].start()
    leave.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert order == ["company left", "suspect", "latecomer"]


def test_company_works_side_by_side() -> None:
    quarantine, meeting = Quarantine(), Barrier(2)

    def work() -> int:
        with quarantine.in_company():
            return meeting.wait(timeout=10)

    with ThreadPoolExecutor(2) as threads:
        arrivals = [threads.submit(work) for _ in range(2)]
    assert sorted(arrival.result() for arrival in arrivals) == [0, 1]
