// The earnings page: what one account earned, day by day and month by month, and what vaults hold and pay.

import { whenAddressed } from "./address.js";
import { brief } from "./brief.js";
import { $, h } from "./dom.js";
import "./files.js";
import { compact, direction, fixed, money, percent } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { short } from "./panels/axis.js";
import { linesPicture } from "./panels/series.js";
import { column, num, table } from "./table.js";

const figure = headlineOf($("headline"), ["Earned in all", "In vaults", "Best net APY", "Total value locked"]);
let owner = location.hash.slice(1) || "taker-01";
let series = [];
$("month").value = new Date().toISOString().slice(0, 7);

const rate = (value) => (value === null ? "–" : `${percent(value, 2).replace("+", "")} %`);
const share = (title, key, hint) => num(title, (row) => rate(row[key]), { hint });
const where = column("Where", (row) => `${row.protocol} ${row.asset}`);
const riskOf = ({ risk, risk_reasons: reasons }) => (risk === null ? "–" : [risk, reasons.map((reason) => reason.replace("_", " ")).join(", ")].filter(Boolean).join(": "));
const standing = ({ vaults, paused }) => (paused === 0 ? "active" : paused === vaults ? "paused" : `${paused} of ${vaults} paused`);
const made = (title, key) => num(title, (row) => money(row[key], true), { way: (row) => direction(row[key]) });

const showMonths = table($("months"), [
  column("Month", (row) => row.month), where,
  num("Start", (row) => money(row.equity_start)), num("In", (row) => money(row.deposits), { hint: "deposits" }), num("Out", (row) => money(row.withdrawals), { hint: "withdrawals" }),
  made("Price", "pnl"), made("Funding", "funding"), made("Yield", "yield"), num("Fees", (row) => money(row.fees)),
  num("End", (row) => money(row.equity_end)), num("Days", (row) => String(row.active_days)),
  share("APR", "average_apr", "simple"), share("APY", "average_apy", "compounded daily"),
], (row) => `${row.month} ${row.protocol} ${row.asset}`, { empty: "Nothing is on record for this account." });
const showHeld = table($("held"), [
  column("Vault", (row) => row.vault), num("Value", (row) => `${fixed(row.value, 2)} ${row.asset}`),
  column("State", (row) => row.status, { way: (row) => (row.status === "active" ? "up" : "down") }),
  made("Earned", "earned_net"), num("A day", (row) => fixed(row.daily_interest, 4), { hint: "at the rate in force" }), share("APY", "total_apy"),
  num("Pending", (row) => fixed(row.pending_rewards, 4), { hint: "rewards since the last claim, at the incentives reported, in the vault’s asset" }),
  column("Claimed", (row) => row.claimed_rewards.map(({ asset, amount }) => `${fixed(amount, 2)} ${asset}`).join(", ") || "–"),
  column("Risk", riskOf, { way: (row) => ({ low: "up", high: "down" })[row.risk] ?? "" }),
], (row) => row.vault, { empty: "This account is in no vault." });
const showOffers = table($("offers"), [
  where, column("State", standing, { way: (row) => (row.paused ? "down" : "up") }), num("TVL", (row) => money(row.tvl_usd ?? row.tvl)),
  share("Lending", "lending_apy"), share("Incentives", "incentives_apy"), share("Raw APY", "raw_apy", "lending and incentives"), share("Fee", "fee_apy"),
  share("Net APY", "net_apy"), share("Net APR", "net_apr", "compounds to the net APY"), share("Best", "best_apy", "net APY, of the latest ten points"), share("Mean", "mean_apy", "net APY, of the latest ten points"),
], (row) => row.protocol + row.asset, { empty: "No vault has reported yet." });

/** A day's gain in the settlement asset; what else there was is in its title. */
function dayOf(date, rows) {
  const gain = rows.filter(({ asset }) => asset === "USDC").reduce((sum, row) => sum + Number(row.pnl) + Number(row.funding) - Number(row.fees) + Number(row.yield), 0).toFixed(2);
  const title = rows.map((row) => `${row.protocol} ${row.asset}: price ${row.pnl}, funding ${row.funding}, yield ${row.yield}, fees ${row.fees}, return ${rate(row.return)}, in all ${row.cumulative_net}`);
  return h("li", { class: rows.length && direction(gain), title: [`${date}: ${fixed(gain, 2)} USDC`, ...title].join("\n") }, String(Number(date.slice(8))), rows.length ? h("b", {}, brief(gain)) : null);
}

