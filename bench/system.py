"""From accepted bytes to answers in the ledger, beside the ceiling of the same run."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.batches import judged, stored, warm
from bench.ceiling import Ceiling
from bench.figures import Figure
from bench.films import repeated
from bench.machine import cores
from bench.outcome import Outcome
from bench.served import running, served_engine
from bench.steps import Steps
from bench.usage import processor_s
from cxr.schemas import JobImage
from tests.stack import Stack


@dataclass
class Setting:
    """So many workers with so many decoding processes each, and what became of it."""

    workers: int
    decode_processes: int
    images_per_s: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    processor_share: list[float] = field(default_factory=list)
    used_s: Counter[str] = field(default_factory=Counter)
    images: int = 0

    def measure(self, stack: Stack, images: list[JobImage], both: Ceiling, seconds: float) -> None:
        ceiling_per_s = both.round(seconds)
        names = ["redis", "triton", *self.names]
        before = processor_s(stack, *names)
        took_s = judged(stack, images)
        used = processor_s(stack, *names)
        used.subtract(before)
        self.used_s.update(used)
        self.images += len(images)
        self.images_per_s.append(len(images) / took_s)
        self.processor_share.append(both.processor_ms[-1] * len(images) / (1000 * used.total()))
        self.share.append(self.images_per_s[-1] / ceiling_per_s)

    @property
    def names(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self.workers + 1)]


def measure(quick: bool, steps: Steps) -> Outcome:
    """Images a second from accepted bytes to answers in the ledger, as a share of the ceiling; where the time goes."""
    rounds, seconds, films, once = (1, 0.2, 32, 32) if quick else (3, 3.0, 1500, 10_000)
    settings = [Setting(1, cores()), *([] if quick else [Setting(1, 1), Setting(2, 1)])]
    steps.expect(2 + len(settings) + rounds * len(settings) + (0 if quick else 1))
    with ExitStack() as exits:
        both = Ceiling(exits)
        stacks = []
        for setting in settings:
            steps.next(f"starting {_named(setting)}")
            environment = {"CXR_DECODE_PROCESSES": str(setting.decode_processes)}
            stack = exits.enter_context(running("redis", "triton", *setting.names, **environment))
            stacks.append(stack)
        steps.next(f"storing {films:,} films")
        images = [stored(stack, repeated(films)) for stack in stacks]
        for stack, setting, of_stack in zip(stacks, settings, images, strict=True):
            warm(stack, of_stack[: 64 * setting.workers], setting.workers)
        for turn in range(1, rounds + 1):
            for setting, stack, of_stack in zip(settings, stacks, images, strict=True):
                steps.next(f"round {turn}: {films:,} films, {_named(setting)}")
                setting.measure(stack, of_stack, both, seconds)
        steps.next(f"{once:,} films at once")
        large = Setting(settings[0].workers, settings[0].decode_processes)
        all_images = stored(stacks[0], repeated(once))
        if not quick:
            steps.next(f"{once:,} films: judging")
        large.measure(stacks[0], all_images, both, seconds)
    return _outcome(settings, large, both, films)


def _outcome(settings: list[Setting], large: Setting, both: Ceiling, films: int) -> Outcome:
    outcome = Outcome("system", "System: from accepted bytes to answers in the ledger")
    outcome.say(
        f"Original films under distinct bytes, stored beforehand; engine {served_engine()}; one Redis (every write",
        "synced) and one Triton beside the workers, all on the same cores. The ceiling was measured before each turn;",
        "the share is of that one.",
    )
    rows = []
    for count, one in [*((films, one) for one in settings), (large.images, large)]:
        shares = Figure.of(one.share).text(2), Figure.of(one.processor_share).text(2)
        rows.append((f"{count:,}", _named(one), Figure.of(one.images_per_s).text(), *shares))
    outcome.table(("Films a job", "Workers", "images/s", "Share of the ceiling", "Share, by processor time"), rows)
    outcome.say(
        "*By processor time*: what decoding and scoring alone take for an image, over what all processes take for it;",
        "other programs on the machine hardly change it, and waiting does not show in it.",
    )
    outcome.say(f"Ceiling in this run: {both.figure.text()} images/s.")
    outcome.say("Where the time goes: processor time of an image by process, in ms.")
    kinds = sorted(large.used_s, key=lambda kind: -large.used_s[kind])
    each = [(kind, *(f"{1000 * one.used_s[kind] / one.images:.2f}" for one in (*settings, large))) for kind in kinds]
    total = ("**sum**", *(f"**{1000 * one.used_s.total() / one.images:.2f}**" for one in (*settings, large)))
    outcome.table(("Process", *map(_named, settings), f"{large.images:,} films"), [*each, total])
    for one in settings:
        outcome.figures[f"{_named(one)}: images/s"] = Figure.of(one.images_per_s)
        outcome.figures[f"{_named(one)}: share"] = Figure.of(one.share)
        outcome.figures[f"{_named(one)}: processor share"] = Figure.of(one.processor_share)
    outcome.figures |= {"large: images/s": Figure.of(large.images_per_s), "large: share": Figure.of(large.share)}
    outcome.figures["ceiling"] = both.figure
    return outcome


def _named(setting: Setting) -> str:
    return f"{setting.workers} worker(s), {setting.decode_processes} decoding"
