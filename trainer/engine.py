"""The one door to TensorRT: an ONNX file becomes ``model.plan`` on the machine that will run it.

Written for TensorRT 11, where every network is strongly typed (precision is in the graph, see ``trainer.precision``),
and 10.x, where it is asked for. Sources: the 10.x to 11.x migration guide of NVIDIA's TensorRT documentation, and the
signatures of the 11.4 Python bindings.
"""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import rich
import typer

from trainer.contract import IMAGE, MODEL_NAME
from trainer.errors import MissingStep
from trainer.plan import PLAN, PlanIdentity, PlanRecord, Profile, profiles_of, sidecar, stale_because
from trainer.refusals import EngineBuildFailed, EngineUnavailable
from trainer.repository import card_to_serve, read_config, write_whole

# Scratch memory the builder may try kernels with; far more than a network of this size uses.
WORKSPACE_BYTES = 4 * 1024**3
CONTAINER_HINT = "use NVIDIA's Triton or TensorRT container, or install tensorrt from NVIDIA's package index"


class Gpu(NamedTuple):
    """A GPU's name and compute capability, such as ``NVIDIA L4`` and ``8.9``."""

    name: str
    compute_capability: str


def engine(
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    source: Annotated[str, typer.Option(help="The version's file to build from.")] = "model.fp16.onnx",
    cache_dir: Annotated[Path, typer.Option(help="Where the builder's timings are kept.")] = Path(".local/tensorrt"),
    force: Annotated[bool, typer.Option("--force", help="Build even if the plan is up to date.")] = False,
) -> None:
    """Build the served version's model.plan for this machine's GPU, unless it is there and up to date."""
    folder = repository / MODEL_NAME
    card = card_to_serve(folder)
    onnx_path, plan = folder / str(card.version) / source, folder / str(card.version) / PLAN
    if not onnx_path.is_file():
        raise MissingStep(f"{onnx_path} is missing: python -m trainer precision, then publish; or --source model.onnx")
    trt, gpu = load_tensorrt(), visible_gpu()
    config = read_config(folder / "config.pbtxt")
    wanted = PlanIdentity(
        tensorrt=trt.__version__,
        gpu=gpu.name,
        compute_capability=gpu.compute_capability,
        source=source,
        source_sha256=hashlib.sha256(onnx_path.read_bytes()).hexdigest(),
        profiles=profiles_of(list(config.dynamic_batching.preferred_batch_size), config.max_batch_size),
    )
    reasons = ["--force"] if force else stale_because(plan, wanted)
    if not reasons:
        rich.print(f"{plan} is up to date: TensorRT {wanted.tensorrt}, {wanted.gpu}")
        return
    rich.print(f"building {plan}: {'; '.join(reasons)}")
    cache = cache_dir / f"timing-{wanted.tensorrt}-{wanted.compute_capability}.cache"
    record = build(trt, onnx_path, plan, wanted, cache, card.image_size_px)
    rich.print(f"{plan}: {plan.stat().st_size / 1e6:.1f} MB in {record.build_s:.0f} s")


def load_tensorrt() -> Any:
    """Import TensorRT.

    Raises:
        EngineUnavailable: naming the package or the shared library that is missing.
    """
    try:
        import tensorrt
    except ModuleNotFoundError as error:
        raise EngineUnavailable(f"the Python package {error.name} is not installed: {CONTAINER_HINT}") from error
    except ImportError as error:  # the bindings are there, a libnvinfer*.so is not
        raise EngineUnavailable(f"TensorRT's libraries are not installed ({error}): {CONTAINER_HINT}") from error
    return tensorrt


def visible_gpu() -> Gpu:
    """The GPU that plans are built for: the only kind that nvidia-smi lists.

    Raises:
        EngineUnavailable: there is none, or there are several kinds (a plan fits one of them only).
    """
    command = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"no NVIDIA GPU can be seen (nvidia-smi: {error})") from error
    kinds = sorted({line.strip() for line in done.stdout.splitlines() if line.strip()})
    if len(kinds) != 1:
        raise EngineUnavailable(f"a plan fits one kind of GPU, nvidia-smi lists {len(kinds)}: {'; '.join(kinds)}")
    name, _, compute_capability = kinds[0].rpartition(",")
    return Gpu(name.strip(), compute_capability.strip())


def build(trt: Any, onnx_path: Path, plan: Path, wanted: PlanIdentity, cache: Path, size_px: int) -> PlanRecord:
    """Build a plan and its record; the builder's words go to ``model.plan.log``, its timings to ``cache``.

    Raises:
        EngineBuildFailed: with the parser's or the builder's own errors.
    """
    started = time.monotonic()
    log = _builder_log(trt)
    try:
        builder = _builder(trt, log)
        network = builder.create_network(_network_flags(trt))
        parser = trt.OnnxParser(network, log)
        if not parser.parse(onnx_path.read_bytes()):
            raise EngineBuildFailed("; ".join(parser.get_error(i).desc() for i in range(parser.num_errors)))
        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
        config.clear_flag(trt.BuilderFlag.TF32)  # what the graph keeps in fp32 is there because it needs it
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        _add_profiles(builder, config, wanted.profiles, size_px)
        if not config.set_timing_cache(config.create_timing_cache(_kept(cache)), ignore_mismatch=False):
            config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)  # from another machine
        serialized = builder.build_serialized_network(network, config)
        if serialized is None:
            raise EngineBuildFailed("; ".join(log.errors[-3:]) or "the builder gave no reason")
        _write_bytes(cache, bytes(config.get_timing_cache().serialize()))
    finally:
        write_whole(plan.with_name(f"{PLAN}.log"), "\n".join(log.lines) + "\n")
    content = bytes(serialized)
    record = PlanRecord(
        identity=wanted,
        plan_sha256=hashlib.sha256(content).hexdigest(),
        build_s=round(time.monotonic() - started, 1),
    )
    sidecar(plan).unlink(missing_ok=True)  # killed between the two writes, the plan counts as unknown, never as fresh
    _write_bytes(plan, content)
    write_whole(sidecar(plan), record.model_dump_json(indent=2) + "\n")
    return record


def _builder(trt: Any, log: Any) -> Any:
    try:
        return trt.Builder(log)
    except TypeError as error:  # the bindings' way to say that the library gave no builder: driver or GPU do not fit
        raise EngineBuildFailed("; ".join(log.errors[-3:]) or "TensorRT cannot use this GPU and driver") from error


def _kept(cache: Path) -> bytes:
    return cache.read_bytes() if cache.is_file() else b""


def _network_flags(trt: Any) -> int:
    """TensorRT 10 types strongly on request; 11 always does and deprecates the flag."""
    if int(trt.__version__.split(".")[0]) >= 11:
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _add_profiles(builder: Any, config: Any, profiles: tuple[Profile, ...], size_px: int) -> None:
    for profile in profiles:
        shapes = [(count, 1, size_px, size_px) for count in (profile.least, profile.best, profile.most)]
        added = builder.create_optimization_profile()
        added.set_shape(IMAGE, *shapes)
        if config.add_optimization_profile(added) < 0:
            raise EngineBuildFailed(f"TensorRT refused the batch sizes {profile}")


def _builder_log(trt: Any) -> Any:
    class BuilderLog(trt.ILogger):  # type: ignore[misc]
        """Keeps all that the builder says; errors apart."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.lines: list[str] = []
            self.errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            self.lines.append(f"{getattr(severity, 'name', severity)} {msg}")
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(msg)

    return BuilderLog()


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    temporary.write_bytes(content)
    temporary.replace(path)
