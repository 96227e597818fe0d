"""What the page shows of many films: standing, list, recent jobs."""

from __future__ import annotations

import pytest

from gateway.page.jobs import NO_JOBS, recent_jobs
from gateway.page.reading import Way, reading
from gateway.page.standing import downloads, progress, time_left
from gateway.page.worklist import ROWS
from gateway.worklists import Answer
from tests.page_parts import CARD, Tags, job, judged, listed, row


def test_progress_counts_while_working_and_sums_up_when_done() -> None:
    working = Tags(progress(job(3, 1), {Answer.PNEUMONIA: 1, Answer.WAITING: 2}, images_per_s=0.5)).text
    assert "1 of 3 answered, about 4 s left" in working
    assert "Cancel this job" in working
    done = Tags(progress(job(3, 3), {Answer.PNEUMONIA: 1, Answer.NO_PNEUMONIA: 1, Answer.REFUSED: 1})).text
    for part in ("3 films answered in 2.5 s", "1 pneumonia", "1 no pneumonia", "1 not judged"):
        assert part in done
    assert "Cancel this job" not in done


@pytest.mark.parametrize(
    ("images", "images_per_s", "said"),
    [
        (0, 1, ""),
        (9, 0, ""),
        (1, 9, "1 s left"),
        (89, 1, "89 s left"),
        (600, 1, "10 min left"),
        (90000, 10, "3 h left"),
    ],
)
def test_the_time_left_is_said_roughly(images: int, images_per_s: float, said: str) -> None:
    assert time_left(images, images_per_s).removeprefix("about ") == said


def test_many_findings_are_downloaded_line_by_line() -> None:
    assert "format=json" in downloads("job", 1000)
    assert "format=ndjson" in downloads("job", 1001)


def test_a_long_list_is_turned_page_by_page() -> None:
    html = listed([row(index=number) for number in range(1000)], first=ROWS)
    assert f'data-first="{2 * ROWS}"' in html
    assert "101 to 200 of 1,000" in html
    assert "Earlier" not in listed([row()])


def test_recent_jobs_lead_back_to_themselves() -> None:
    assert recent_jobs([], "") == NO_JOBS
    html = recent_jobs([(job(3, 3), "a.png"), (job(1, 0), "b.png")], "")
    assert 'href="?job=job"' in html
    assert "a.png and 2 more" in Tags(html).text
    assert "running, 0 of 1" in Tags(html).text


def test_the_way_leads_through_the_list() -> None:
    assert Way.at([4, 2, 7], 2) == Way(2, 3, 4, 7)
    html = reading("job", row(result=judged(0.9), index=4), CARD, way=Way.at([4, 2], 4))
    assert 'data-index="2"' in html
    assert "1 of 2" in Tags(html).text
