"""The Triton configs: generated, complete, and without a diff."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

pytest.importorskip("onnx", reason="the toy model needs onnx")

from tritonclient.grpc import model_config_pb2 as triton

from cxr.schemas import ModelCard, QueueName
from cxr.triton import PRIORITIES
from tests.model_runs import card_fields
from trainer.errors import MissingStep
from trainer.refusals import ConfigOutdated
from trainer.repository import (
    card_to_serve,
    config,
    configs_of,
    cpu_config,
    differences,
    served_card,
    tensorrt_config,
    versions,
    write_configs,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def card() -> ModelCard:
    return ModelCard.model_validate({**card_fields(), "version": 3, "onnx_sha256": "2" * 64})


def test_both_configs_speak_the_tensor_contract(card: ModelCard) -> None:
    for made in (tensorrt_config(card), cpu_config(card, "openvino-fp32")):
        assert [(i.name, i.data_type, list(i.dims)) for i in made.input] == [
            ("IMAGE", triton.TYPE_UINT8, [1, 224, 224])
        ]
        assert {o.name: list(o.dims) for o in made.output} == {"PROBABILITY": [1], "HEATMAP": [2, 2], "OOD_SCORE": [1]}
        assert made.max_batch_size == 64
        assert list(made.version_policy.specific.versions) == [3]
        assert {w.batch_size for w in made.model_warmup} == {1, 64}
        assert ModelCard.model_validate_json(made.parameters["model_card"].string_value) == card


def test_each_config_names_its_engine(card: ModelCard) -> None:
    gpu, cpu = tensorrt_config(card), cpu_config(card, "openvino-int8")
    assert (gpu.platform, gpu.default_model_filename) == ("tensorrt_plan", "model.plan")
    assert gpu.parameters["engine"].string_value == "tensorrt-fp16"
    assert (cpu.backend, cpu.default_model_filename) == ("python", "model.py")
    assert cpu.parameters["engine"].string_value == "openvino-int8"
    assert [group.kind for group in cpu.instance_group] == [triton.ModelInstanceGroup.KIND_CPU]


def test_a_full_queue_refuses_instead_of_growing(card: ModelCard) -> None:
    policy = cpu_config(card, "openvino-fp32").dynamic_batching.default_queue_policy
    assert policy.timeout_action == triton.ModelQueuePolicy.REJECT
    assert policy.max_queue_size > 0
    assert policy.default_timeout_microseconds > 0


def test_who_names_no_priority_goes_before_batches(card: ModelCard) -> None:
    for made in (tensorrt_config(card), cpu_config(card, "openvino-fp32")):
        batching = made.dynamic_batching
        assert batching.priority_levels == max(PRIORITIES.values())
        assert batching.default_priority_level == PRIORITIES[QueueName.INTERACTIVE] < PRIORITIES[QueueName.BATCH]


def test_the_same_card_gives_the_same_text_and_triton_can_read_it(card: ModelCard) -> None:
    first, second = configs_of(card, "openvino-fp32"), configs_of(card, "openvino-fp32")
    assert first == second
    assert text_format.Parse(first["configs/cpu.pbtxt"], triton.ModelConfig()) == cpu_config(card, "openvino-fp32")


def test_what_was_written_is_without_a_diff_until_somebody_edits_it(tmp_path: Path, card: ModelCard) -> None:
    write_configs(tmp_path, card, "openvino-fp32")
    assert differences(tmp_path, card, "openvino-fp32") == ""
    assert served_card(tmp_path) == card
    path = tmp_path / "config.pbtxt"
    path.write_text(path.read_text().replace("max_batch_size: 64", "max_batch_size: 8"))
    assert "-max_batch_size: 8" in differences(tmp_path, card, "openvino-fp32")


def test_only_numbered_folders_with_a_manifest_are_versions(tmp_path: Path) -> None:
    for name in ("1", "12", ".publishing-3", "configs", "4"):
        (tmp_path / name).mkdir()
    for name in ("1", "12", ".publishing-3"):
        (tmp_path / name / "manifest.json").touch()
    assert versions(tmp_path) == [1, 12]
    assert versions(tmp_path / "nothing") == []


def test_without_a_version_there_is_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(MissingStep):
        card_to_serve(tmp_path)


def test_the_repository_in_git_is_as_generated(tmp_path: Path) -> None:
    config(ROOT / "model_repository", check=True)
    with pytest.raises(MissingStep):
        config(tmp_path, check=True)


def test_an_edited_config_is_reported(tmp_path: Path) -> None:
    source, copy = ROOT / "model_repository" / "pneumonia_classifier", tmp_path / "pneumonia_classifier"
    version = card_to_serve(source).version
    for name in ("config.pbtxt", f"{version}/manifest.json", f"{version}/gate.json"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text((source / name).read_text())
    with pytest.raises(ConfigOutdated, match=r"cpu\.pbtxt"):
        config(tmp_path, check=True)
    config(tmp_path, check=False)
    config(tmp_path, check=True)
