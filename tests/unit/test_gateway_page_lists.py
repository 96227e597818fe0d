"""What the page shows of many films: standing, list, recent jobs."""

from __future__ import annotations

import re

import pytest

from cxr.schemas import Note
from gateway.page.jobs import NO_JOBS, RecentJob, recent_jobs
from gateway.page.reading import Way, reading
from gateway.page.standing import deleted, downloads, progress, time_left
from gateway.page.worklist import ROWS
from gateway.worklists import Answer
from tests.page_parts import CARD, Tags, job, judged, listed, row


def test_progress_counts_while_working_and_sums_up_when_done() -> None:
    working = Tags(progress(job(3, 1), {Answer.PNEUMONIA: 1, Answer.WAITING: 2}, images_per_s=0.5)).text
    assert "1 of 3 answered, about 4 s left" in working
    assert "Cancel this job" in working
    done = Tags(progress(job(3, 3), {Answer.PNEUMONIA: 1, Answer.NO_PNEUMONIA: 1, Answer.REFUSED: 1})).text
    for part in ("3 films answered in 2.5 s", "1 pneumonia", "1 no sign of pneumonia", "1 not judged"):
        assert part in done
    assert "Cancel this job" not in done
    assert "Opinions that were sent stay" in progress(job(3, 3), {})


def test_downloads_are_offered_of_what_there_is() -> None:
    assert "Download" not in progress(job(3, 0), {})
    assert "Download" not in reading("job", row(), None)
    assert "format=dicom" not in progress(job(3, 1), {})
    assert "format=dicom" in progress(job(3, 1), {}, has_dicom=True)
    assert "format=dicom" in reading("job", row(result=judged(0.9)), None, has_dicom=True)


def test_a_row_names_its_notes_and_the_end_of_its_name() -> None:
    codes = ("age_outside_validated_range", "burnt_in_text_declared", "burnt_in_text_seen", "cut_off", "unlike_others")
    noted = judged(0.9).model_copy(update={"notes": tuple(Note(code=code, message="") for code in codes)})
    html = listed([row("folder/a-long-name-that-ends-in-0001.dcm", noted)])
    assert re.findall('class="noted">([^<]*)<', html) == [
        "age outside 1 to 5",
        "text burnt in",
        "cut off",
        "unlike others",
    ]
    assert "<span>-in-0001.dcm</span>" in html
    assert Tags(html).text.index("0001.dcm") < Tags(html).text.index("folder")


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
    assert "format=json" in downloads("job", 1000, has_dicom=False)
    assert "format=ndjson" in downloads("job", 1001, has_dicom=False)


def test_a_long_list_is_turned_page_by_page() -> None:
    html = listed([row(index=number) for number in range(1000)], first=ROWS)
    assert f'data-first="{2 * ROWS}"' in html
    assert "101 to 200 of 1,000" in html
    assert "Earlier" not in listed([row()])


def test_recent_jobs_lead_back_to_themselves() -> None:
    assert recent_jobs([], "") == NO_JOBS
    films = [row("a.png", judged(0.9)), row("b.png", judged(0.1)), row("c.png", judged(0.9))]
    jobs = [RecentJob(job(3, 3), films, tells_findings=True), RecentJob(job(900, 900), films[:1])]
    html = recent_jobs([*jobs, RecentJob(job(1, 0), [row()]), RecentJob(job(1, 1), [])], "")
    assert 'href="?job=job"' in html
    text = Tags(html).text
    for said in ("a.png and 2 more", "2 pneumonia, 1 no sign of pneumonia", "a.png and 899 more", "running, 0 of 1"):
        assert said in text
    assert re.search("899 more\\s*done", text)
    assert re.search("a.png\\s*Pneumonia", Tags(recent_jobs([RecentJob(job(1, 1), films[:1], True)], "")).text)
    assert re.search("a.png\\s*done", Tags(recent_jobs([RecentJob(job(1, 1), films[:1])], "")).text)


def test_jobs_of_everybody_are_not_called_the_visitors_own() -> None:
    films = [RecentJob(job(1, 1), [row()])]
    assert "My recent jobs" in recent_jobs(films, "")
    everybodys = recent_jobs(films, "", everybodys=True)
    assert "Recent jobs on this server" in everybodys
    assert "My" not in everybodys


def test_what_was_deleted_is_said() -> None:
    assert "Deleted: 38 films and their findings." in deleted(38)
    assert "Deleted: 1 film and its finding." in deleted(1)


def test_the_way_leads_through_the_list() -> None:
    assert Way.at([4, 2, 7], 2) == Way(2, 3, 4, 7)
    html = reading("job", row(result=judged(0.9), index=4), CARD, way=Way.at([4, 2], 4))
    assert 'data-index="2"' in html
    assert "1 of 2" in Tags(html).text
