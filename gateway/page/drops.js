// Files that are dropped anywhere on the page go to the drop zone of the tab in front; the browser never opens them.
(() => {
  const zone = () => [...document.querySelectorAll("#drop-read, #drop-batch")].find((one) => one.checkVisibility());
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const HOVERS = "files-hover";
  let leaves;
  const hover = (does) => {
    clearTimeout(leaves);
    document.documentElement.classList.toggle(HOVERS, does);
    if (does) leaves = setTimeout(hover, 500, false); // a file that hovers says so again and again
  };

  const over = (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = zone() ? "copy" : "none";
    hover(true);
  };
  const dropped = (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    hover(false);
    if (zone()?.contains(event.target)) return; // Gradio takes them
    const input = zone()?.querySelector("input[type=file]");
    const taken = new DataTransfer();
    for (const item of event.dataTransfer.items) {
      if (item.kind === "file" && !item.webkitGetAsEntry()?.isDirectory) taken.items.add(item.getAsFile());
    }
    if (!input || !taken.files.length) return;
    input.files = taken.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  window.addEventListener("dragenter", over, true);
  window.addEventListener("dragover", over, true);
  window.addEventListener("drop", dropped, true);
})();
