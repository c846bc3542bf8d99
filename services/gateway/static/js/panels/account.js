// One account in a dialog: margin, positions, earnings.

import { get } from "../api.js";
import { h } from "../dom.js";
import { day, direction, exact, fixed, signed } from "../format.js";
import { levelChip } from "./chip.js";

function sheet(entries) {
  return h("dl", { class: "sheet" }, entries.map(([name, value, way]) => h("div", {}, h("dt", {}, name), h("dd", { class: way }, value))));
}

function grid(titles, rows) {
  const cell = ([value, way], at) => h("td", { class: [at ? "num" : "", way].filter(Boolean).join(" ") || null }, value);
  return h(
    "div",
    { class: "scroll" },
    h("table", {}, h("thead", {}, h("tr", {}, titles.map((title, at) => h("th", { scope: "col", class: at ? "num" : null }, title)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))),
  );
}

function margin(account) {
  return sheet([
    ["Health factor", account.health_factor === null ? "–" : fixed(account.health_factor, 4)],
    ["Equity", fixed(account.equity, 2)],
    ["Maintenance margin", fixed(account.maintenance_margin, 2)],
    ["Initial margin", fixed(account.initial_margin, 2)],
    ["Cash", fixed(account.cash, 2)],
    ["Unsettled funding", signed(account.unsettled_funding, 2), direction(account.unsettled_funding)],
  ]);
}

function held(account) {
  if (!account.positions.length) return h("p", { class: "note" }, "No open positions.");
  const rows = account.positions.map((row) => [
    [row.market],
    [exact(row.size), direction(row.size)],
    [row.entry_price === null ? "–" : fixed(row.entry_price, 2)],
    [exact(row.mark)],
    [fixed(row.value, 2)],
    [signed(row.unrealized_pnl, 2), direction(row.unrealized_pnl)],
    [fixed(row.maintenance_margin, 2)],
  ]);
  return grid(["Market", "Size", "Entry", "Mark", "Value", "Unrealized", "Maintenance"], rows);
}

function resting(account) {
  if (!account.orders?.length) return h("p", { class: "note" }, account.orders ? "No resting orders." : "Orders are not known: matching does not answer.");
  const way = (row) => (row.side === "buy" ? "up" : "down");
  const rows = account.orders.slice(0, 20).map((row) => [[row.market], [row.side, way(row)], [exact(row.price)], [exact(row.size)], [exact(row.remaining)]]);
  return grid(["Market", "Side", "Price", "Size", "Remaining"], rows);
}

function earned(earnings) {
  const days = [...(earnings.open_day ? [{ ...earnings.open_day, open: true }] : []), ...earnings.days.filter((row) => row.closed)];
  if (!days.length) return h("p", { class: "note" }, "No closed day yet.");
  const money = (value) => [signed(value, 2), direction(value)];
  const rows = days.slice(0, 14).map((row) => [[row.open ? "today" : day(row.day)], money(row.pnl), money(row.funding), [fixed(row.fees, 2)], money(row.flows), [fixed(row.equity_end, 2)]]);
  return grid(["Day", "PnL", "Funding", "Fees", "Flows", "Equity"], rows);
}

/** Returns open(account). */
export function accountDialog(dialog) {
  const title = dialog.querySelector("h2");
  const level = dialog.querySelector("#account-level");
  const content = dialog.querySelector(".content");
  let asked = "";

  return async function open(name) {
    asked = name;
    title.textContent = name;
    level.replaceChildren();
    content.replaceChildren(h("p", { class: "quiet" }, "Loading…"));
    if (!dialog.open) dialog.showModal();
    const [account, earnings] = await Promise.allSettled([get(`accounts/${name}`), get(`earnings/${name}`)]);
    if (asked !== name) return;
    if (account.status === "rejected") {
      content.replaceChildren(h("p", { class: "quiet" }, account.reason.message));
      return;
    }
    level.replaceChildren(levelChip(account.value.level));
    const tail = earnings.status === "fulfilled" ? earned(earnings.value) : h("p", { class: "note" }, earnings.reason.message);
    content.replaceChildren(margin(account.value), h("h3", {}, "Positions"), held(account.value), h("h3", {}, "Resting orders"), resting(account.value), h("h3", {}, "Earnings by day (UTC)"), tail);
  };
}
