// The portfolio page: one account, what it holds, what it gained by source, and how well.

import { whenAddressed } from "./address.js";
import { $, h, segments } from "./dom.js";
import "./files.js";
import { day, direction, exact, fixed, money, percent } from "./format.js";
import { DAYS, Poll, headlineOf, keepAsking } from "./page.js";
import { columnPicture, linePicture, sharePicture } from "./panels/series.js";
import { Feed } from "./socket.js";
import { column, num, table } from "./table.js";

const state = { account: location.hash.slice(1), days: 30 };
const figure = headlineOf($("headline"), ["Equity", "Last 24 h", "Last 7 d", "Last 30 d", "Leverage", "Concentration"]);
const RATIOS = [
  ["Time-weighted return", "time_weighted", true], ["APR (simple)", "apr", true], ["APY (compounded)", "apy", true],
  ["Volatility, yearly", "volatility", "plain"], ["Sharpe", "sharpe"], ["Sortino", "sortino"], ["Calmar", "calmar"],
  ["Largest drawdown", "max_drawdown", "plain"], ["Drawdown now", "drawdown", "plain"],
  ["Value at risk 95 %, one day", "value_at_risk", "plain"], ["Expected shortfall 95 %", "expected_shortfall", "plain"],
  ["Win rate, days", "win_rate", "plain"], ["Profit factor", "profit_factor"],
];

const won = (title, key) => num(title, (row) => money(row[key], true), { way: (row) => direction(row[key]) });
const showDays = table($("days"), [
  column("Day", (row) => day(row.day)),
  won("Gain", "gain"), won("Price", "pnl"), won("Funding", "funding"), won("Yield", "yield"),
  num("Fees", (row) => money(row.fees)),
  num("Flows", (row) => money(row.flows, true)),
  num("Return", (row) => rate(row.return), { way: (row) => direction(row.return) }),
  num("Equity", (row) => money(row.equity_end)),
], (row) => row.day, { empty: "This account has no days yet." });
const showRatios = table($("ratios"), [
  column("Figure", (row) => row.name),
  num("", (row) => row.value),
], (row) => row.name, { empty: "" });
const showHeld = table($("held"), [
  column("Market", (row) => row.market),
  num("Size", (row) => exact(row.size)),
  num("Value", (row) => money(row.value)),
  won("Unrealized", "unrealized"),
], (row) => row.market, { empty: "No open position." });
const showVaults = table($("vaults"), [
  column("Vault", (row) => row.vault),
  num("Shares", (row) => row.shares.toLocaleString("en")),
  num("Worth", (row) => money(row.worth)),
], (row) => row.vault, { empty: "Nothing in vaults of the venue." });

const rate = (value) => (value === null ? "–" : `${percent(value, 2)} %`);
const number = (value) => (value === null ? "–" : fixed(value, 2));

function show(answer) {
  figure("Equity", money(answer.equity), `cash ${money(answer.cash)}`);
  for (const [name, span] of Object.entries(answer.windows)) figure(`Last ${name.replace(/(?<=\d)(?=[a-z])/, " ")}`, money(span.gain, true), rate(span.return), direction(span.gain));
  figure("Leverage", answer.allocation.leverage === null ? "–" : `${number(answer.allocation.leverage)}×`, `gross ${money(answer.allocation.gross)}`);
  figure("Concentration", number(answer.allocation.concentration), "1 = one market");
  const oldest = [...answer.days].reverse();
  linePicture($("equity"), "Equity by day", oldest, (row) => Number(row.equity_end), (row) => money(row.equity_end));
  columnPicture($("sources"), "Gains by source and day", oldest, [
    ["long", "price", (row) => Number(row.pnl)], ["sum-fill", "funding", (row) => Number(row.funding)], ["sum-yield", "yield", (row) => Number(row.yield)], ["short", "fees", (row) => -Number(row.fees)],
  ], (row) => `price ${money(row.pnl, true)}, funding ${money(row.funding, true)}, yield ${money(row.yield, true)}, fees ${money(row.fees)}`);
  const signed = new Map(answer.positions.map(({ market, value }) => [market, Number(value)]));
  sharePicture($("shares"), "Allocation", Object.entries(answer.allocation.shares).map(([name, share]) => ({ name, share: Number(share), value: signed.get(name) ?? 0 })));
  showRatios(RATIOS.map(([name, key, share]) => ({ name, value: !share ? number(answer.ratios[key]) : share === "plain" ? rate(answer.ratios[key]).replace("+", "") : rate(answer.ratios[key]) })));
  showDays(answer.days);
  showHeld(answer.positions);
  showVaults(answer.vaults);
}

function choose(account) {
  state.account = account;
  history.replaceState(null, "", `#${account}`);
  $("who").elements.account.value = account;
  for (const form of ["csv", "parquet"]) {
    $(form).href = `/api/v1/accounts/${account}/days?limit=366&format=${form}`;
    $(`held-${form}`).href = `/api/v1/accounts/${account}/portfolio?format=${form}`;
    $(`ratios-${form}`).href = `/api/v1/accounts/${account}/portfolio?table=ratios&days=${state.days}&format=${form}`;
  }
  polls.equity.now();
}

const polls = {
  leaders: new Poll("leaders", 30000, () => ["leaderboard", { limit: 50 }], ({ accounts }) => {
    $("leaders").replaceChildren(...accounts.map(({ account }) => h("option", { value: account })));
    if (!state.account && accounts.length) choose(accounts[0].account);
  }),
  equity: new Feed("equity", () => (state.account ? { channel: "portfolio", account: state.account, days: state.days } : null), show),
};

segments($("span"), DAYS, state.days, (value) => {
  state.days = Number(value);
  if (state.account) choose(state.account);
});
$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  choose($("who").elements.account.value.trim());
});
$("who").elements.account.addEventListener("change", (event) => event.target.checkValidity() && choose(event.target.value.trim()));
whenAddressed(choose);
if (state.account) choose(state.account);
keepAsking(polls);
