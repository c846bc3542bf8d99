// A health factor as a figure and a bar: from 1.0 at the left, where liquidation begins, to 2.0 at the right.

import { h, svg, text } from "../dom.js";
import { fixed } from "../format.js";
import { levelChip } from "./chip.js";

const EDGES = [1.05, 1.2, 1.5];
const WIDTH = 200;

/** Where a health factor lies on the bar, 0 to 1. Without a requirement it is full. */
export function share(factor) {
  return factor === null ? 1 : Math.min(1, Math.max(0.015, Number(factor) - 1));
}

/** Fill a table cell. */
export function healthCell(td, { health_factor: factor, level }) {
  if (!td.firstChild) {
    const marks = EDGES.map((edge) => svg("rect", { class: "mark", x: (edge - 1) * WIDTH, y: 0, width: 1, height: 8 }));
    const bar = [svg("rect", { class: "track", width: WIDTH, height: 8, rx: 2 }), svg("rect", { class: "fill", y: 1, height: 6, rx: 2 }), ...marks];
    const props = { class: "meter", viewBox: `0 0 ${WIDTH} 8`, preserveAspectRatio: "none", "aria-hidden": "true" };
    td.append(h("div", { class: "health" }, h("b"), svg("svg", props, bar)));
    td.classList.add("health-cell");
  }
  td.dataset.level = level ?? "safe";
  text(td.querySelector("b"), factor === null ? "–" : fixed(factor, 3));
  td.querySelector(".fill").setAttribute("width", (share(factor) * WIDTH).toFixed(1));
}


/** Fill a table cell with a level chip. */
export function levelCell(td, { level }) {
  const name = level ?? "safe";
  if (td.firstChild?.dataset.level !== name) td.replaceChildren(levelChip(level));
}
