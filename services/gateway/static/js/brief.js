// Figures for fields that are too small for them.

import { fixed } from "./format.js";

/** A figure in at most six characters, for a small field: "-226.07" -> "−226.1", "12345.67" -> "12K". */
export function brief(value) {
  const size = Math.abs(value);
  for (const [limit, unit, letter] of [[9999.5e6, 1e9, "B"], [9999.5e3, 1e6, "M"], [9999.5, 1e3, "K"]]) {
    if (size >= limit) return fixed((value / unit).toFixed(0), 0) + letter;
  }
  return fixed(value, size >= 999.95 ? 0 : size >= 99.995 ? 1 : 2);
}
