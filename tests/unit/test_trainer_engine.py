"""When a plan is stale, what is said where TensorRT or a GPU is missing, and what the builder is asked for.

No TensorRT runs here. ``Recorder`` answers with the signatures of the 11.4 Python bindings and writes down the calls.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("onnx", reason="the toy model needs onnx")
pytest.importorskip("openvino", reason="the toy model is scored with openvino")

from tests.model_runs import empty_repository, write_run
from trainer.engine import Gpu, build, engine, load_tensorrt, visible_gpu
from trainer.errors import MissingStep
from trainer.plan import PlanIdentity, PlanRecord, profiles_of, sidecar, stale_because
from trainer.publish import publish_run
from trainer.refusals import EngineBuildFailed, EngineUnavailable

WANTED = PlanIdentity(
    tensorrt="11.4.0.106",
    gpu="NVIDIA L4",
    compute_capability="8.9",
    source="model.fp16.onnx",
    source_sha256="a" * 64,
    profiles=profiles_of([8, 16, 32, 64], 64),
)


def write_plan(folder: Path, content: bytes = b"plan", identity: PlanIdentity = WANTED) -> Path:
    plan = folder / "model.plan"
    plan.write_bytes(content)
    record = PlanRecord(identity=identity, plan_sha256=hashlib.sha256(content).hexdigest(), build_s=1)
    sidecar(plan).write_text(record.model_dump_json())
    return plan


def test_profiles_cover_every_batch_that_triton_can_form() -> None:
    few, full = profiles_of([8, 16, 32, 64], 64)
    assert (few.least, few.best, few.most) == (1, 1, 8)
    assert (full.least, full.best, full.most) == (1, 64, 64)
    assert profiles_of([], 16)[1].most == 16


def test_a_plan_built_for_the_same_is_fresh(tmp_path: Path) -> None:
    assert stale_because(write_plan(tmp_path), WANTED) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tensorrt", "10.9.0"),
        ("gpu", "NVIDIA H200"),
        ("compute_capability", "9.0"),
        ("source", "model.onnx"),
        ("source_sha256", "b" * 64),
        ("profiles", profiles_of([4], 32)),
    ],
)
def test_a_plan_is_stale_when_anything_it_is_bound_to_changes(tmp_path: Path, field: str, value: object) -> None:
    plan = write_plan(tmp_path, identity=WANTED.model_copy(update={field: value}))
    (reason,) = stale_because(plan, WANTED)
    assert reason.startswith(field.replace("_", " "))


def test_a_plan_without_its_own_record_is_stale(tmp_path: Path) -> None:
    assert stale_because(tmp_path / "model.plan", WANTED) == ["there is no plan"]
    plan = write_plan(tmp_path)
    plan.write_bytes(b"another")
    assert "not the file" in stale_because(plan, WANTED)[0]
    sidecar(plan).write_text("{")
    assert "no readable record" in stale_because(plan, WANTED)[0]
    sidecar(plan).unlink()
    assert "no readable record" in stale_because(plan, WANTED)[0]


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed here")
def test_a_missing_tensorrt_is_named() -> None:
    with pytest.raises(EngineUnavailable, match="package tensorrt is not installed"):
        load_tensorrt()


def test_missing_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "libnvinfer.so.11: cannot open shared object file: No such file or directory"
    (tmp_path / "tensorrt.py").write_text(f"raise ImportError({words!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "tensorrt", raising=False)
    with pytest.raises(EngineUnavailable, match=r"libnvinfer\.so\.11"):
        load_tensorrt()


def fake_nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, words: str, status: int = 0) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '{words}'\nexit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_the_gpu_is_asked_for_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvidia_smi(tmp_path, monkeypatch, "NVIDIA L4, 8.9\\nNVIDIA L4, 8.9\\n")
    assert visible_gpu() == Gpu("NVIDIA L4", "8.9")


def test_two_kinds_of_gpu_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvidia_smi(tmp_path, monkeypatch, "NVIDIA L4, 8.9\\nNVIDIA H200, 9.0\\n")
    with pytest.raises(EngineUnavailable, match="NVIDIA H200"):
        visible_gpu()


@pytest.mark.parametrize("words", ["", "no devices were found"])
def test_no_gpu_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    fake_nvidia_smi(tmp_path, monkeypatch, words, status=9)
    with pytest.raises(EngineUnavailable, match="no NVIDIA GPU"):
        visible_gpu()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(EngineUnavailable, match="no NVIDIA GPU"):
        visible_gpu()


class Recorder:
    """Stands where the tensorrt module stands: the members that the builder uses, and no others."""

    __version__ = "11.4.0.106"

    class ILogger:
        Severity = SimpleNamespace(ERROR="ERROR", INTERNAL_ERROR="INTERNAL_ERROR", INFO="INFO")

        def log(self, severity: Any, msg: str) -> None:
            raise NotImplementedError

    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    BuilderFlag = SimpleNamespace(TF32="tf32")
    ProfilingVerbosity = SimpleNamespace(DETAILED="detailed")
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)

    def __init__(self, *, parses: bool = True, builds: bool = True, takes_cache: bool = True) -> None:
        self.parses, self.builds, self.takes_cache = parses, builds, takes_cache
        self.calls: list[tuple[Any, ...]] = []

    def Builder(self, logger: Any) -> Recorder:  # noqa: N802
        self.logger = logger
        return self

    def create_network(self, flags: int = 0) -> str:
        self.calls.append(("create_network", flags))
        return "network"

    def OnnxParser(self, network: str, logger: Any) -> Recorder:  # noqa: N802
        assert (network, logger) == ("network", self.logger)
        return self

    def parse(self, model: bytes, path: str | None = None) -> bool:
        self.calls.append(("parse", model))
        return self.parses

    num_errors = 1

    def get_error(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(desc=lambda: f"error {index}: unsupported operator")

    def create_builder_config(self) -> Recorder:
        return self

    def set_memory_pool_limit(self, pool: str, pool_size: int) -> None:
        self.calls.append(("workspace", pool, pool_size > 0))

    def clear_flag(self, flag: str) -> None:
        self.calls.append(("clear", flag))

    def create_optimization_profile(self) -> Recorder:
        return self

    def set_shape(self, input: str, min: tuple[int, ...], opt: tuple[int, ...], max: tuple[int, ...]) -> None:
        self.calls.append((input, min, opt, max))

    def add_optimization_profile(self, profile: Recorder) -> int:
        return 0

    def create_timing_cache(self, serialized_timing_cache: bytes) -> bytes:
        return serialized_timing_cache

    def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        self.calls.append(("timings", cache))
        return self.takes_cache or not cache

    def get_timing_cache(self) -> SimpleNamespace:
        return SimpleNamespace(serialize=lambda: b"new timings")

    def build_serialized_network(self, network: str, config: Recorder) -> bytes | None:
        self.logger.log("INFO", "building")
        if not self.builds:
            self.logger.log("ERROR", "no kernel for this")
        return b"a plan" if self.builds else None


def build_with(trt: Recorder, folder: Path) -> PlanRecord:
    (folder / "model.onnx").write_bytes(b"graph")
    return build(trt, folder / "model.onnx", folder / "model.plan", WANTED, folder / "cache" / "timings", 224)


def test_the_builder_is_asked_for_both_profiles_without_tf32(tmp_path: Path) -> None:
    trt = Recorder()
    build_with(trt, tmp_path)
    assert ("create_network", 0) in trt.calls
    assert ("clear", "tf32") in trt.calls
    assert ("IMAGE", (1, 1, 224, 224), (1, 1, 224, 224), (8, 1, 224, 224)) in trt.calls
    assert ("IMAGE", (1, 1, 224, 224), (64, 1, 224, 224), (64, 1, 224, 224)) in trt.calls
    assert stale_because(tmp_path / "model.plan", WANTED) == []
    assert "building" in (tmp_path / "model.plan.log").read_text()


def test_tensorrt_10_is_asked_for_strong_typing(tmp_path: Path) -> None:
    trt = Recorder()
    trt.__version__ = "10.9.0"
    build_with(trt, tmp_path)
    assert ("create_network", 2) in trt.calls


def test_timings_are_kept_and_another_machines_are_dropped(tmp_path: Path) -> None:
    build_with(Recorder(), tmp_path)
    assert (tmp_path / "cache" / "timings").read_bytes() == b"new timings"
    again = Recorder(takes_cache=False)
    build_with(again, tmp_path)
    assert [call for call in again.calls if call[0] == "timings"] == [("timings", b"new timings"), ("timings", b"")]


@pytest.mark.parametrize(
    ("trt", "words"),
    [(Recorder(parses=False), "unsupported operator"), (Recorder(builds=False), "no kernel for this")],
    ids=["parser", "builder"],
)
def test_a_failed_build_says_why_and_leaves_the_old_plan(tmp_path: Path, trt: Recorder, words: str) -> None:
    write_plan(tmp_path, b"old")
    with pytest.raises(EngineBuildFailed, match=words):
        build_with(trt, tmp_path)
    assert (tmp_path / "model.plan").read_bytes() == b"old"
    assert stale_because(tmp_path / "model.plan", WANTED) == []
    assert (tmp_path / "model.plan.log").is_file()


def test_the_command_rebuilds_only_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = empty_repository(tmp_path / "model_repository")
    write_run(tmp_path / "run")
    publish_run(tmp_path / "run", folder, 1, replace=True)
    fake_nvidia_smi(tmp_path, monkeypatch, "NVIDIA L4, 8.9\\n")
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", Recorder())  # type: ignore[arg-type]
    for words in ("there is no plan", "up to date"):
        engine(folder.parent, "model.onnx", tmp_path / "cache", force=False)
        assert words in " ".join(capsys.readouterr().out.split())
    with pytest.raises(MissingStep, match=r"model\.fp16\.onnx"):
        engine(folder.parent, "model.fp16.onnx", tmp_path / "cache", force=False)
