// A level in its colour.

import { h } from "../dom.js";

/** A level as a chip; accounts outside every level are safe. */
export function levelChip(level) {
  return h("span", { class: "chip", "data-level": level ?? "safe" }, level ?? "safe");
}
