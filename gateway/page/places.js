// Where the visitor is stands in the address and in the title: reloading, a bookmark, Back and Forward lead there again.
(() => {
  const TABS = ["read", "batch", "system"];
  const button = (tab) => document.getElementById(`tab-${tab}-button`);
  const own = (tab) => document.querySelector(`#tab-${tab} [data-address]`)?.dataset.address;
  const query = (address) => Object.fromEntries(new URLSearchParams(address));

  // What a tab shows is its address; a tab that shows nothing of a job keeps what is open beside it.
  const addressOf = (tab) => {
    if (own(tab)) return own(tab);
    const beside = [inFront, ...TABS].map(own).find(Boolean);
    if (beside) return `${beside}&tab=${tab}`;
    return tab === "read" ? "" : `?tab=${tab}`;
  };

  let inFront = "read";
  let awaited = location.search || null; // an address that the page is being led to
  const keep = () => {
    const tab = TABS.find((name) => button(name)?.getAttribute("aria-selected") === "true");
    if (!tab) return;
    const film = tab === "read" ? document.querySelector("#tab-read [data-title]")?.dataset.title : null;
    const title = film ? `${film} · PneumoServe` : "PneumoServe";
    if (document.title !== title) document.title = title;
    const address = addressOf(tab);
    if (awaited !== null && awaited !== address) return;
    awaited = null;
    if (address !== location.search) {
      const [left, now] = [query(location.search), query(address)];
      const gone = left.job && !document.querySelector(`[data-address*="${CSS.escape(left.job)}"]`);
      const elsewhere = tab !== inFront || (left.job && left.job !== now.job);
      window.history[elsewhere && !gone ? "pushState" : "replaceState"](null, "", address || location.pathname);
    }
    inFront = tab;
  };
  const changes = { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected"] };
  new MutationObserver(keep).observe(document.documentElement, changes);

  // A job's address is opened by `page.js`, which can ask the gateway.
  window.addEventListener("popstate", () => {
    awaited = location.search;
    const { job, tab } = query(location.search);
    if (!job) button(tab ?? "read")?.click();
  });
  for (const acts of ["pointerdown", "keydown", "drop", "change"]) {
    window.addEventListener(acts, () => (awaited = null), true);
  }
})();
