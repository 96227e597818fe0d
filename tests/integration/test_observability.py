"""One upload through gateway, queue, worker and Triton, seen from outside: its trace and its log lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from cxr.schemas import Prediction
from tests.files import dicom, jpeg
from tests.observed_stack import ObservedStack
from tests.stack import wait_until
from tests.whole_traces import GATEWAY, PARENT_ID, TRITON, UNKNOWN_FILMS, WORKER, whole_trace


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedStack]:
    stack = ObservedStack(tmp_path_factory.mktemp("observed"))
    try:
        stack.start("redis", "triton", "worker", "gateway")
        yield stack
    finally:
        stack.close()


def upload(stack: ObservedStack, *films: tuple[str, bytes], **headers: str) -> httpx.Response:
    answer = httpx.post(
        f"{stack.gateway_url}/v1/jobs", files=[("files", film) for film in films], headers=headers, timeout=30
    )
    assert answer.status_code == 202, answer.text
    stack.results(answer.json()["id"])
    return answer


def test_one_trace_holds_every_hop_of_an_upload(observed: ObservedStack) -> None:
    def judge(traceparent: str, film: bytes) -> None:
        answer = upload(observed, ("film.png", film), traceparent=traceparent)
        assert answer.headers["X-Trace-Id"] == traceparent.split("-")[1]

    trace_id = whole_trace(observed.sink, judge)
    expected = {
        GATEWAY: {"POST /v1/jobs", "receive", "accept", "store", "submit", "enqueue"},
        WORKER: {"chunk", "claim", "read", "decode", "infer", "record"},
        TRITON: {"InferRequest", "compute"},
    }

    def seen() -> dict[str, set[str]]:
        return {
            service: {span.name for span in observed.sink.of(trace_id) if span.service == service}
            for service in expected
        }

    wait_until(lambda: all(expected[service] <= seen()[service] for service in expected), 15, "every hop")
    spans = {span.name: span for span in observed.sink.of(trace_id)}
    assert spans["POST /v1/jobs"].parent_id == PARENT_ID
    assert spans["chunk"].parent_id == spans["enqueue"].span_id
    assert spans["InferRequest"].parent_id == spans["infer"].span_id


def test_an_upload_without_a_caller_has_a_trace_of_its_own(observed: ObservedStack) -> None:
    first, second = (upload(observed, ("film.jpg", jpeg())).headers["X-Trace-Id"] for _ in range(2))
    assert first != second
    assert len(first) == 32


def test_what_its_caller_does_not_record_is_recorded_by_nobody(observed: ObservedStack) -> None:
    silent = f"00-{'5117e7' * 5 + '42'}-{PARENT_ID}-00"
    answer = upload(observed, ("film.png", next(UNKNOWN_FILMS)), traceparent=silent)
    assert answer.headers["X-Trace-Id"] == silent.split("-")[1]
    whole_trace(observed.sink, lambda caller, film: upload(observed, ("film.png", film), traceparent=caller))
    assert observed.sink.of(silent.split("-")[1]) == []


def test_log_lines_of_one_upload_share_its_ids_and_name_the_model(observed: ObservedStack) -> None:
    answer = upload(observed, ("film.jpg", jpeg()))
    trace_id, job_id = answer.headers["X-Trace-Id"], answer.json()["id"]
    written = [line for name in ("gateway", "worker") for line in observed.log(name).splitlines()]
    lines = [json.loads(line) for line in written if line.startswith("{")]  # Celery greets before logging is set up
    ours = {line["event"]: line for line in lines if line.get("trace_id") == trace_id}
    assert {"job_accepted", "request", "chunk_answered"} <= set(ours)
    assert {ours["job_accepted"]["job_id"], ours["chunk_answered"]["job_id"]} == {job_id}
    assert ours["chunk_answered"]["model_version"] == observed.model.card().version


def test_neither_logs_nor_spans_nor_metrics_hold_a_patients_name(observed: ObservedStack) -> None:
    name, number = "ZWEISTEIN", "PID-778812"
    film = dicom(PatientName=f"{name}^ADA", PatientID=number, InstitutionName=f"{name} CLINIC")
    spoilt = dicom(PatientName=f"{name}^ADA", PatientID=number, Modality="CT")
    answer = upload(
        observed,
        (f"{name}_{number}.dcm", film),
        (f"{name} ct.dcm", spoilt),
        (f"{name}.txt", f"{name} {number}".encode()),
    )
    last = {(GATEWAY, "POST /v1/jobs"), (WORKER, "chunk")}

    def seen_of_it() -> set[tuple[str, str]]:
        return {(span.service, span.name) for span in observed.sink.of(answer.headers["X-Trace-Id"])}

    wait_until(lambda: last <= seen_of_it(), 30, "gateway's and worker's spans of this upload")
    seen = [observed.log(process).encode() for process in ("gateway", "worker", "triton")]
    seen += [observed.sink.raw, *(httpx.get(address).content for address in observed.metrics_addresses)]
    for text in seen:
        assert text
        assert name.encode() not in text
        assert number.encode() not in text


def test_metrics_of_one_upload(observed: ObservedStack) -> None:
    before = observed.metrics()
    answers = observed.results(upload(observed, ("film.jpg", jpeg()), ("note.txt", b"not a film")).json()["id"])
    after = observed.metrics()

    def grew(series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    assert grew('cxr_http_requests_total{method="POST",route="/v1/jobs",status="2xx"}') == 1
    assert grew("cxr_received_images_total") == 2
    assert grew('cxr_jobs_accepted_total{queue="interactive"}') == 1
    assert grew('cxr_answer_duration_seconds_count{queue="interactive"}') == 2
    assert grew('cxr_images_refused_total{code="unsupported_format"}') == 1
    assert grew('cxr_stage_duration_seconds_count{stage="decode"}') >= 1
    judged = [answer for answer in answers if isinstance(answer, Prediction)]
    assert grew("cxr_probability_count") == len(judged)
    assert after["cxr_ledger_up"] == 1
    assert after["cxr_backlog_images"] == 0
    assert after['cxr_queue_oldest_age_seconds{queue="batch"}'] == 0
