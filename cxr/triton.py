"""The one door to Triton: is it ready, which model does it serve, and what does that model say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from pydantic import ValidationError
from tritonclient.utils import InferenceServerException

from cxr.addresses import OPTIONS, channel_target
from cxr.errors import ContractBroken, ModelUnavailable
from cxr.imaging import IMAGE_SIZE_PX, PREPROCESS_VERSION
from cxr.schemas import ModelCard, ModelIdentity, QueueName
from cxr.telemetry.traces import TRACEPARENT, recorded_traceparent

# gRPC statuses that pass by themselves: the server is away, busy, late, or between two model versions.
PASSING_STATUSES = frozenset(
    f"StatusCode.{name}"
    for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED", "NOT_FOUND", "ABORTED")
)

VERSION_ATTEMPTS = 3
# Triton's priority levels: the lower goes first, and 1 is the model's default.
PRIORITIES = {QueueName.INTERACTIVE: 1, QueueName.BATCH: 2}


@dataclass(frozen=True)
class ServedModel:
    """What the server says of the model it serves: its card and the engine that runs it."""

    card: ModelCard
    engine: str

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(name=self.card.name, version=self.card.version, engine=self.engine)


@dataclass(frozen=True)
class ModelOutput:
    """One batch's answers and the model that gave them."""

    probability: NDArray[np.float32]  # [N]
    heatmap: NDArray[np.float32]  # [N, h, w]
    ood_score: NDArray[np.float32]  # [N]
    model: ServedModel


class ModelClient:
    """A thread-safe client of one model; create it after any fork (gRPC and fork do not mix).

    Methods raise ``ModelUnavailable`` while the server or model is away, ``ContractBroken`` when the served model is
    not one this version understands. What is asked for the ``batch`` queue lets everything else go first.
    """

    def __init__(
        self, url: str, model_name: str, timeout_s: float = 30.0, queue: QueueName = QueueName.INTERACTIVE
    ) -> None:
        self._url, self._model, self._timeout_s, self._queue = url, model_name, timeout_s, queue
        self._versions: dict[int, ServedModel] = {}

    @cached_property
    def _client(self) -> triton.InferenceServerClient:
        return triton.InferenceServerClient(channel_target(self._url), channel_args=OPTIONS)

    @property
    def address(self) -> str:
        return self._url

    def live(self) -> bool:
        """Whether a server answers here at all, whatever it serves; never raises."""
        try:
            return bool(self._client.is_server_live(client_timeout=min(self._timeout_s, 5.0)))
        except InferenceServerException:
            return False

    def ready(self) -> bool:
        """Whether the model can answer now, at one server at least; never raises."""
        try:
            return bool(self._client.is_model_ready(self._model, client_timeout=min(self._timeout_s, 2.0)))
        except InferenceServerException:
            self._look_up_again()
            return False

    def card(self) -> ModelCard:
        """The identity card of the model that answers now."""
        return self.served().card

    def served(self, version: int | None = None) -> ServedModel:
        """Read card and engine from the server's configuration of the model: of one version, or of the newest."""
        of_version = "" if version is None else str(version)
        with _triton_errors():
            config: dict[str, Any] = self._client.get_model_config(
                self._model, of_version, as_json=True, client_timeout=self._timeout_s
            )
        parameters = {key: value["string_value"] for key, value in config["config"].get("parameters", {}).items()}
        try:
            card = ModelCard.model_validate_json(parameters["model_card"])
            served = ServedModel(card, parameters["engine"])
        except (KeyError, ValidationError) as error:
            raise ContractBroken(f"{self._model} carries no readable model card") from error
        if (card.preprocess_version, card.image_size_px) != (PREPROCESS_VERSION, IMAGE_SIZE_PX):
            raise ContractBroken(
                f"the model wants preprocess {card.preprocess_version} at {card.image_size_px} px,"
                f" this program makes {PREPROCESS_VERSION} at {IMAGE_SIZE_PX} px"
            )
        self._versions[card.version] = served
        return served

    def infer(self, images: NDArray[np.uint8]) -> ModelOutput:
        """Score a batch: [N, 1, 224, 224] uint8 in, N at most the model's ``max_batch_size``."""
        image = triton.InferInput("IMAGE", list(images.shape), "UINT8")
        image.set_data_from_numpy(images)
        with _triton_errors():
            answer = self._client.infer(
                self._model,
                [image],
                priority=PRIORITIES[self._queue],  # orders Triton's own queue
                parameters={"lane": self._queue.value},  # for model.py, which Triton does not tell the priority
                client_timeout=self._timeout_s,
                headers=_trace_headers(),
            )
        served = self.version(int(answer.get_response().model_version))
        probability, heatmap, ood_score = (answer.as_numpy(name) for name in ("PROBABILITY", "HEATMAP", "OOD_SCORE"))
        if probability is None or heatmap is None or ood_score is None or len(probability) != len(images):
            raise ContractBroken("an output of the tensor contract is missing")
        return ModelOutput(probability.reshape(-1), heatmap, ood_score.reshape(-1), served)

    def load(self, config: dict[str, Any] | None = None) -> None:
        """Ask the server to load or reload the model, optionally under another configuration."""
        with _triton_errors():
            self._client.load_model(self._model, config=json.dumps(config) if config else None)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def version(self, version: int) -> ServedModel:
        """The version that answered; not simply the newest: while one takes over from another, both answer.

        While several servers change over, some do not have it: they are asked in turn.
        """
        for attempts_left in reversed(range(VERSION_ATTEMPTS)):
            if version in self._versions:
                break
            try:
                return self.served(version)
            except ModelUnavailable:
                if not attempts_left:
                    raise
        return self._versions[version]

    def _look_up_again(self) -> None:
        """No server answers: the names of a list may mean other servers now. Calls in hand keep their channel."""
        if "," in self._url:
            self.__dict__.pop("_client", None)


def _trace_headers() -> dict[str, str] | None:
    """Triton in its trace mode ``opentelemetry`` makes its spans part of this trace, sampled or not."""
    trace = recorded_traceparent()
    return {TRACEPARENT: trace} if trace else None


@contextmanager
def _triton_errors() -> Iterator[None]:
    try:
        yield
    except InferenceServerException as error:
        status = str(error.status())
        if status in PASSING_STATUSES:
            raise ModelUnavailable(status.removeprefix("StatusCode.").lower()) from error
        raise ContractBroken(f"Triton answered {status}") from error
