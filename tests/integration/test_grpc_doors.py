"""Both gRPC doors of the real Triton, by its own protocol: whole files to `pneumonia`, tensors to the classifier."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from cxr.decoding import ThreadDecoder
from cxr.imaging import preprocess
from cxr.predictor import Predictor
from cxr.schemas import ModelCard, Prediction, QueueName, Rejection
from cxr.triton import ModelClient
from deploy.local.settings import ROOT
from deploy.local.triton import STUB_PYTHON
from tests.files import png_header_of
from tests.programs import cannot_be_made, program
from tests.stack import Stack, wait_until

GOLDEN = ROOT / "model_repository" / "pneumonia" / "golden"
SCALARS = ("bool", "int32", "int64", "uint64", "double", "string", "bytes")
NODE_EXAMPLE = ROOT / "examples" / "grpc" / "node"
FILMS = [GOLDEN / row["file"] for row in json.loads((GOLDEN / "golden.json").read_text())["films"]]


@pytest.fixture(scope="module")
def door(stack: Stack) -> triton.InferenceServerClient:
    if not STUB_PYTHON.is_dir():
        cannot_be_made("the `pneumonia` model needs .venv-triton: make install")
    client = triton.InferenceServerClient(stack.settings.triton_url)
    wait_until(lambda: client.is_model_ready("pneumonia"), 60, "the model of whole files")
    return client


def asked(door: triton.InferenceServerClient, files: list[bytes], **options: Any) -> dict[str, list[Any]]:
    """The outputs of one request by name, strings decoded."""
    file = triton.InferInput("FILE", [len(files), 1], "BYTES")
    file.set_data_from_numpy(np.array([[content] for content in files], object))
    answer = door.infer("pneumonia", [file], **{"client_timeout": 60, **options})
    outputs = {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}
    columns = {name: array if name == "HEATMAP" else array.reshape(-1) for name, array in outputs.items()}
    return {name: [v.decode() if isinstance(v, bytes) else v for v in column] for name, column in columns.items()}


def test_whole_files_get_what_the_predictor_gives(
    stack: Stack, door: triton.InferenceServerClient, originals: list[Path]
) -> None:
    files = [path.read_bytes() for path in [*originals[:6], *FILMS[:2]]]
    expected = Predictor(stack.model, ThreadDecoder()).predict(files)
    found = asked(door, files)
    assert {type(answer) for answer in expected} == {Prediction, Rejection}
    for row, answer in enumerate(expected):
        assert found["OOD_SCORE"][row] == pytest.approx(answer.ood_score, abs=1e-4)
        assert found["MODEL"][row] == "{name}/{version}/{engine}".format(**answer.model.model_dump())
        if isinstance(answer, Prediction):
            assert (found["FINDING"][row], found["REFUSAL_CODE"][row]) == (answer.finding, "")
            assert found["PROBABILITY"][row] == pytest.approx(answer.probability, abs=1e-4)
            assert found["HEATMAP"][row] == pytest.approx(np.array(answer.heatmap), abs=1e-3)
        else:
            assert (found["FINDING"][row], found["REFUSAL_CODE"][row]) == ("", answer.code)
            assert math.isnan(found["PROBABILITY"][row])


def test_both_lanes_of_the_classifier_answer_alike(stack: Stack) -> None:
    films = np.stack([preprocess(path.read_bytes()) for path in FILMS])
    batch = ModelClient(stack.settings.triton_url, stack.settings.model_name, queue=QueueName.BATCH)
    usual, other = stack.model.infer(films), batch.infer(films)
    for one, same in ((usual.probability, other.probability), (usual.heatmap, other.heatmap)):
        assert same == pytest.approx(one, abs=1e-5)


def test_the_batch_lane_computes_in_threads_that_give_way(stack: Stack) -> None:
    [backend] = backend_processes(stack.pid("triton"), "/pneumonia_classifier/")
    usual = os.sched_getscheduler(backend)

    def spent_ns() -> Counter[int]:
        """Processor time of the backend's threads by their scheduling policy."""
        spent = Counter[int]()
        for task in Path(f"/proc/{backend}/task").iterdir():
            spent[os.sched_getscheduler(int(task.name))] += int((task / "schedstat").read_text().split()[0])
        return spent

    films = np.zeros((64, 1, 224, 224), np.uint8)
    for queue, computing, other in (
        (QueueName.BATCH, os.SCHED_IDLE, usual),
        (QueueName.INTERACTIVE, usual, os.SCHED_IDLE),
    ):
        client, before = ModelClient(stack.settings.triton_url, stack.settings.model_name, queue=queue), spent_ns()
        for _ in range(5):
            client.infer(films)
        spent = spent_ns()
        assert set(spent) == {usual, os.SCHED_IDLE}
        assert spent[computing] - before[computing] > 3 * (spent[other] - before[other])
        client.close()


