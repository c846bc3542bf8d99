// The account page: what an account holds and owes, how healthy it is, its orders, its money and every entry of its books.

import { whenAddressed } from "./address.js";
import { $, h, segments, text } from "./dom.js";
import { ago, direction, exact, fixed, money, signed } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { levelChip } from "./panels/chip.js";
import { session } from "./api.js";
import { column, num, table } from "./table.js";

const state = { account: location.hash.slice(1) || session()?.user || "", which: "open" };
const TITLES = ["Health factor", "Equity", "Initial margin", "Maintenance margin", "Unsettled funding", "Collateral"];
const figure = headlineOf($("headline"), TITLES);
const since = (at) => (at ? ago(Date.now() / 1000 - at / 1e6) : "–");
const words = (value) => (value ?? "").replaceAll("_", " ");

const showHeld = table($("held"), [
  column("Market", (row) => row.market),
  num("Size", (row) => exact(row.size), { way: (row) => direction(row.size) }),
  num("Entry", (row) => (row.entry_price === null ? "–" : fixed(row.entry_price, 2))),
  num("Mark", (row) => exact(row.mark)), num("Value", (row) => money(row.value)),
  num("Unrealized", (row) => signed(row.unrealized_pnl, 2), { way: (row) => direction(row.unrealized_pnl) }),
  num("Maintenance", (row) => money(row.maintenance_margin)),
], (row) => row.market, { empty: "No open positions." });
const showOrders = table($("orders"), [
  column("Placed", (row) => since(row.placed_at)),
  column("Market", (row) => row.market),
  column("Side", (row) => row.side, { way: (row) => (row.side === "buy" ? "up" : "down") }),
  column("Type", (row) => words(`${row.order_type} ${row.time_in_force}`)),
  num("Price", (row) => exact(row.price)), num("Size", (row) => exact(row.size)), num("Filled", (row) => exact(row.filled)),
  column("State", (row) => words(row.state)),
], (row) => row.order_id, { empty: "No orders." });
const showLedger = table($("ledger"), [
  column("When", (row) => since(row.at)),
  column("Kind", (row) => words(row.kind)),
  column("Book", (row) => row.account.split(":")[0], { className: "long" }),
  column("Asset", (row) => row.asset),
  num("Amount", (row) => signed(row.amount, 6), { way: (row) => direction(row.amount) }),
  num("Transaction", (row) => `#${row.transaction_id}`),
], (row) => `${row.transaction_id} ${row.leg}`, { empty: "Nothing was booked yet." });
const showMoves = table($("moves"), [
  column("When", (row) => since(row.at)),
  column("What", (row) => words(row.kind)),
  column("State", (row) => words(row.status)),
  num("Amount", (row) => signed(row.amount, 2)),
], (row) => row.transfer_id, { empty: "No money was moved yet." });
const showAlerts = table($("alerts"), [
  column("When", (row) => since(row.raised_at)),
  { title: "Level", cell: (td, row) => td.replaceChildren(levelChip(row.level)) },
  column("What", (row) => `${words(row.kind)}${row.market ? ` in ${row.market}` : ""}`),
  column("", (row) => (row.resolved ? "resolved" : row.acknowledged ? "seen" : "")),
], (row) => row.seq, { empty: "No alerts." });
const showLimits = table($("holding"), [
  column("Limit", (row) => words(row.name)), num("", (row) => row.value),
], (row) => row.name, { empty: "The account has set no limits." });

function showAccount(found) {
  figure("Health factor", found.health_factor === null ? "–" : fixed(found.health_factor, 4), found.liquidating ? "is being liquidated" : (found.level ?? "safe"), found.level ? "down" : "up");
  figure("Equity", money(found.equity), `cash ${money(found.cash)}`);
  figure("Initial margin", money(found.initial_margin));
  figure("Maintenance margin", money(found.maintenance_margin));
  figure("Unsettled funding", signed(found.unsettled_funding, 4), "", direction(found.unsettled_funding));
  figure("Collateral", found.collateral?.length ? String(found.collateral.length) : "–", found.collateral?.map(({ asset }) => asset).join(" ") ?? "");
  showHeld(found.positions);
}

/** Who has just signed in has paid nothing in: that is no fault, and said in words. */
function showNothing() {
  for (const title of TITLES) figure(title, "–", title === "Equity" ? "nothing was paid in yet" : "");
  showHeld([]);
}

function choose(account) {
  state.account = account;
  history.replaceState(null, "", `#${account}`);
  $("who").elements.account.value = account;
  for (const poll of Object.values(polls)) poll.now();
}

const about = (what, parameters = () => ({})) => () => state.account && [`accounts/${state.account}${what}`, parameters()];
const polls = {
  held: new Poll("held", 2000, about(""), showAccount, showNothing),
  orders: new Poll("orders", 2500, about("/orders", () => ({ state: state.which, limit: 100 })), ({ orders }) => showOrders(orders)),
  ledger: new Poll("ledger", 5000, about("/ledger", () => ({ limit: 100 })), ({ entries }) => showLedger(entries)),
  moves: new Poll("moves", 5000, about("/transfers", () => ({ limit: 50 })), (answer) => showMoves(answer.transfers)),
  alerts: new Poll("alerts", 4000, about("/alerts", () => ({ limit: 50 })), ({ alerts }) => showAlerts(alerts)),
  limits: new Poll("holding", 10000, about("/limits"), ({ limits }) => showLimits(Object.entries(limits ?? {}).filter(([, value]) => value !== null).map(([name, value]) => ({ name, value: String(value) })))),
};

segments($("which"), ["open", "all", "filled", "canceled"].map((value) => ({ value, label: value[0].toUpperCase() + value.slice(1) })), state.which, (value) => {
  state.which = value;
  polls.orders.now();
});
$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  choose($("who").elements.account.value.trim());
});
$("who").elements.account.addEventListener("change", (event) => event.target.checkValidity() && choose(event.target.value.trim()));
if (state.account) choose(state.account);
else $("held").replaceChildren(h("p", { class: "empty" }, "Name an account, or sign in to see yours."));
whenAddressed((account) => account !== state.account && choose(account));
keepAsking(polls);
