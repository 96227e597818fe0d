"""The films of a job as a list to sort, to sift and to choose from; most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.page.words import ANSWERS, escape, percent, short_notes, short_reason
from gateway.worklists import Answer, Arrangement, Line, Order

ROWS = 100
NAME_END = 12  # signs of a name that are never cut
COLUMNS = (
    (Order.URGENCY, "Finding"),
    (Order.PROBABILITY, "Probability"),
    (Order.NAME, "Film"),
    (Order.SENT, "No."),
)


def worklist(
    job_id: str, lines: Sequence[Line], first: int, total: int, wanted: Arrangement, counts: Mapping[Answer, int]
) -> str:
    """HTML of up to 100 films from ``first`` on, of the ``lines`` that the reader wants, of ``total`` in the job."""
    if not total:
        return ""
    shown = lines[first : first + ROWS]
    heads = "".join(_head(order, words, wanted) for order, words in COLUMNS)
    rows = "".join(_row(line) for line in shown)
    nothing = "" if shown else '<p class="nothing">No film of this job matches.</p>'
    return f"""
<section class="panel worklist" data-job="{escape(job_id)}" aria-label="Worklist">
  {_sieve(total, wanted, counts)}
  <table><caption class="sr-only">Films of this job</caption>
    <thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{nothing}
  {_pager(first, len(shown), len(lines))}
</section>"""


def _sieve(total: int, wanted: Arrangement, counts: Mapping[Answer, int]) -> str:
    chips = _chip("", "All", total, wanted.answer is None)
    for answer, words in ANSWERS.items():
        if counts.get(answer) or wanted.answer is answer:
            chips += _chip(answer.value, words.title, counts.get(answer, 0), wanted.answer is answer)
    return f"""
<div class="sieve">
  <div class="chips" role="group" aria-label="Show only">{chips}</div>
  <label class="seek">Name <input id="seek" type="search" value="{escape(wanted.text)}" autocomplete="off"></label>
</div>"""


def _chip(value: str, title: str, number: int, chosen: bool) -> str:
    return (
        f'<button type="button" class="chip" id="chip-{value or "all"}" data-answer="{value}"'
        f' aria-pressed="{str(chosen).lower()}">{title} <span>{number:,}</span></button>'
    )


def _head(order: Order, words: str, wanted: Arrangement) -> str:
    chosen = wanted.order is order
    sort = ' aria-sort="descending"' if chosen and wanted.backwards else ' aria-sort="ascending"' if chosen else ""
    arrow = ("▲" if wanted.backwards else "▼") if chosen else ""
    return f"""
<th scope="col" class="column-{order.value}"{sort}>
  <button type="button" id="by-{order.value}" data-order="{order.value}">
  {words}<span class="arrow" aria-hidden="true">{arrow}</span></button></th>"""


def _row(line: Line) -> str:
    words = ANSWERS[line.answer]
    said = _headed(short_reason(line.code)) if line.code else words.title
    notes = "".join(f' <span class="noted">{escape(note)}</span>' for note in short_notes(line.notes))
    share = "" if line.probability is None else _share(line.probability, words.style)
    return f"""
<tr class="{words.style}" data-index="{line.index}">
  <td class="column-urgency"><span class="sign" aria-hidden="true">{words.sign}</span>{escape(said)}</td>
  <td class="column-probability">{share}</td>
  <td class="column-name"><button type="button" class="pick" id="film-{line.index}" title="{escape(line.name)}"
    aria-label="{escape(line.name)}">{_name(line.name)}</button>{notes}</td>
  <td class="column-sent">{line.index + 1:,}</td>
</tr>"""


def _name(name: str) -> str:
    """The file's name before its folder's; where there is no room its middle is cut, since films differ at the end."""
    folder, _, base = name.rpartition("/")
    start, end = base[:-NAME_END], base[-NAME_END:]
    within = f' <span class="folder">{escape(folder)}</span>' if folder else ""
    return f'<span class="base"><span class="start">{escape(start)}</span><span>{escape(end)}</span></span>{within}'


def _headed(reason: str) -> str:
    """With a capital letter, as the findings beside it; nothing else of it is changed."""
    return reason[:1].upper() + reason[1:]


def _share(probability: float, style: str) -> str:
    bar = f'<span class="minibar" aria-hidden="true"><i class="{style}" style="width:{probability:.1%}"></i></span>'
    return f'{bar}<span class="figure">{percent(probability)}</span>'


def _pager(first: int, shown: int, total: int) -> str:
    if total <= ROWS:
        return ""
    earlier = "" if first > 0 else " disabled"
    later = "" if first + shown < total else " disabled"
    return f"""
<p class="pager">
  <button type="button" class="link" id="earlier" data-first="{first - ROWS}"{earlier}>Earlier</button>
  <span>{first + 1:,} to {first + shown:,} of {total:,}</span>
  <button type="button" class="link" id="later" data-first="{first + ROWS}"{later}>Later</button>
</p>"""
