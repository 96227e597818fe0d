// Runs once in each of the page's parts; Gradio gives `element`, `trigger` and `watch`.
element.addEventListener("click", (event) => {
  const row = event.target.closest("[data-index]");
  if (row) trigger("select", { index: Number(row.dataset.index) });
  const page = event.target.closest("[data-first]");
  if (page) trigger("change_page", { first: Number(page.dataset.first) });
  if (event.target.closest("[data-stop]")) trigger("stop");
  if (event.target.closest("[data-forget]") && window.confirm("Delete this job, its findings and its films?")) {
    trigger("delete");
  }
});

// The arrow keys walk through the list of films.
element.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = event.target.closest("[data-index]");
  if (!step || !row) return;
  const rows = [...element.querySelectorAll("[data-index]")];
  const next = rows[rows.indexOf(row) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});

// What a reader says of a finding.
element.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-opinion]");
  if (!form) return;
  event.preventDefault();
  const said = new FormData(form);
  trigger("submit", {
    index: Number(form.closest("[data-reading]").dataset.reading),
    verdict: said.get("verdict"),
    sees: said.get("sees") || null,
    reason: said.get("reason"),
  });
});

// A job's address can be kept: the page that is opened with it shows the job again.
const keepAddress = () => {
  const job = element.querySelector("[data-job]");
  if (job) window.history.replaceState(null, "", `?job=${encodeURIComponent(job.dataset.job)}`);
};
watch("value", keepAddress);
