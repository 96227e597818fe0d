// Runs once in each of the page's parts; Gradio gives `element`, `trigger` and `watch`.
const tab = (name) => document.getElementById(`tab-${name}-button`);

// A tab's content comes a moment after its tab.
const whenShown = (find, does, looks = 60) => {
  const found = find();
  if (found?.checkVisibility()) does(found);
  else if (looks) requestAnimationFrame(() => whenShown(find, does, looks - 1));
};
const focusWhenShown = (find) => whenShown(find, (found) => found.focus({ preventScroll: !found.matches(".pick") }));

// What is asked names the job it is about: another may be on its way to this place.
const jobOf = (inside) => inside.closest("[data-job]").dataset.job;

const focusOnRow = (film) => focusWhenShown(() => document.getElementById(`film-${film}`));

// What is asked of the list while it is drawn waits until it is: Gradio drops what is asked meanwhile.
const SAME_LIST_MS = 1500; // a list that comes out as it was is not told of
let asked = {};
let drawing = null;
const askNext = () => {
  clearTimeout(drawing);
  drawing = null;
  if (!Object.keys(asked).length) return;
  drawing = setTimeout(askNext, SAME_LIST_MS);
  trigger("input", asked);
  asked = {};
};
const ask = (what) => {
  asked = { ...asked, ...what };
  if (!drawing) askNext();
};

element.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-open]")) {
    event.preventDefault();
    trigger("select", { job: at("[data-open]").dataset.open });
  } else if (at("[data-order]")) {
    ask({ order: at("[data-order]").dataset.order });
  } else if (at("[data-answer]")) {
    ask({ answer: at("[data-answer]").dataset.answer });
  } else if (at("[data-first]")) {
    ask({ first: Number(at("[data-first]").dataset.first) });
  } else if (at("[data-index]")) {
    trigger("select", { job: jobOf(event.target), index: Number(at("[data-index]").dataset.index) });
  } else if (at("[data-back]")) {
    tab("batch").click();
    focusOnRow(at("[data-reading]").dataset.reading);
  } else if (at("[data-card]")) {
    event.preventDefault();
    tab("system").click();
  } else if (at("[data-stop]")) {
    trigger("stop", { job: jobOf(event.target) });
  } else if (at("[data-forget]") && window.confirm(at("[data-forget]").dataset.forget)) {
    trigger("delete", { job: jobOf(event.target) });
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
  typing = setTimeout(() => ask({ text: event.target.value }), 300);
});

// What a reader says of a finding. What was ticked and not sent was meant for the film it was ticked beside.
const filmOf = (form) => `${jobOf(form)} ${form.closest("[data-reading]").dataset.reading}`;
let lastForm = "";
const emptyForm = () => {
  const form = element.querySelector("[data-opinion]");
  if (form && filmOf(form) !== lastForm) form.reset();
  lastForm = form ? filmOf(form) : "";
};
element.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-opinion]");
  if (!form) return;
  event.preventDefault();
  const said = new FormData(form);
  const opinion = { verdict: said.get("verdict"), sees: said.get("sees") || null, reason: said.get("reason") };
  trigger("submit", { job: jobOf(form), film: Number(form.closest("[data-reading]").dataset.reading), opinion });
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

// Times are the reader's own.
const sayTimes = () => {
  for (const time of element.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }
};
watch("value", () => {
  emptyForm();
  keepFocus();
  sayTimes();
  askNext();
});
sayTimes();

// The browser goes back or forth to a job; one part, which is always there, asks for all.
if (element.closest("#foot")) {
  window.addEventListener("popstate", () => {
    const wanted = Object.fromEntries(new URLSearchParams(location.search));
    if (!wanted.job) return;
    const read = document.querySelector("[data-reading]")?.dataset.reading;
    trigger("select", wanted);
    if (read && !wanted.film) focusOnRow(read);
  });
}
