// Open positions, those of the least healthy account first.

import { h, keyed, text } from "../dom.js";
import { direction, exact, money } from "../format.js";
import { column, num, opener, table } from "../table.js";
import { healthCell, levelCell } from "./health.js";

const LEVELS = ["liquidatable", "critical", "warning", "watch"];

export function positions(section, levels, open) {
  const columns = [
    { title: "Account", cell: opener((row) => row.account) },
    { title: "Health factor", hint: "equity ÷ maintenance margin; marks at 1.05, 1.2 and 1.5", cell: healthCell },
    { title: "Level", cell: levelCell },
    column("Market", (row) => row.market),
    num("Size", (row) => exact(row.size), { way: (row) => direction(row.size) }),
    num("Value", (row) => money(row.value.replace("-", "")), { hint: "size × mark price" }),
    num("Unrealized", (row) => money(row.unrealized_pnl, true), { way: (row) => direction(row.unrealized_pnl) }),
    num("Equity", (row) => money(row.equity), { only: "only-wide", hint: "of the account" }),
  ];
  const show = table(section.querySelector(".body"), columns, (row) => `${row.account} ${row.market}`, {
    empty: "No open positions.",
    open: (row) => open(row.account),
  });

  function summary({ levels: counts }) {
    const named = LEVELS.map((level) => ({ level, count: counts[level] ?? 0 })).filter(({ count }) => count > 0);
    keyed(
      levels,
      named,
      ({ level }) => level,
      ({ level }) => h("span", { class: "chip", "data-level": level }, h("span")),
      (chip, { level, count }) => text(chip.firstChild, `${count} ${level}`),
    );
  }

  return { show: (answer) => show(answer.positions), summary };
}
