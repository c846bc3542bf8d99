// The newest liquidation steps.

import { direction, exact, timeOfDay } from "../format.js";
import { column, num, opener, table } from "../table.js";

const MEANS = [
  ["closed", "book"],
  ["taken_over", "fund"],
  ["deleveraged", "deleveraged"],
];

/** Who took something of the position in this step: the book, the insurance fund, the other side. */
function taken(row) {
  return MEANS.filter(([size]) => /[1-9]/.test(row[size] ?? ""));
}

/** What was closed by the first of them, signed. */
function liquidated(row) {
  return row[(taken(row)[0] ?? MEANS[0])[0]];
}

/** By whom, or why nothing went. */
function how(row) {
  return taken(row).map(([, means]) => means).join(" + ") || (row.waits ?? "").replaceAll("_", " ");
}

export function liquidations(section, open) {
  const columns = [
    column("Time", (row) => timeOfDay(row.at)),
    { title: "Account", cell: opener((row) => row.account) },
    column("Market", (row) => row.market.replace("-PERP", "")),
    num("Size", (row) => exact(liquidated(row)), { way: (row) => direction(liquidated(row)) }),
    column("By", how),
    num("Mark", (row) => exact(row.mark)),
  ];
  const show = table(section.querySelector(".body"), columns, (row) => row.seq, {
    empty: "No liquidations.",
    open: (row) => open(row.account),
  });
  return { show: (answer) => show(answer.liquidations) };
}
