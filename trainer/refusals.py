"""What export, gate, engine and publish refuse, in words; the codes join the tree of ``cxr.errors``.

CxrError
└── TrainerError
    └── StepRefused               step_refused         the step did nothing that would have to be undone
        ├── ExportDiffers         export_differs       the ONNX graph and PyTorch disagree
        ├── GateClosed            gate_closed          the candidate engine and the ONNX fp32 model disagree
        ├── TritonAway            triton_away          no server answers; nothing was changed
        ├── RolledBack            rolled_back          the version failed on the server; the old state is back
        ├── ConfigOutdated        config_outdated      a config file is not what its card generates
        ├── CardDiffers           card_differs         the served graph does not have the figures of its card
        ├── EngineUnavailable     engine_unavailable   a library or a GPU that the engine needs is missing
        └── EngineBuildFailed     engine_build_failed  TensorRT refused the graph
"""

from __future__ import annotations

from trainer.errors import TrainerError


class StepRefused(TrainerError):
    """A step of the trainer cannot be done as asked."""

    code = "step_refused"
    sentence = "The step cannot be done."


class ExportDiffers(StepRefused):
    code = "export_differs"
    sentence = "The exported graph does not answer as PyTorch does, so it was not kept."


class GateClosed(StepRefused):
    code = "gate_closed"
    sentence = "The engine does not answer as the ONNX model does, so it must not be published."


class TritonAway(StepRefused):
    code = "triton_away"
    sentence = "No Triton answers, so nothing was changed: start `make run`, give --triton-url, or use --no-reload."


class RolledBack(StepRefused):
    code = "rolled_back"
    sentence = "The version did not answer as it should on the server; the former state was restored."


class ConfigOutdated(StepRefused):
    code = "config_outdated"
    sentence = "The Triton configs are not what the served version's card generates; run `python -m trainer config`."


class CardDiffers(StepRefused):
    code = "card_differs"
    sentence = "The served graph does not have the figures that its card states."


class EngineUnavailable(StepRefused):
    code = "engine_unavailable"
    sentence = "The engine cannot be used on this machine."


class EngineBuildFailed(StepRefused):
    code = "engine_build_failed"
    sentence = "TensorRT could not build a plan from the graph."
