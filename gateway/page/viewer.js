// The film's viewer: zoom, place, brightness, contrast, inversion, heatmap. Nothing of it leaves the browser.
// Brightness and contrast start anew with each film; inversion and heatmap stay as the reader likes them.
const START = { zoom: 1, x: 0, y: 0, brightness: 0, contrast: 0 };
const seen = { ...START, invert: false, heat: 60, shownHeat: 60, film: "" };
const MOST_ZOOM = 8;
const STEP = { zoom: 1.25, move_px: 60, slider: 8 };

const find = (selector) => element.querySelector(selector);
const bounded = (value, least, most) => Math.min(Math.max(value, least), most);

// A grey level g in [0, 1] is shown as (g - level) / width + 0.5: what a viewer's window centre and width do.
const drawWindow = () => {
  const level = 0.5 - seen.brightness / 200;
  const width = 2 ** (-seen.contrast / 50);
  const line = { slope: 1 / width, intercept: 0.5 - level / width };
  const shown = seen.invert ? { slope: -line.slope, intercept: 1 - line.intercept } : line;
  element.querySelectorAll("#film-window feComponentTransfer > *").forEach((channel) => {
    channel.setAttribute("slope", shown.slope);
    channel.setAttribute("intercept", shown.intercept);
  });
};

// Gradio keeps a picture's element for the next film, and a browser paints the former film until the next has come: a
// picture is hidden, by its class, until it is its own. One that a slow decoder is still busy with, and one that did not
// come, must not look like a black film either.
const showPicture = (picture) => {
  const { src } = picture, loading = find(".loading");
  const say = (words) => {
    if (!picture.matches(".film")) return;
    loading.textContent = words;
    loading.hidden = !words;
  };
  const settle = () => {
    if (picture.src !== src || !picture.complete) return; // it is another film's by now
    const came = picture.naturalWidth > 0;
    picture.settled = src;
    picture.classList.toggle("here", came);
    say(came ? "" : "The film cannot be shown at the moment.");
  };
  if (picture.settled === src) {
    settle();
  } else {
    picture.settled = "";
    say("Loading the film");
    if (picture.complete) settle();
    else picture.onload = picture.onerror = settle;
  }
};

// Chosen in a long list, which is hidden now: the page starts at the film, and the film takes the keyboard's focus.
const startAtTop = () => {
  const lost = () => document.activeElement === document.body || !document.activeElement.checkVisibility();
  focusWhenShown(() => (lost() ? find(".light-box") : null));
  whenShown(() => find(".way"), (way) => {
    const { top } = way.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight / 2) way.scrollIntoView();
  });
};

const draw = () => {
  const box = find(".light-box[data-film]");
  if (!box) return;
  if (seen.film !== box.dataset.film) {
    Object.assign(seen, START, { film: box.dataset.film });
    if (find(".way")) startAtTop();
  }
  const room = { x: ((seen.zoom - 1) * box.clientWidth) / 2, y: ((seen.zoom - 1) * box.clientHeight) / 2 };
  seen.x = bounded(seen.x, -room.x, room.x);
  seen.y = bounded(seen.y, -room.y, room.y);
  find(".stage").style.transform = `translate(${seen.x}px, ${seen.y}px) scale(${seen.zoom})`;
  box.classList.toggle("zoomed", seen.zoom > 1);
  find(".zoom-said").value = `${Math.round(seen.zoom * 100)} %`;
  element.style.setProperty("--heat", seen.heat / 100);
  for (const [id, value] of [["heat-opacity", seen.heat], ["film-brightness", seen.brightness], ["film-contrast", seen.contrast]]) {
    const slider = find(`#${id}`);
    if (slider) slider.value = value;
  }
  element.querySelectorAll(".stage img").forEach(showPicture);
  find("[data-do=invert]").setAttribute("aria-pressed", seen.invert);
  drawWindow();
};

