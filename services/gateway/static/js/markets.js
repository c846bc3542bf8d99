// The market page: one market's days, who leads, and what the venue took.

import { whenAddressed } from "./address.js";
import { $, segments } from "./dom.js";
import "./files.js";
import { compact, day, direction, exact, money } from "./format.js";
import { DAYS, Poll, headlineOf, keepAsking } from "./page.js";
import { short } from "./panels/axis.js";
import { columnPicture, linePicture } from "./panels/series.js";
import { column, num, table } from "./table.js";

const state = { market: location.hash.slice(1), days: 30, by: "volume", names: [], units: new Map() };
const figure = headlineOf($("headline"), ["Volume", "Trades", "Open interest", "Fees", "Liquidations"]);
const yearly = (row) => (row.fundings ? `${((row.funding / row.fundings) * 24 * 365 * 100).toFixed(2)} %` : "–");

const showDays = table($("days"), [
  column("Day", (row) => day(row.day)),
  num("Open", (row) => exact(row.open)), num("High", (row) => exact(row.high)), num("Low", (row) => exact(row.low)), num("Close", (row) => exact(row.close)),
  num("Volume", (row) => compact(row.quote_volume)), num("Trades", (row) => row.trades.toLocaleString("en")),
  num("Open interest", (row) => exact(row.open_interest)), num("Funding, APR", yearly, { hint: "mean hourly rate × 24 × 365: simple, not compounded" }),
  num("Fees", (row) => money(row.fees)), num("Liquidated", (row) => exact(row.liquidated)),
], (row) => row.day, { empty: "No days yet." });
const showLeaders = table($("leaders"), [
  column("Account", (row) => row.account),
  num("Volume", (row) => compact(row.volume)),
  num("Price gains", (row) => money(row.pnl, true), { way: (row) => direction(row.pnl) }),
  num("Fees", (row) => money(row.fees)), num("Trades", (row) => row.trades.toLocaleString("en")),
], (row) => row.account, { empty: "Nobody has traded." });
const showRevenue = table($("revenue"), [
  column("Day", (row) => day(row.day)),
  num("Volume", (row) => compact(row.volume)), num("Trades", (row) => row.trades.toLocaleString("en")), num("Traders", (row) => row.traders.toLocaleString("en")),
  num("Fees", (row) => money(row.fees)), num("To referrers", (row) => money(row.referral)), num("Revenue", (row) => money(row.revenue)),
  num("Liquidations", (row) => row.liquidations.toLocaleString("en")),
], (row) => row.day, { empty: "No days yet." });

function offer() {
  for (const form of ["csv", "parquet"]) {
    $(`leaders-${form}`).href = `/api/v1/leaderboard?by=${state.by}&days=${state.days}&limit=500&format=${form}`;
    $(`revenue-${form}`).href = `/api/v1/venue/days?limit=366&format=${form}`;
  }
}

let select = () => {};

function choose(market) {
  state.market = market;
  select(market);
  history.replaceState(null, "", `#${market}`);
  for (const form of ["csv", "parquet"]) $(form).href = `/api/v1/markets/${market}/days?limit=366&format=${form}`;
  polls.days.now();
}

const polls = {
  markets: new Poll("markets", 5000, () => ["markets"], ({ markets }) => {
    const names = markets.map(({ market }) => market);
    if (names.join() === state.names.join()) return;
    state.names = names;
    state.units = new Map(markets.map(({ market, base, quote }) => [market, { base, quote }]));
    select = segments($("markets"), names.map((name) => ({ value: name, label: name })), state.market, choose);
    if (names.length) choose(names.includes(state.market) ? state.market : names[0]);
  }),
  days: new Poll("days", 5000, () => state.market && [`markets/${state.market}/days`, { limit: state.days }], ({ days }) => {
    const oldest = [...days].reverse();
    const { base = "", quote = "" } = state.units.get(state.market) ?? {};
    const sum = (key) => days.reduce((total, row) => total + Number(row[key]), 0);
    figure("Volume", compact(sum("quote_volume")), `${quote} in ${days.length === 1 ? "1 day" : `${days.length} days`}`);
    figure("Trades", sum("trades").toLocaleString("en"));
    figure("Open interest", days.length ? exact(days[0].open_interest) : "–", base);
    figure("Fees", compact(sum("fees")), quote);
    figure("Liquidations", sum("liquidations").toLocaleString("en"));
    columnPicture($("volume"), "Volume by day", oldest, [["column", "volume", (row) => Number(row.quote_volume)]], (row) => money(row.quote_volume));
    linePicture($("interest"), "Open interest by day", oldest, (row) => Number(row.open_interest), (row) => exact(row.open_interest));
    columnPicture($("funding"), "Funding by day", oldest, [["sum-fill", "rate", (row) => row.funding * 100]], (row) => `${(row.funding * 100).toFixed(5)} % in ${row.fundings} payments`, { write: (value) => `${short(value)} %` });
    showDays(days);
  }),
  leaders: new Poll("leaders", 10000, () => ["leaderboard", { by: state.by, days: state.days, limit: 20 }], ({ accounts }) => showLeaders(accounts)),
  revenue: new Poll("revenue", 10000, () => ["venue/days", { limit: state.days }], ({ days }) => showRevenue(days)),
};

segments($("span"), DAYS, state.days, (value) => {
  state.days = Number(value);
  offer();
  for (const name of ["days", "leaders", "revenue"]) polls[name].now();
});
$("by").addEventListener("change", () => {
  state.by = $("by").value;
  offer();
  polls.leaders.now();
});
offer();
whenAddressed((market) => state.names.includes(market) && market !== state.market && choose(market));
keepAsking(polls);
