"""Health, queue and throughput, as people read them."""

from __future__ import annotations

from cxr.schemas import QueueName
from gateway.page.words import duration, escape
from gateway.pulse import Pulse

QUEUES = {
    QueueName.INTERACTIVE: ("Single films", "Jobs of a few films; they go ahead of batches."),
    QueueName.BATCH: ("Batches", "Jobs of many films."),
}
AWAY = "—"


def pulse(now: Pulse) -> str:
    """HTML of one look at the system."""
    ledger = ("away", "Nothing can be accepted until it is back.")
    if now.ledger:
        ledger = (
            "refuses films",
            "It is full or read-only: no film is accepted or judged at the moment. None is lost.",
        )
    model = f"{now.model.card.name} version {now.model.card.version}" if now.model else ""
    return f"""
<section class="panel pulse" aria-label="Health and queue">
  <ul class="health">
    {_part("Model server", now.model is not None, model, "Films are accepted, and judged when it is back.")}
    {_part("Job ledger", now.ledger and now.writable, "Accepted films are safe.", ledger[1], ledger[0])}
    {_part("Workers", bool(now.workers), _number(now.workers), "Films are accepted, and judged when one is back.")}
  </ul>
  <dl class="figures">
    {_figure("Films waiting", _number(now.waiting))}
    {_figure("Films per minute", _per_minute(now.images_per_s), "over the last minute")}
    {_figure("Chunks in hand", _number(now.in_hand), "parts of jobs that workers have")}
    {_figure("Set aside", _number(now.set_aside), "films that stopped a worker")}
  </dl>
  <ul class="queues">{"".join(_queue(queue, now) for queue in QUEUES)}</ul>
</section>"""


def _part(name: str, well: bool, said: str, otherwise: str, ill: str = "away") -> str:
    style, sign, word = ("clear", "●", "ready") if well else ("pneumonia", "✕", ill)
    detail = said if well else otherwise
    return f"""
<li class="{style}"><span class="sign" aria-hidden="true">{sign}</span>
  <span><strong>{name} {word}</strong><br><span class="caption">{escape(detail)}</span></span></li>"""


def _figure(name: str, value: str, meaning: str = "") -> str:
    return f'<div><dt>{name}</dt><dd>{value}</dd><dd class="caption">{meaning}</dd></div>'


def _number(value: int | None) -> str:
    return AWAY if value is None else f"{value:,}"


def _per_minute(images_per_s: float | None) -> str:
    return AWAY if images_per_s is None else f"{images_per_s * 60:,.0f}"


def _queue(queue: QueueName, now: Pulse) -> str:
    name, meaning = QUEUES[queue]
    waited_s = now.oldest_s.get(queue, 0.0)
    said = f"the oldest film has waited {duration(waited_s)}" if waited_s else "nothing waits"
    return f'<li><strong>{name}</strong>: {said if now.ledger else AWAY}. <span class="caption">{meaning}</span></li>'
