// The newest liquidation steps.

import { direction, exact, timeOfDay } from "../format.js";
import { coloured, opener, plain, table } from "../table.js";

/** What was closed on the book and what the insurance fund took over, as one signed size. */
function liquidated(row) {
  return /[1-9]/.test(row.closed) ? row.closed : row.taken_over;
}

export function liquidations(section, open) {
  const columns = [
    { title: "Time", cell: plain((row) => timeOfDay(row.at)) },
    { title: "Account", cell: opener((row) => row.account) },
    { title: "Market", cell: plain((row) => row.market.replace("-PERP", "")) },
    { title: "Size", num: true, cell: coloured((row) => exact(liquidated(row)), (row) => direction(liquidated(row))) },
    { title: "Mark", num: true, cell: plain((row) => exact(row.mark)) },
  ];
  const show = table(section.querySelector(".body"), columns, (row) => row.seq, {
    empty: "No liquidations.",
    open: (row) => open(row.account),
  });
  return { show: (answer) => show(answer.liquidations) };
}
