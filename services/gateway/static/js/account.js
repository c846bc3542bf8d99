// The account page: what an account holds and owes, how healthy it is, its orders, its money and every entry of its books.

import { h, segments, text } from "./dom.js";
import { ago, direction, exact, fixed, money, signed } from "./format.js";
import { headlineOf, keepAsking } from "./page.js";
import { levelChip } from "./panels/chip.js";
import { Poll } from "./poll.js";
import { session } from "./session.js";
import { coloured, plain, table } from "./table.js";

const $ = (id) => document.getElementById(id);
const state = { account: location.hash.slice(1) || session()?.user || "", which: "open" };
const TITLES = ["Health factor", "Equity", "Initial margin", "Maintenance margin", "Unsettled funding", "Collateral"];
const figure = headlineOf($("headline"), TITLES);
const num = (title, read, way) => ({ title, num: true, className: "num", cell: way ? coloured(read, way) : plain(read) });
const since = (at) => (at ? ago(Date.now() / 1000 - at / 1e6) : "–");
const words = (value) => (value ?? "").replaceAll("_", " ");

const showHeld = table($("held"), [
  { title: "Market", cell: plain((row) => row.market) },
  num("Size", (row) => exact(row.size), (row) => direction(row.size)),
  num("Entry", (row) => (row.entry_price === null ? "–" : fixed(row.entry_price, 2))),
  num("Mark", (row) => exact(row.mark)), num("Value", (row) => money(row.value)),
  num("Unrealized", (row) => signed(row.unrealized_pnl, 2), (row) => direction(row.unrealized_pnl)),
  num("Maintenance", (row) => money(row.maintenance_margin)),
], (row) => row.market, { empty: "No open positions." });
const showOrders = table($("orders"), [
  { title: "Placed", cell: plain((row) => since(row.placed_at)) },
  { title: "Market", cell: plain((row) => row.market) },
  { title: "Side", cell: coloured((row) => row.side, (row) => (row.side === "buy" ? "up" : "down")) },
  { title: "Type", cell: plain((row) => words(`${row.order_type} ${row.time_in_force}`)) },
  num("Price", (row) => exact(row.price)), num("Size", (row) => exact(row.size)), num("Filled", (row) => exact(row.filled)),
  { title: "State", cell: plain((row) => words(row.state)) },
], (row) => row.order_id, { empty: "No orders." });
const showLedger = table($("ledger"), [
  { title: "When", cell: plain((row) => since(row.at)) },
  { title: "Kind", cell: plain((row) => words(row.kind)) },
  { title: "Book", className: "long", cell: plain((row) => row.account.split(":")[0]) },
  { title: "Asset", cell: plain((row) => row.asset) },
  num("Amount", (row) => signed(row.amount, 6), (row) => direction(row.amount)),
  num("Transaction", (row) => `#${row.transaction_id}`),
], (row) => `${row.transaction_id} ${row.leg}`, { empty: "Nothing was booked yet." });
const showMoves = table($("moves"), [
  { title: "When", cell: plain((row) => since(row.at)) },
  { title: "What", cell: plain((row) => words(row.kind)) },
  { title: "State", cell: plain((row) => words(row.status)) },
  num("Amount", (row) => signed(row.amount, 2)),
], (row) => row.transfer_id, { empty: "No money was moved yet." });
const showAlerts = table($("alerts"), [
  { title: "When", cell: plain((row) => since(row.raised_at)) },
  { title: "Level", cell: (td, row) => td.replaceChildren(levelChip(row.level)) },
  { title: "What", cell: plain((row) => `${words(row.kind)}${row.market ? ` in ${row.market}` : ""}`) },
  { title: "", cell: plain((row) => (row.resolved ? "resolved" : row.acknowledged ? "seen" : "")) },
], (row) => row.seq, { empty: "No alerts." });
const showLimits = table($("holding"), [
  { title: "Limit", cell: plain((row) => words(row.name)) }, num("", (row) => row.value),
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
text($("link"), "Asking");
keepAsking(polls);
