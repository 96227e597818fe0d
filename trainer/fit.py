"""The training loop of one network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainer.architectures import REGISTRY, FullPrecisionDepthwise
from trainer.augment import FRAMING, augmentation
from trainer.devices import device, mixed_precision, number_type
from trainer.framing import Framing
from trainer.kermany_set import FilmSet
from trainer.model import Classifier, sha256_of_weights
from trainer.recipe import Recipe
from trainer.refusals import StepRefused
from trainer.sampling import epoch_rows
from trainer.schedule import AveragedWeights, warm_up_cosine

LARGEST_GRADIENT = 5.0

Judge = Callable[[Classifier], dict[str, float]]
"""Measures a network after an epoch; ``score`` (higher is better) decides which epoch is kept."""


@dataclass
class Training:
    """One network's training, with all that a kill would lose in ``checkpoint``.

    Raises:
        StepRefused: the checkpoint is there and was trained with another recipe, other films, teachers or start; or
            framing is asked for, and no film's width is known.
    """

    recipe: Recipe
    train: FilmSet
    checkpoint: Path
    teachers: Sequence[Classifier] = ()
    """Networks whose mean log-odds on the same changed film are the target instead of its label (distillation)."""
    start: dict[str, Tensor] | None = None
    """Weights to start from instead of the architecture's own."""
    device: torch.device = field(default_factory=device)

    def __post_init__(self) -> None:
        recipe = self.recipe
        torch.manual_seed(recipe.seed)
        self.random = np.random.default_rng(recipe.seed)
        self.source = torch.Generator(self.device).manual_seed(recipe.seed)
        self.network = Classifier(recipe.architecture, recipe.size_px, recipe.pretrained, recipe.dropout)
        if self.start is not None:
            self.network.load_state_dict(self.start)
        self.made_from = {
            "recipe": json.dumps(recipe.as_json()),
            "training films": self.train.sha256,
            "teachers": [sha256_of_weights(teacher) for teacher in self.teachers],
            "start": sha256_of_weights(self.network) if self.start is not None else "",
        }
        self.network.to(self.device, memory_format=torch.channels_last)
        self.average = AveragedWeights(self.network, recipe.average_decay)
        self.optimizer = torch.optim.AdamW(_rates_by_depth(self.network, recipe), weight_decay=recipe.weight_decay)
        self.full_rates = [group["lr"] for group in self.optimizer.param_groups]
        # fp16 needs its gradients scaled; bf16 has the range of fp32.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=number_type(self.device) == torch.float16)
        self.augment = augmentation(recipe.augmentations)
        self.labels = self.train.labels
        self.framing = Framing(self.train.log_aspects, self.labels) if FRAMING in recipe.augmentations else None
        shown = epoch_rows(self.train.films, recipe.imbalance, recipe.films, np.random.default_rng(0))
        self.steps_per_epoch = len(shown) // recipe.batch
        self.epoch, self.step = 0, 0
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        if self.checkpoint.exists():
            self._resume()

    def run(self, judge: Judge, on_step: Callable[[float], None] = lambda _loss: None) -> Classifier:
        """Train until the last epoch or until patience ends; gives the averaged network of the best epoch."""
        while not self.ended:
            loss = self._epoch(on_step)
            figures = judge(self.average.network)
            self.history.append({"epoch": self.epoch, "loss": loss, **figures})
            if figures["score"] >= max(entry["score"] for entry in self.history):
                self.best = {name: value.clone() for name, value in self.average.network.state_dict().items()}
            self.epoch += 1
            self._save()
        self.average.network.load_state_dict(self.best)
        return self.average.network

    @property
    def ended(self) -> bool:
        """Whether the last epoch is over, or patience."""
        return self.epoch >= self.recipe.epochs or self._out_of_patience()

    def _epoch(self, on_step: Callable[[float], None]) -> float:
        _freeze(self.network, self.recipe, self.epoch)
        losses = []
        for rows in self._batches():
            self._set_rates()
            losses.append(self._one_step(rows))
            on_step(losses[-1])
        return float(np.mean(losses))

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        rows = epoch_rows(self.train.films, self.recipe.imbalance, self.recipe.films, self.random)
        for start in range(0, len(rows) - self.recipe.batch + 1, self.recipe.batch):
            yield rows[start : start + self.recipe.batch]

    def _one_step(self, rows: NDArray[np.int64]) -> float:
        rows = np.sort(rows)
        films = torch.from_numpy(self.train.pixels[rows]).to(self.device).float() / 255
        labels = torch.from_numpy(self.labels[rows]).float().to(self.device)
        if self.framing:
            films = self.framing(films, rows, self.source)
        films = self.augment(films, self.source) * 255
        self.network.train()
        with mixed_precision(self.device):
            logits = self.network.logits(films)
        loss = self._taught(logits.float(), films) if self.teachers else self._loss(logits.float(), labels)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update(self.network)
        self.step += 1
        return float(loss.detach())

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        soft = labels * (1 - self.recipe.label_smoothing) + self.recipe.label_smoothing / 2
        weights = None
        if self.recipe.imbalance == "weighted":
            share = self.labels.mean()
            weights = torch.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
        return functional.binary_cross_entropy_with_logits(logits, soft, weights)

    def _taught(self, logits: Tensor, films: Tensor) -> Tensor:
        """Log loss against the teachers' mean answer on the very same films (Hinton et al. 2015)."""
        with torch.no_grad(), mixed_precision(self.device):
            answers = torch.stack([teacher.logits(films).float() for teacher in self.teachers])
        return functional.binary_cross_entropy_with_logits(logits, torch.sigmoid(answers.mean(0)))

    def _set_rates(self) -> None:
        steps = self.steps_per_epoch * self.recipe.epochs
        share = warm_up_cosine(self.step, steps, max(1, int(steps * self.recipe.warm_up_share)))
        for group, rate in zip(self.optimizer.param_groups, self.full_rates, strict=True):
            group["lr"] = rate * share

    def _out_of_patience(self) -> bool:
        scores = [entry["score"] for entry in self.history]
        return bool(scores) and len(scores) - 1 - int(np.argmax(scores)) >= self.recipe.patience

    def _state(self) -> dict[str, Any]:
        return {
            "made_from": self.made_from,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
            "torch_random": torch.get_rng_state(),
            "source": self.source.get_state(),
            "random": self.random.bit_generator.state,
        }

    def _save(self) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(self._state(), unfinished)
        unfinished.replace(self.checkpoint)

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self._refuse_another(saved.get("made_from"))
        self.network.load_state_dict(saved["network"])
        self.average.network.load_state_dict(saved["average"])
        self.average.steps = saved["average_steps"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.best, self.epoch, self.step = saved["best"], saved["epoch"], saved["step"]
        self.history = saved["history"]
        torch.set_rng_state(saved["torch_random"].cpu())
        self.source.set_state(saved["source"].cpu())
        self.random.bit_generator.state = saved["random"]

    def _refuse_another(self, made_from: dict[str, Any] | None) -> None:
        """The schedule of the rates is laid over all epochs, so that not even their number may change on the way."""
        do = "choose another --run, or delete it"
        if made_from is None:
            raise StepRefused(f"{self.checkpoint} does not say what it was trained with; {do}")
        before, now = Recipe.from_json(json.loads(made_from["recipe"])).as_json(), self.recipe.as_json()
        changed = [f"{name} {_listed(value)}" for name, value in before.items() if value != now[name]]
        if changed:
            raise StepRefused(f"{self.checkpoint} was trained with {', '.join(changed)}; say the same, {do}")
        others = [name for name in ("training films", "teachers", "start") if made_from[name] != self.made_from[name]]
        if others:
            raise StepRefused(f"{self.checkpoint} was trained with other {' and '.join(others)}; {do}")


def _listed(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _rates_by_depth(network: Classifier, recipe: Recipe) -> list[dict[str, Any]]:
    """Discriminative rates: the head learns fastest, each stage below it ``rate_decay`` times as fast as the one
    above.
    """
    groups: list[dict[str, Any]] = [{"params": list(network.head.parameters()), "lr": recipe.rate}]
    for depth, stage in enumerate(reversed(network.trunk.stages)):
        parameters = list(stage.parameters())
        if parameters:
            groups.append({"params": parameters, "lr": recipe.rate * recipe.rate_decay**depth})
    return groups


def _freeze(network: Classifier, recipe: Recipe, epoch: int) -> None:
    """Transfer learning: first only the head and the last two stages learn, then all but the frozen stages and filters.
    Random weights learn from the start, all of them.
    """
    starts_well = recipe.pretrained and REGISTRY[recipe.architecture].pretrained
    stages = list(network.trunk.stages)
    first = len(stages) - 2 if epoch < recipe.frozen_epochs else recipe.frozen_stages
    for index, stage in enumerate(stages):
        stage.requires_grad_(index >= first or not starts_well)
        for layer in stage.modules():
            if isinstance(layer, FullPrecisionDepthwise) and starts_well and recipe.frozen_filters:
                layer.requires_grad_(False)