def test_hostile_bytes_cost_their_own_row_alone(door: triton.InferenceServerClient) -> None:
    film = FILMS[0].read_bytes()
    files = [film, b"", b"not a film", film[:2000], png_header_of(60_000, 60_000), film]
    found = asked(door, files)
    drawn = "not_chest_xray"  # a drawn film is read, scored, and recognised as none
    assert found["REFUSAL_CODE"] == [
        drawn,
        "empty_file",
        "unsupported_format",
        "corrupt_image",
        "too_many_pixels",
        drawn,
    ]
    assert found["OOD_SCORE"][0] == found["OOD_SCORE"][5]
    assert all(found["REFUSAL"])


def test_too_many_files_and_too_little_time_have_their_statuses(door: triton.InferenceServerClient) -> None:
    film = FILMS[0].read_bytes()
    with pytest.raises(InferenceServerException) as too_many:
        asked(door, [film] * 65)
    with pytest.raises(InferenceServerException) as too_late:
        asked(door, [film] * 64, client_timeout=0.001)
    assert [error.value.status() for error in (too_many, too_late)] == [
        "StatusCode.INVALID_ARGUMENT",
        "StatusCode.DEADLINE_EXCEEDED",
    ]
    assert asked(door, [film])["REFUSAL_CODE"] == ["not_chest_xray"]


def test_a_killed_backend_process_leaves_the_classifier_alone_and_comes_back_with_a_reload(
    stack: Stack, door: triton.InferenceServerClient
) -> None:
    film = FILMS[0].read_bytes()
    before = asked(door, [film])
    killed = backend_processes(stack.pid("triton"), "/model_repository/pneumonia/")
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    scored = stack.model.infer(preprocess(film)[np.newaxis])
    assert scored.ood_score[0] == pytest.approx(before["OOD_SCORE"][0], abs=1e-4)
    door.unload_model("pneumonia")
    door.load_model("pneumonia")
    wait_until(lambda: door.is_model_ready("pneumonia"), 60, "the model of whole files")
    assert asked(door, [film])["OOD_SCORE"] == before["OOD_SCORE"]
    assert stack.alive("triton")


def backend_processes(parent: int, of_model: str) -> list[int]:
    """The children of Triton whose command line names ``of_model``."""
    children = (Path("/proc") / str(parent) / "task" / str(parent) / "children").read_text().split()
    tasks = [path.read_text().split() for path in Path(f"/proc/{parent}/task").glob("*/children")]
    every = {int(pid) for pid in [*children, *(pid for task in tasks for pid in task)]}
    return [pid for pid in every if of_model.encode() in (Path("/proc") / str(pid) / "cmdline").read_bytes()]


def test_the_card_is_read_from_the_server_that_answers(stack: Stack, door: triton.InferenceServerClient) -> None:
    config = door.get_model_config("pneumonia_classifier", as_json=True)["config"]
    card = ModelCard.model_validate_json(config["parameters"]["model_card"]["string_value"])
    assert card == stack.model.card()


def test_golden_tensors_are_what_preprocess_makes() -> None:
    for path in FILMS:
        tensor = np.frombuffer(path.with_name(f"{path.name}.u8").read_bytes(), np.uint8).reshape(1, 224, 224)
        np.testing.assert_array_equal(preprocess(path.read_bytes()), tensor, err_msg=path.name)


def test_golden_tensors_sent_to_the_classifier_get_the_answers_of_their_files(
    stack: Stack, door: triton.InferenceServerClient
) -> None:
    tensors = [np.frombuffer(path.with_name(f"{path.name}.u8").read_bytes(), np.uint8) for path in FILMS]
    scored = stack.model.infer(np.stack(tensors).reshape(-1, 1, 224, 224))
    found = asked(door, [path.read_bytes() for path in FILMS])
    assert found["OOD_SCORE"] == pytest.approx(scored.ood_score.tolist(), abs=1e-4)


