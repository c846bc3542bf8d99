// What closes a dialog: its button, a press beside it, and Escape, by itself. Where one was is where one is again.

import { svg } from "./dom.js";

for (const dialog of document.querySelectorAll("dialog")) {
  const button = dialog.querySelector("[data-close]");
  button.append(svg("svg", { viewBox: "0 0 16 16", stroke: "currentColor", "stroke-width": "1.6", "stroke-linecap": "round", "aria-hidden": "true" }, svg("path", { d: "M4 4l8 8M12 4l-8 8" })));
  button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
