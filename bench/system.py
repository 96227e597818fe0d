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
    used_s: Counter[str] = field(default_factory=Counter)
    images: int = 0

    def measure(self, stack: Stack, images: list[JobImage], ceiling_per_s: float) -> None:
        names = ["redis", "triton", *self.names]
        before = processor_s(stack, *names)
        seconds = judged(stack, images)
        self.used_s.update({kind: used - before[kind] for kind, used in processor_s(stack, *names).items()})
        self.images += len(images)
        self.images_per_s.append(len(images) / seconds)
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
                setting.measure(stack, of_stack, both.round(seconds))
        steps.next(f"{once:,} films at once")
        large = Setting(settings[0].workers, settings[0].decode_processes)
        all_images = stored(stacks[0], repeated(once))
        if not quick:
            steps.next(f"{once:,} films: judging")
        large.measure(stacks[0], all_images, both.round(seconds))
    return _outcome(settings, large, both, films)


def _outcome(settings: list[Setting], large: Setting, both: Ceiling, films: int) -> Outcome:
    outcome = Outcome("system", "System: from accepted bytes to answers in the ledger")
    outcome.say(
        f"Original films under distinct bytes, stored beforehand; engine {served_engine()}; one Redis (every write",
        "synced) and one Triton beside the workers, all on the same cores. The ceiling was measured before each turn;",
        "the share is of that one.",
    )
    rows = [
        (f"{films:,}", _named(one), Figure.of(one.images_per_s).text(), Figure.of(one.share).text(2))
        for one in settings
    ]
    rows.append(
        (f"{large.images:,}", _named(large), Figure.of(large.images_per_s).text(), Figure.of(large.share).text(2))
    )
    outcome.table(("Films a job", "Workers", "images/s", "Share of the ceiling"), rows)
    outcome.say(f"Ceiling in this run: {both.figure.text()} images/s.")
    outcome.say("Where the time goes: processor time of an image by process, in ms.")
    kinds = sorted(large.used_s, key=lambda kind: -large.used_s[kind])
    each = [(kind, *(f"{1000 * one.used_s[kind] / one.images:.2f}" for one in (*settings, large))) for kind in kinds]
    total = ("**sum**", *(f"**{1000 * one.used_s.total() / one.images:.2f}**" for one in (*settings, large)))
    outcome.table(("Process", *map(_named, settings), f"{large.images:,} films"), [*each, total])
    for one in settings:
        outcome.figures[f"{_named(one)}: images/s"] = Figure.of(one.images_per_s)
        outcome.figures[f"{_named(one)}: share"] = Figure.of(one.share)
    outcome.figures |= {"large: images/s": Figure.of(large.images_per_s), "large: share": Figure.of(large.share)}
    outcome.figures["ceiling"] = both.figure
    return outcome


def _named(setting: Setting) -> str:
    return f"{setting.workers} worker(s), {setting.decode_processes} decoding"
