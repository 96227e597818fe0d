"""What the command line finds, remembers and writes."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cxr.errors import CorruptImage
from cxr.schemas import Finding, JobImage, JobResult, ModelIdentity, Prediction, Rejection
from gateway.submit.folder import LocalFile, batches, find, idempotency_key
from gateway.submit.matching import Matching
from gateway.submit.memory import Memory
from gateway.submit.output import Output, OutputFormat
from gateway.submit.progress import Bars
from gateway.submit.upload import form

MODEL = ModelIdentity(name="pneumonia_classifier", version=2, engine="openvino")
JUDGED = Prediction(finding=Finding.PNEUMONIA, probability=0.75, ood_score=-1.5, heatmap=[[1.0]], model=MODEL)


def row(index: int, result: Prediction | Rejection | None) -> JobResult:
    return JobResult(index=index, image=JobImage(name=f"{index}.png", sha256="0" * 64, size_bytes=9), result=result)


def test_every_file_is_found_or_named_as_passed_over(tmp_path: Path) -> None:
    for name in ("b/2.png", "a/1.dcm", "0.jpeg", ".DS_Store", "a/.hidden/3.png", "b/Thumbs.db", "DICOMDIR"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = find([tmp_path])
    assert [file.name for file in found.files] == ["0.jpeg", "a/1.dcm", "b/2.png"]
    passed = {path.relative_to(tmp_path).as_posix() for path in found.passed_over}
    assert passed == {".DS_Store", "a/.hidden/3.png", "b/Thumbs.db", "DICOMDIR", "pipe", "dangling"}


def test_a_link_to_a_folder_is_not_followed_and_named_as_passed_over(tmp_path: Path) -> None:
    """Followed, it could lead round in a circle; but what lies behind it was not sent."""
    for name in ("films/1.png", "films/a/2.png", "elsewhere/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "films/a/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "films/circle").symlink_to(tmp_path / "films")
    found = find([tmp_path / "films"])
    assert [file.name for file in found.files] == ["1.png", "a/2.png"]
    assert [path.relative_to(tmp_path).as_posix() for path in found.passed_over] == ["films/a/link", "films/circle"]
    (tmp_path / "given").symlink_to(tmp_path / "elsewhere")
    assert [file.name for file in find([tmp_path / "given"]).files] == ["3.png"]


def test_a_single_file_goes_by_its_name_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"x")
    assert [file.name for file in find([tmp_path / "film.png"]).files] == ["film.png"]
    with pytest.raises(FileNotFoundError):
        find([tmp_path / "nothing"])


def test_of_a_long_path_the_end_is_kept_and_no_control_character(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 200) / ("e" * 200) / "film\n.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    [file] = find([tmp_path]).files
    assert len(file.name) == 255
    assert file.name.endswith("/film\N{REPLACEMENT CHARACTER}.png")


def test_every_file_has_a_name_of_its_own(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "c/1.png", "d/" + "e" * 251 + ".png", "f/" + "e" * 251 + ".png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    files = find(sorted(tmp_path.iterdir())).files
    assert [file.name for file in files[:3]] == ["1.png", "(2) 1.png", "(3) 1.png"]
    assert len({file.name for file in files}) == 5
    assert max(len(file.name) for file in files) == 255
    assert [file.given for file in files[:2]] == [str(tmp_path / "a/1.png"), str(tmp_path / "b/1.png")]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["0.png", "z.zip/a", "z.zip/b", 'q".png', "z", "z/9.png"], "0zzq12"),
        (["0.png", "z.zip", "q%22.png", "z/x", "z/9.png"], "0zq12"),  # a name that came back changed
        (["0.png", "x" * 255, "y" * 255, 'q".png', "z", "z/9.png"], "0zzq12"),  # the start of it was cut
        (["0.png", 'q".png', "z", "z/9.png"], "0q12"),  # what nothing was said of is left
    ],
)
def test_a_row_is_matched_with_its_file(rows: list[str], found: str) -> None:
    names = {"0": "0.png", "z": "z.zip", "q": 'q".png', "1": "z", "2": "z/9.png"}
    files = {short: LocalFile(Path(name), name, 1) for short, name in names.items()}
    matching = Matching(list(files.values()))
    assert [matching.file_of(row) for row in rows] == [files[short] for short in found]
    assert matching.left == [file for short, file in files.items() if short not in found]


def test_batches_keep_the_order_and_both_limits() -> None:
    sizes = [4, 4, 4, 50, 1, 1, 1, 1]
    files = [LocalFile(Path(str(number)), str(number), size) for number, size in enumerate(sizes)]
    found = [[file.size_bytes for file in batch] for batch in batches(files, most_files=3, most_bytes=10)]
    assert found == [[4, 4], [4], [50], [1, 1, 1], [1]]


def test_a_key_follows_from_names_bytes_and_salt() -> None:
    files = [LocalFile(Path("a"), "a", 1), LocalFile(Path("b"), "b", 1)]
    key = idempotency_key(files, ["0", "1"], "")
    assert key == idempotency_key(files, ["0", "1"], "")
    others = [
        (files, ["0", "2"], ""),
        (files, ["0", "1"], "salt"),
        (files[::-1], ["0", "1"], ""),
        (files[:1], ["0"], ""),
    ]
    assert len({key, *(idempotency_key(*other) for other in others)}) == 5


def test_a_form_opens_one_file_at_a_time(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(50)]
    for path in paths:
        path.write_bytes(path.name.encode() * 100)
    parts = form([LocalFile(path, path.name, 1) for path in paths])
    opened = len(list(Path("/proc/self/fd").iterdir()))
    for _, (name, file, _) in parts:
        assert file.seek(0, os.SEEK_END) == 100 * len(name)
        file.seek(0)
        assert b"".join(iter(lambda file=file: file.read(64), b"")) == name.encode() * 100
        assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_memory_survives_a_line_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.jobs"
    memory = Memory(path)
    memory.keep("one", "job-1")
    path.write_text(path.read_text() + '{"key": "tw')
    memory = Memory(path)
    memory.keep("three", "job-3")
    assert [Memory(path).job_of(key) for key in ("one", "two", "three")] == ["job-1", None, "job-3"]
    memory.forget()
    assert not path.exists()


def test_a_fresh_run_is_resumed_with_its_own_salt(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.jobs"
    assert Memory(path).salt(fresh=False) == ""
    salt = Memory(path).salt(fresh=True)
    assert salt
    assert Memory(path).salt(fresh=True) == Memory(path).salt(fresh=False) == salt


def test_no_time_left_is_shown_while_nothing_goes_on() -> None:
    bars = Bars(2)
    time_left: Any = bars._progress.columns[-1]
    shown = []
    for act in (lambda: bars.show(1, 0, 2), lambda: bars.say("no connection"), lambda: bars.show(1, 1, 2)):
        act()
        shown.append([str(time_left.render(task)) for task in bars._progress.tasks])
    assert shown[0] == shown[2] != shown[1] == ["waiting", "waiting"]


@pytest.mark.parametrize("file_format", list(OutputFormat))
def test_every_format_holds_every_row(tmp_path: Path, file_format: OutputFormat) -> None:
    path = tmp_path / f"out.{file_format}"
    output = Output(path, file_format)
    rows = [row(0, JUDGED), row(1, Rejection.of(CorruptImage())), row(2, None)]
    for each in rows:
        output.write("=film", "job", each)
    assert not path.exists()
    output.finish()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    text = path.read_text()
    if file_format is OutputFormat.CSV:
        found = list(csv.DictReader(text.splitlines()))
        assert [each["answer"] for each in found] == ["prediction", "rejection", "waiting"]
    else:
        found = (
            json.loads(text)["rows"] if file_format is OutputFormat.JSON else list(map(json.loads, text.splitlines()))
        )
        assert [
            JobResult.model_validate({k: v for k, v in each.items() if k not in ("path", "job_id")}) for each in found
        ] == rows
    assert {each["job_id"] for each in found} == {"job"}
    assert {each["path"] for each in found} == {"'=film" if file_format is OutputFormat.CSV else "=film"}
    assert output.summary.answers == {"pneumonia": 1, "refused": 1, "unanswered": 1}
    assert any("1.png: corrupt_image" in line for line in output.summary.lines())


@pytest.mark.parametrize("file_format", list(OutputFormat))
def test_a_file_without_rows_is_still_whole(tmp_path: Path, file_format: OutputFormat) -> None:
    output = Output(tmp_path / "out", file_format)
    output.finish()
    text = (tmp_path / "out").read_text()
    if file_format is OutputFormat.JSON:
        assert json.loads(text) == {"rows": []}
    else:
        assert len(text.splitlines()) == (file_format is OutputFormat.CSV)


def test_an_abandoned_output_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("older")
    output = Output(tmp_path / "out.csv", OutputFormat.CSV)
    output.write("film", "job", row(0, JUDGED))
    output.abandon()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "older")]
