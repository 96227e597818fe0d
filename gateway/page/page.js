// Runs once in each of the page's parts; Gradio gives `element`, `trigger` and `watch`.
const tab = (name) => document.getElementById(`tab-${name}-button`);

// A tab's content comes a moment after its tab.
const focusWhenShown = (find, looks = 60) => {
  const found = find();
  if (found?.checkVisibility()) found.focus({ preventScroll: !found.matches(".pick") });
  else if (looks) requestAnimationFrame(() => focusWhenShown(find, looks - 1));
};

element.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-open]")) {
    event.preventDefault();
    trigger("select", { job: at("[data-open]").dataset.open });
  } else if (at("[data-order]")) {
    trigger("input", { order: at("[data-order]").dataset.order });
  } else if (at("[data-answer]")) {
    trigger("input", { answer: at("[data-answer]").dataset.answer });
  } else if (at("[data-first]")) {
    trigger("input", { first: Number(at("[data-first]").dataset.first) });
  } else if (at("[data-index]")) {
    trigger("select", { index: Number(at("[data-index]").dataset.index) });
  } else if (at("[data-back]")) {
    tab("batch").click();
    window.history.replaceState(null, "", at("[data-back]").dataset.back);
    const { reading } = at("[data-reading]").dataset;
    focusWhenShown(() => document.getElementById(`film-${reading}`));
  } else if (at("[data-card]")) {
    event.preventDefault();
    tab("system").click();
  } else if (at("[data-stop]")) {
    trigger("stop");
  } else if (at("[data-forget]") && window.confirm("Delete this job, its findings and its films?")) {
    trigger("delete");
  }
});

// The arrow keys walk through the list of films.
element.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches(".pick")) return;
  const films = [...element.querySelectorAll(".pick")];
  event.preventDefault();
  films[films.indexOf(event.target) + step]?.focus();
});

// The search waits until the reader stops typing.
let typing;
element.addEventListener("input", (event) => {
  if (event.target.id !== "seek") return;
  clearTimeout(typing);
  typing = setTimeout(() => trigger("input", { text: event.target.value }), 300);
});

// What a reader says of a finding.
element.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-opinion]");
  if (!form) return;
  event.preventDefault();
  const said = new FormData(form);
  trigger("submit", { verdict: said.get("verdict"), sees: said.get("sees") || null, reason: said.get("reason") });
});

// A part that is drawn anew keeps the focus, and the place in a text that is being typed.
let held = null;
element.addEventListener("focusin", (event) => (held = event.target.id ? event.target : null));
element.addEventListener("focusout", (event) => {
  if (event.relatedTarget) held = null;
});
const keepFocus = () => {
  const fresh = held && !held.isConnected && element.querySelector(`#${held.id}`);
  if (!fresh) return;
  const { id, value, selectionStart: caret } = held;
  fresh.focus({ preventScroll: true });
  if (id !== "seek") return;
  fresh.value = value;
  fresh.setSelectionRange(caret, caret);
};

// A job's address can be kept: the page that is opened with it shows the job again.
let address = null;
const keepAddress = () => {
  const kept = element.querySelector("[data-address]")?.dataset.address;
  if (kept === undefined || kept === address) return;
  address = kept;
  window.history.replaceState(null, "", kept || window.location.pathname);
};
watch("value", () => {
  keepFocus();
  keepAddress();
});
keepAddress();
