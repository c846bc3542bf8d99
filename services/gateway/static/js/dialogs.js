// What closes a dialog.

import { svg } from "./dom.js";

for (const button of document.querySelectorAll("[data-close]")) {
  button.append(svg("svg", { viewBox: "0 0 16 16", stroke: "currentColor", "stroke-width": "1.6", "stroke-linecap": "round", "aria-hidden": "true" }, svg("path", { d: "M4 4l8 8M12 4l-8 8" })));
  button.addEventListener("click", () => button.closest("dialog").close());
}
