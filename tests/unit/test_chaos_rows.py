"""A long chaos run can be stopped and taken up again, and its table says what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.chaos.faults import every_fault
from bench.chaos.memory import Memory
from bench.chaos.report import text_of, write
from bench.chaos.rows import Kept, keep, kept_rows
from bench.chaos.trial import Row

ROW = Row("SIGKILL one of two workers", 10_000, 0, 0, 2.0, 14.1, None, "3 kills")
MEMORY = Memory(1000, 2_000_000, 200_000_000, 300_000_000, 900_000_000, 3_000_000, 2_000_000)


def test_a_row_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    kept = {
        "kill-worker": Kept(ROW, "abc", 10_000, 1, 211.0),
        "memory-1000": Kept(MEMORY, "abc", 1000, 1, 30.0),
    }
    for name, one in kept.items():
        keep(tmp_path, name, one)
    assert kept_rows(tmp_path) == kept
    assert kept_rows(tmp_path / "nowhere") == {}


def test_a_row_stands_for_the_same_code_images_and_seed_alone() -> None:
    kept = Kept(ROW, "abc", 10_000, 1, 211.0)
    assert kept.answers("abc", 10_000, 1)
    assert not any(kept.answers(*other) for other in (("abd", 10_000, 1), ("abc", 1000, 1), ("abc", 10_000, 2)))


def test_the_table_has_every_fault_and_says_what_was_not_run(tmp_path: Path) -> None:
    kept = {"kill-worker": Kept(ROW, "abc", 10_000, 1, 211.0), "memory-1000": Kept(MEMORY, "abc", 1000, 1, 30.0)}
    text = text_of(every_fault(), kept)
    assert "| SIGKILL one of two workers | 10,000 | 0 | 0 | 2.0 s | 14.1 s |  | 3 kills | abc |" in text
    assert text.count("| not yet run |") == len(every_fault()) - 1
    assert "| 1,000 | 2 MB | 200 MB | 300 MB | 900 MB | 3 MB | 1000 bytes | abc |" in text
    write(every_fault(), kept, "two cores", tmp_path / "reliability.md")
    assert text in (tmp_path / "reliability.md").read_text()


def test_what_was_published_stands_until_it_is_made_again(tmp_path: Path) -> None:
    document, faults = tmp_path / "reliability.md", every_fault()
    other = replace(ROW, fault=faults["kill-triton"].title)
    larger = replace(MEMORY, images=50_000)
    first = {
        "kill-worker": Kept(ROW, "abc", 10_000, 1, 211.0),
        "kill-triton": Kept(other, "abc", 10_000, 1, 90.0),
        "memory-1000": Kept(MEMORY, "abc", 1000, 1, 30.0),
        "memory-50000": Kept(larger, "abc", 50_000, 1, 300.0),
    }
    again = {
        "kill-worker": Kept(ROW, "def", 10_000, 1, 200.0),
        "memory-50000": Kept(larger, "def", 50_000, 1, 290.0),
    }
    write(faults, first, "two cores", document)
    write(faults, again, "two cores", document)
    assert text_of(faults, {**first, **again}) in document.read_text()
    assert document.read_text().count("abc") == document.read_text().count("def") == 2


def test_a_row_is_good_when_nothing_was_lost_doubled_or_failed() -> None:
    assert ROW.good
    assert not any(replace(ROW, **{name: 1}).good for name in ("lost", "answered_twice", "failed_requests"))
