// The tables of the risk page, and the form that asks "what if".

import { get } from "../api.js";
import { h, svg, text } from "../dom.js";
import { ago, exact, fixed, money } from "../format.js";
import { column, num, table } from "../table.js";
import { levelChip } from "./chip.js";

const count = (value) => value.toLocaleString("en");
const share = (value) => `${fixed(value, 1)} %`;

function coverCell(td, { shortfall, uncovered }) {
  const owed = Number(shortfall);
  const paid = owed ? 1 - Number(uncovered) / owed : 1;
  td.replaceChildren(
    owed
      ? svg("svg", { class: "cover", viewBox: "0 0 84 8", role: "img", "aria-label": `${Math.round(paid * 100)} % covered` },
          [svg("rect", { class: "track", width: 84, height: 8, rx: 2 }), svg("rect", { class: "fill", width: (paid * 84).toFixed(1), height: 8, rx: 2 })])
      : h("span", {}, "–"),
  );
  td.parentElement.classList.toggle("bad", Number(uncovered) > 0);
}

/** Scenarios, worst of the fund at a glance. */
export function stressTable(parent) {
  return table(parent, [
    column("Prices", (row) => row.name.replace("-", "−")),
    num("Liquidatable", (row) => count(row.liquidatable), { hint: "accounts below maintenance" }),
    num("Notional", (row) => money(row.liquidated), { hint: "of those accounts" }),
    num("Lost", (row) => money(row.lost), { only: "only-wide", hint: "by the accounts that lose" }),
    num("Bankrupt", (row) => count(row.bankrupt), { hint: "accounts below zero" }),
    num("Owed", (row) => money(row.shortfall), { hint: "by bankrupt accounts beyond their equity" }),
    { title: "Funds cover", cell: coverCell },
    num("Uncovered", (row) => money(row.uncovered), { hint: "left to deleveraging and shared loss" }),
  ], (row) => row.name, { empty: "The scenarios are being worked out." });
}

/** What an alert is about: its kind, or the operator's rule with the figures that made it true. */
function about({ kind, market, rule, figures }) {
  if (!rule) return kind.replaceAll("_", " ");
  const place = market ? ` in ${market}` : "";
  return `${rule}${place}: ${figures.map(({ name, value }) => `${name.replaceAll("_", " ")} ${exact(value)}`).join(", ") || "no longer"}`;
}

/** The newest alerts of all accounts; an account leads to its page. */
export function alertTable(parent) {
  return table(parent, [
    column("When", (row) => ago((Date.now() - row.at / 1000) / 1000)),
    { title: "Level", cell: (td, row) => td.replaceChildren(levelChip(row.level)) },
    { title: "Account", cell: (td, row) => td.firstChild ?? td.append(h("a", { class: "link-button", href: `/account.html#${row.account}` }, row.account)) },
    { title: "What", cell: (td, row) => td.replaceChildren(h("span", { title: row.formula }, about(row))) },
    num("Health", (row) => fixed(row.health_factor, 3)),
  ], (row) => row.seq, { empty: "No alerts." });
}

/** Long, short and concentration by market. */
export function exposureTable(parent) {
  return table(parent, [
    column("Market", (row) => row.market),
    num("Holders", (row) => count(row.holders)),
    num("Long", (row) => money(row.long)),
    num("Short", (row) => money(row.short)),
    column("Largest holder", (row) => `${row.largest_account} · ${share(row.largest_percent)}`),
    num("Ten largest", (row) => share(row.top_ten_percent)),
    num("Concentration", (row) => share(row.concentration_percent), { only: "only-wide", hint: "Herfindahl: 100 % when one account holds all" }),
  ], (row) => row.market, { empty: "Nobody has a position." });
}

/** Value at risk of the largest accounts over a day. */
export function tailTable(parent) {
  const over = (row) => row.horizons.find(({ hours }) => hours === 24);
  return table(parent, [
    column("Account", (row) => row.account),
    num("Gross", (row) => money(row.gross)),
    num("95 %", (row) => money(over(row).var_95)),
    num("99 %", (row) => money(over(row).var_99)),
    num("Shortfall 99 %", (row) => money(over(row).shortfall_99), { hint: "mean of the worst losses" }),
  ], (row) => row.account, { empty: "Nobody has a position." });
}

const FIGURES = [["health_factor", "Health factor", 3], ["equity", "Equity", 2], ["initial_margin", "Initial margin", 2], ["maintenance_margin", "Maintenance margin", 2]];

function outcome(columns) {
  const names = Object.keys(columns);
  const head = h("tr", {}, h("th", { scope: "col" }), names.map((name) => h("th", { scope: "col", class: "num" }, name)));
  const rows = FIGURES.map(([key, title, digits]) => h("tr", {}, h("td", {}, title), names.map((name) => h("td", { class: "num" }, fixed(columns[name][key], digits)))));
  return h("table", {}, h("thead", {}, head), h("tbody", {}, rows));
}

/** The form: an order, a move of all prices, or both questions side by side. */
export function whatIf(form, parent) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
    try {
      const [order, prices] = await Promise.all([
        asked.size ? get(`accounts/${asked.account}/what-if/order`, { market: asked.market, side: asked.side, size: asked.size, price: asked.price || null }) : null,
        asked.percent || !asked.size ? get(`accounts/${asked.account}/what-if/prices`, { percent: asked.percent || "0" }) : null,
      ]);
      const columns = { now: (order ?? prices).before };
      if (order) columns["after the order"] = order.after;
      if (prices && asked.percent) columns[`prices ${asked.percent} %`] = prices.after;
      const verdict = order && h("p", { class: order.allowed ? "up" : "down" }, order.allowed ? "Margin allows the order." : "Margin refuses the order.");
      const price = order?.liquidation_price ? h("p", { class: "note" }, `Fee ${fixed(order.fee, 2)}. Liquidated in this market beyond ${exact(order.liquidation_price)}.`) : null;
      parent.replaceChildren(...[verdict, outcome(columns), price].filter(Boolean));
    } catch (error) {
      parent.replaceChildren(h("p", { class: "down" }, error.message));
    }
  });
}

/** Say out of how many. */
export function considered(element, { considered: some, total }) {
  text(element, some < total ? `${count(some)} of ${count(total)} accounts, worst first` : `${count(total)} accounts`);
}
