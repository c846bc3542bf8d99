// The newest liquidation steps.

import { direction, exact, timeOfDay } from "../format.js";
import { coloured, opener, plain, table } from "../table.js";

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
    { title: "Time", cell: plain((row) => timeOfDay(row.at)) },
    { title: "Account", cell: opener((row) => row.account) },
    { title: "Market", cell: plain((row) => row.market.replace("-PERP", "")) },
    { title: "Size", num: true, cell: coloured((row) => exact(liquidated(row)), (row) => direction(liquidated(row))) },
    { title: "By", cell: plain(how) },
    { title: "Mark", num: true, cell: plain((row) => exact(row.mark)) },
  ];
  const show = table(section.querySelector(".body"), columns, (row) => row.seq, {
    empty: "No liquidations.",
    open: (row) => open(row.account),
  });
  return { show: (answer) => show(answer.liquidations) };
}
