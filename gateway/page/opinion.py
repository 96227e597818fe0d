"""The reader's own opinion of an answer: the form, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence

from cxr.jobs import Feedback
from cxr.jobs.feedback import LONGEST_REASON, Seen, Verdict
from gateway.page.words import escape, moment

SEES = {Seen.PNEUMONIA: "pneumonia", Seen.NO_PNEUMONIA: "no pneumonia"}
SAID = {Verdict.AGREE: "You agreed", Verdict.DISAGREE: "You disagreed"}


def opinion_form(said: Sequence[Feedback]) -> str:
    """HTML that asks for an opinion; ``said`` is what this reader has said of the film before, oldest first."""
    if not said:
        return f'<section class="opinion"><h3 id="opinion-asked">Do you agree?</h3>{_form()}</section>'
    last = said[-1]
    sees = f", seeing {SEES[last.sees]}" if last.sees else ""
    reason = f": <q>{escape(last.reason)}</q>" if last.reason else "."
    return f"""
<section class="opinion"><h3 id="opinion-asked">Your opinion</h3>
  <p class="said" role="status">{SAID[last.verdict]}{sees}{reason}
    <span class="caption">Kept {moment(last.at)}.</span></p>
  <details><summary>Change it</summary>{_form()}</details>
</section>"""


def _form() -> str:
    options = "".join(f'<option value="{seen.value}">{words}</option>' for seen, words in SEES.items())
    return f"""
<form data-opinion aria-labelledby="opinion-asked">
  <div class="choices">
    <label><input type="radio" name="verdict" value="{Verdict.AGREE.value}" required> Agree</label>
    <label><input type="radio" name="verdict" value="{Verdict.DISAGREE.value}"> Disagree</label>
  </div>
  <div class="why">
    <label>What I see <select name="sees"><option value="">I do not say</option>{options}</select></label>
    <label>Why <textarea name="reason" rows="2" maxlength="{LONGEST_REASON}"
      placeholder="In a sentence, if you like"></textarea></label>
    <p class="caption">Kept for good and used to improve the model, also when the film is deleted. Where you do not say
      what you see, agreeing or disagreeing says it. Never write names or numbers of patients.</p>
    <button type="submit" class="plain">Send</button>
  </div>
</form>"""