function showDays({ month, days }) {
  const [year, number] = month.split("-");
  const dates = Array.from({ length: new Date(Date.UTC(year, number, 0)).getUTCDate() }, (_, at) => `${month}-${String(at + 1).padStart(2, "0")}`);
  const newest = new Map(days.filter(({ asset }) => asset === "USDC").reverse().map((row) => [row.protocol, row]));
  const earned = [...newest.values()].reduce((sum, row) => sum + Number(row.cumulative_net), 0);
  figure("Earned in all", newest.size ? money(earned.toFixed(2), true) : "–", `USDC, after fees, by the end of ${month}`);
  $("calendar").replaceChildren(...dates.map((date) => dayOf(date, days.filter((row) => row.date === date))));
  $("calendar").firstChild.style.gridColumnStart = new Date(`${month}-01T00:00Z`).getUTCDay() || 7;
}

function showLine() {
  const chosen = $("line").selectedIndex;
  const lines = series.filter((_, at) => chosen <= 0 || at === chosen - 1).map(({ protocol, asset, points }) => ({ name: `${protocol} ${asset}`, points }));
  linesPicture($("tvl"), "Total value locked", lines, (row) => Number(row.tvl_usd ?? row.tvl), (row) => money(row.tvl_usd ?? row.tvl));
  linesPicture($("apy"), "Net APY", lines, (row) => Number(row.net_apy), (row) => rate(row.net_apy), { write: (value) => `${short(value * 100)} %` });
}

const polls = {
  offers: new Poll("offers", 5000, () => ["vaults/offers"], ({ tvl_usd, best, offers }) => {
    showOffers(offers);
    figure("Total value locked", compact(tvl_usd), "USD");
    if (best) figure("Best net APY", rate(best.net_apy), `${best.protocol} ${best.asset}`);
  }),
  held: new Poll("held", 10000, () => [`earnings/${owner}/vaults`], ({ positions }) => {
    showHeld(positions);
    figure("In vaults", compact(positions.reduce((sum, row) => sum + Number(row.value_usd), 0)), `USD in ${positions.length} position${positions.length === 1 ? "" : "s"}`);
  }),
  days: new Poll("days", 5000, () => [`earnings/${owner}/days`, { month: $("month").value, limit: 366 }], showDays),
  months: new Poll("months", 10000, () => [`earnings/${owner}/months`], (answer) => showMonths(answer.months)),
  history: new Poll("history", 30000, () => ["vaults/history", { start: (Date.now() - 60 * 86_400_000) * 1000 }], (answer) => {
    series = answer.series;
    if ($("line").length !== series.length + 1) $("line").replaceChildren(h("option", {}, "All protocols"), ...series.map(({ protocol, asset }) => h("option", {}, `${protocol} ${asset}`)));
    showLine();
  }),
  sync: new Poll("sync", 5000, () => ["vaults/sync"], ({ chains }) => chains.forEach(({ chain, lag_micros, slot }) => figure(`Lag of ${chain}`, `${(lag_micros / 1e6).toFixed(1)} s`, `slot ${slot}`))),
};

function ask() {
  $("who").owner.value = owner;
  $("days-file").href = `/api/v1/earnings/${owner}/days.csv?month=${$("month").value}`;
  $("months-file").href = `/api/v1/earnings/${owner}/months.csv`;
  $("days-parquet").href = `/api/v1/earnings/${owner}/days?month=${$("month").value}&limit=366&format=parquet`;
  $("months-parquet").href = `/api/v1/earnings/${owner}/months?limit=120&format=parquet`;
  for (const form of ["csv", "parquet"]) $(`held-${form}`).href = `/api/v1/earnings/${owner}/vaults?format=${form}`;
  for (const poll of [polls.days, polls.months, polls.held]) poll.now();
}

function choose(account) {
  owner = account;
  history.replaceState(null, "", `#${owner}`);
  showMonths([]);
  showHeld([]);
  ask();
}

$("line").onchange = showLine;
$("month").onchange = ask;
$("who").onsubmit = (event) => {
  event.preventDefault();
  choose($("who").owner.value);
};
whenAddressed(choose);
keepAsking(polls);
ask();
