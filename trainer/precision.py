"""The same graph in fewer bits, for engines that compute faster in them; the gate decides whether they may serve.

fp16   strongly typed, for TensorRT: ModelOpt AutoCast puts layers into fp16 whose values, on real films, fit into
       it, and leaves the others in fp32. TensorRT 11 takes precision from the graph alone.
int8   quantise and dequantise nodes around the convolutions, for OpenVINO: NNCF, calibrated on real films.
"""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import rich
import typer

from cxr.schemas import ModelCard
from trainer.contract import IMAGE, OUTPUTS, Films
from trainer.exported import exported_card
from trainer.half_weights import store_in_full
from trainer.refusals import EngineUnavailable, StepRefused
from trainer.runs import RUNS_DIR, Run, RunName

# NNCF's own recommendation is 300 samples; AutoCast only looks for the largest values.
INT8_FILMS = 300
INT8_FP32_HEAD = 8
FP16_FILMS = 64
# Beyond it a layer stays in fp32: fp16 ends at 65504, and its steps are 0.5 wide already at 512 (AutoCast's default).
FP16_DATA_MAX = 512
MODELOPT_HINT = (
    "pip install --no-deps nvidia-modelopt onnx-graphsurgeon polygraphy onnxslim onnxconverter-common lief"
    " omegaconf pulp regex nvidia-ml-py"
)


class Precision(StrEnum):
    """What the graph's convolutions compute in."""

    FP16 = "fp16"
    INT8 = "int8"


def precision(
    run: RunName, to: Annotated[Precision, typer.Option(help="What to compute in.")] = Precision.FP16
) -> None:
    """Write the run's model.fp16.onnx or model.int8.onnx; then ask the gate."""
    from trainer.prepared import prepared_films

    folder = RUNS_DIR / run
    card = exported_card(folder)
    films = prepared_films(Run(run))[0].pixels
    target = folder / f"model.{to}.onnx"
    if to is Precision.FP16:
        write_fp16(folder / "model.onnx", target, evenly(films, FP16_FILMS))
    else:
        write_int8(folder / "model.onnx", target, evenly(films, INT8_FILMS))
    name_source(target, card)
    engine = "onnx-fp16" if to is Precision.FP16 else "openvino-int8"
    rich.print(f"{target}: {target.stat().st_size / 1e6:.1f} MB; python -m trainer gate --run {run} --engine {engine}")


def evenly(films: Films, count: int) -> Films:
    """``count`` films at equal steps through the set."""
    return np.asarray(films[np.linspace(0, len(films) - 1, count).round().astype(int)])


def write_fp16(source: Path, target: Path, films: Films) -> None:
    """Convert to mixed fp16 and fp32 with the inputs and outputs as they were; ``films`` [N,1,S,S] uint8.

    Raises:
        EngineUnavailable: naming the missing package of ModelOpt's ONNX tools.
    """
    try:
        from modelopt.onnx.autocast import convert_to_mixed_precision
    except ImportError as error:
        raise EngineUnavailable(f"fp16 is made by NVIDIA ModelOpt ({error}): {MODELOPT_HINT}") from error
    with tempfile.TemporaryDirectory() as scratch:
        calibration = Path(scratch) / "films.npz"
        np.savez(calibration, IMAGE=films)
        converted = convert_to_mixed_precision(
            onnx_path=str(source),
            low_precision_type="fp16",
            data_max=FP16_DATA_MAX,
            keep_io_types=True,
            calibration_data=str(calibration),
        )
    onnx.save(converted, target)


def write_int8(source: Path, target: Path, films: Films) -> None:
    """Quantise each network's convolutions between the first ``INT8_FP32_HEAD`` and the last.

    ``films`` [N,1,S,S] uint8 are what it is calibrated on.

    The first see raw grey levels and the last gives the heatmap: they cost little and err most. What is no convolution
    (standardising the film, the out-of-distribution score) stays as it is. Measured on 741 validation films, mean error
    of the probability: one network, 0.0060 with NNCF's fast bias correction and one convolution in fp32 at the head,
    0.0043 with the exact one, 0.0026 with eight (the gate allows 0.0050; three were refused on the test films with
    0.0051). Two networks, fast correction, eight at each head: 0.0020.
    """
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    try:
        quantised = _quantised(source, films, fast_bias_correction=False)
    except Fail:  # of NNCF 3.4, where a network has branches after its activations, as ResNet has
        quantised = _quantised(source, films, fast_bias_correction=True)
    onnx.save(quantised, target)


def _quantised(source: Path, films: Films, *, fast_bias_correction: bool) -> onnx.ModelProto:
    import nncf

    model = onnx.load(source)
    store_in_full(model)
    others = [node.name for node in model.graph.node if node.op_type != "Conv"]
    return nncf.quantize(
        model,
        nncf.Dataset(list(films[:, np.newaxis]), lambda film: {IMAGE: film}),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(films),
        fast_bias_correction=fast_bias_correction,
        ignored_scope=nncf.IgnoredScope(names=[*heads_and_last(model), *others], validate=False),
    )


def heads_and_last(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that stay in fp32: of each network the first ones, and the last.

    The last makes the heatmap, and is the only one with a single channel. The graph's weights are stored in full.
    """
    channels = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if len(tensor.dims) == 4}
    kept: list[str] = []
    of_network: list[str] = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            of_network.append(node.name)
            if channels[node.input[1]] == 1:
                kept += [*of_network[:INT8_FP32_HEAD], node.name]
                of_network = []
    return kept


def name_source(path: Path, card: ModelCard) -> None:
    """Write into the file which fp32 file it was made from, and check that it keeps the tensor contract.

    Raises:
        StepRefused: an input or output is gone or of another type.
    """
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"name": card.name, "source_sha256": card.onnx_sha256})
    onnx.checker.check_model(model)
    types = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    if types != {IMAGE: onnx.TensorProto.UINT8, **dict.fromkeys(OUTPUTS, onnx.TensorProto.FLOAT)}:
        raise StepRefused(f"{path} has other inputs or outputs than the tensor contract: {types}")
    onnx.save(model, path)


def refuse_another_source(path: Path, card: ModelCard) -> None:
    """See that a file of fewer bits was made from the graph of the card.

    Raises:
        StepRefused: it was not.
    """
    stated = {each.key: each.value for each in onnx.load(path, load_external_data=False).metadata_props}
    if stated.get("source_sha256") != card.onnx_sha256:
        raise StepRefused(f"{path} was made from another model.onnx: run precision again, or remove it")