def test_the_proto_file_agrees_with_triton() -> None:
    from tritonclient.grpc import service_pb2

    inside, fields = ["inference"], 0
    for line in (ROOT / "examples" / "grpc" / "inference.proto").read_text().splitlines():
        if opened := re.match(r" *(message|oneof|service) (\w+) \{", line):
            inside.append(opened[2] if opened[1] == "message" else "")
        elif line.strip() == "}":
            inside.pop()
        elif field := re.match(r" *(repeated )?([\w<>, ]+) (\w+) = (\d+);", line):
            message = service_pb2.DESCRIPTOR.pool.FindMessageTypeByName(".".join(filter(None, inside)))
            theirs = message.fields_by_name[field[3]]
            assert theirs.number == int(field[4]), line
            assert theirs.is_repeated == bool(field[1] or field[2].startswith("map<")), line
            if field[2] in SCALARS:
                assert theirs.type == getattr(theirs, f"TYPE_{field[2].upper()}"), line
            fields += 1
    assert fields > 30


@pytest.mark.parametrize("language", ["python", "node"])
def test_examples_judge_films(stack: Stack, door: triton.InferenceServerClient, language: str, tmp_path: Path) -> None:
    files = [str(FILMS[0]), str(FILMS[-1]), str(GOLDEN / "golden.json")]
    command = (
        [sys.executable, str(ROOT / "examples" / "grpc" / "judge.py")]
        if language == "python"
        else node("judge.mjs", tmp_path)
    )
    done = subprocess.run(
        [*command, stack.settings.triton_url, *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expected = asked(door, [Path(path).read_bytes() for path in files])
    assert [row["file"] for row in rows] == files
    assert [row.get("finding", "") for row in rows] == expected["FINDING"]
    assert [row.get("refused", "") for row in rows] == expected["REFUSAL_CODE"]
    assert rows[-1]["refused"] == "unsupported_format"


def test_the_tensor_example_says_what_the_predictor_would(stack: Stack, tmp_path: Path) -> None:
    films = np.stack([preprocess(path.read_bytes()) for path in FILMS[:2]])
    files = [tmp_path / f"{number}.u8" for number in range(len(films))]
    for film, file in zip(films, files, strict=True):
        file.write_bytes(film.tobytes())
    command = [*node("tensors.mjs", tmp_path), stack.settings.triton_url, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    scored = stack.model.infer(films)
    for row, line in enumerate(map(json.loads, done.stdout.splitlines())):
        assert line["finding"] == "refused: not_chest_xray"
        assert line["probability"] == pytest.approx(float(scored.probability[row]), abs=1e-5)
        assert line["ood_score"] == pytest.approx(float(scored.ood_score[row]), abs=1e-4)
        assert np.array(line["heatmap"]) == pytest.approx(scored.heatmap[row], abs=1e-5)


def test_what_a_file_says_is_noted_at_this_door_too(door: triton.InferenceServerClient, data: Path) -> None:
    """This adult's film is judged; the page's door says the same of it (`tests/integration/test_dicom_samples.py`)."""
    found = asked(door, [(data / "dicom" / "cxr" / "RG1_J2KR.dcm").read_bytes(), FILMS[0].read_bytes()])
    assert found["FINDING"][0]
    assert "age_outside_validated_range" in found["NOTES"][0].split(",")
    assert found["NOTES"][1] == ""


def node(example: str, folder: Path) -> list[str]:
    """A Node example with its packages, installed as its lock file says."""
    npm = program("npm", "npm")
    shutil.copytree(NODE_EXAMPLE.parent, folder / "grpc", ignore=shutil.ignore_patterns("node_modules"))
    packages = folder / "grpc" / "node"
    command = [npm, "ci", "--no-audit", "--no-fund", "--silent", "--prefer-offline"]
    installed = subprocess.run(command, cwd=packages, capture_output=True, text=True, timeout=120, check=False)
    if installed.returncode:
        pytest.skip(f"npm cannot install the example's packages: {installed.stderr[-200:]}")
    return ["node", str(packages / example)]