// Zooms so that the place under the pointer stays under it; without one, the middle stays.
const zoomTo = (zoom, event) => {
  const box = find(".light-box").getBoundingClientRect();
  const at = event ? { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 } : { x: 0, y: 0 };
  const next = bounded(zoom, 1, MOST_ZOOM);
  seen.x = at.x - ((at.x - seen.x) * next) / seen.zoom;
  seen.y = at.y - ((at.y - seen.y) * next) / seen.zoom;
  seen.zoom = next;
};
const slide = (name, by) => (seen[name] = bounded(seen[name] + by, -100, 100));
const toggleHeat = () => {
  if (seen.heat) seen.shownHeat = seen.heat;
  seen.heat = seen.heat ? 0 : seen.shownHeat;
};
const DOES = {
  "zoom-in": () => zoomTo(seen.zoom * STEP.zoom),
  "zoom-out": () => zoomTo(seen.zoom / STEP.zoom),
  fit: () => Object.assign(seen, { zoom: 1, x: 0, y: 0 }),
  invert: () => (seen.invert = !seen.invert),
  heat: toggleHeat,
  reset: () => Object.assign(seen, START, { invert: false, heat: 60 }),
  left: () => (seen.x += STEP.move_px),
  right: () => (seen.x -= STEP.move_px),
  up: () => (seen.y += STEP.move_px),
  down: () => (seen.y -= STEP.move_px),
  darker: () => slide("brightness", -STEP.slider),
  brighter: () => slide("brightness", STEP.slider),
  flatter: () => slide("contrast", -STEP.slider),
  steeper: () => slide("contrast", STEP.slider),
};
const KEYS = {
  "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "_": "zoom-out", 0: "fit", i: "invert", h: "heat", r: "reset",
  "[": "darker", "]": "brighter", "{": "flatter", "}": "steeper",
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) DOES[button.dataset.do]();
  if (button) draw();
});
element.addEventListener("input", (event) => {
  if (event.target.id === "heat-opacity") seen.heat = Number(event.target.value);
  if (event.target.id === "film-brightness") seen.brightness = Number(event.target.value);
  if (event.target.id === "film-contrast") seen.contrast = Number(event.target.value);
  if (event.target.type === "range") draw();
});
const turn = { n: "#next-film", p: "#previous-film" };
element.addEventListener("keydown", (event) => {
  if (event.target.matches(".light-box") && turn[event.key]) find(turn[event.key])?.click();
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does || !event.target.matches(".light-box[data-film]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && seen.zoom === 1) return;
  event.preventDefault();
  DOES[does]();
  draw();
});

// One pointer moves a zoomed film, or with Shift or the right button sets the window; two pointers zoom.
const pointers = new Map();
const apart = () => {
  const [a, b] = [...pointers.values()];
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
};
element.addEventListener("pointerdown", (event) => {
  const box = event.target.closest(".light-box[data-film]");
  if (!box) return;
  pointers.set(event.pointerId, event);
  if (event.pointerType !== "touch" || seen.zoom > 1 || pointers.size > 1) box.setPointerCapture(event.pointerId);
});
element.addEventListener("pointermove", (event) => {
  const last = pointers.get(event.pointerId);
  if (!last) return;
  const by = { x: event.clientX - last.clientX, y: event.clientY - last.clientY };
  const before = pointers.size === 2 ? apart() : 0;
  pointers.set(event.pointerId, event);
  if (before) {
    zoomTo((seen.zoom * apart()) / before, event);
  } else if (event.shiftKey || event.buttons === 2) {
    slide("contrast", by.x / 3);
    slide("brightness", -by.y / 3);
  } else if (seen.zoom > 1) {
    seen.x += by.x;
    seen.y += by.y;
  } else {
    return;
  }
  draw();
});
for (const end of ["pointerup", "pointercancel"]) {
  element.addEventListener(end, (event) => pointers.delete(event.pointerId));
}
element.addEventListener("contextmenu", (event) => {
  if (event.target.closest(".light-box[data-film]")) event.preventDefault();
});
element.addEventListener("dblclick", (event) => {
  if (!event.target.closest(".light-box[data-film]")) return;
  zoomTo(seen.zoom > 1 ? 1 : 2.5, event);
  draw();
});
// The wheel scrolls the page until the reader has taken hold of the film.
let taken = false;
element.addEventListener("focusout", (event) => {
  if (event.target.matches(".light-box")) taken = false;
});
for (const takes of ["pointerdown", "keydown"]) {
  element.addEventListener(takes, (event) => (taken = event.target.closest(".light-box[data-film]") !== null));
}
element.addEventListener(
  "wheel",
  (event) => {
    const box = event.target.closest(".light-box[data-film]");
    if (!box || !(event.ctrlKey || taken)) return;
    event.preventDefault();
    zoomTo(seen.zoom * Math.exp(-event.deltaY / 400), event);
    draw();
  },
  { passive: false },
);
window.addEventListener("resize", draw);
watch("value", draw);
draw();
