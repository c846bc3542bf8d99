// The market page: one market's candles, book, trades and funding.

import { whenAddressed } from "./address.js";
import { $, segments, text } from "./dom.js";
import "./files.js";
import { direction, exact, percent, timeOfDay } from "./format.js";
import { installKeys } from "./keys.js";
import { Poll, keepAsking } from "./page.js";
import { book } from "./panels/book.js";
import { INTERVALS, priceChart } from "./panels/chart.js";
import { headline } from "./panels/headline.js";
import { column, num, table } from "./table.js";

const state = { market: location.hash.slice(1), interval: 60, names: [] };
const figures = headline($("headline"), () => Date.now());
const chart = priceChart({ canvas: $("canvas"), legend: $("legend"), intervals: $("intervals") }, chooseInterval);
const showBook = book($("book"));
const side = (row) => (row.taker_side === "buy" ? "up" : "down");

const showTrades = table($("trades"), [
  column("Time", (row) => timeOfDay(row.at)),
  num("Price", (row) => exact(row.price), { way: side }),
  num("Size", (row) => exact(row.size)),
  column("By", (row) => `${row.taker_side ?? ""} ${row.origin === "book" ? "" : row.origin}`),
], (row) => row.seq, { empty: "No trades yet." });
const yearly = (row, micros) => `${percent(((Number(row.rate) * 365 * 86400e6) / micros).toFixed(9), 1)} %`;
const showFunding = table($("funding"), [
  column("Interval", (row) => `${new Date(row.interval_start / 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`),
  num("Rate", (row) => `${percent(row.rate, 4)} %`, { way: (row) => direction(row.rate) }),
  num("A year", (row) => yearly(row, row.interval_micros)),
  num("Mean premium", (row) => `${percent(row.average_premium, 4)} %`),
  num("Samples", (row) => row.samples.toLocaleString("en")),
  num("Mark at settlement", (row) => exact(row.settlement?.mark)),
], (row) => row.interval_start, { empty: "No interval has ended yet." });

let select = () => {};

function chooseMarket(market) {
  state.market = market;
  history.replaceState(null, "", `#${market}`);
  select(market);
  text($("candles-title"), market);
  nameFiles();
  for (const poll of Object.values(polls)) poll.now();
}

function chooseInterval(interval) {
  state.interval = Number(interval);
  chart.select(state.interval);
  nameFiles();
  polls.candles.now();
}

function showMarkets({ markets }) {
  const names = markets.map(({ market }) => market);
  if (names.join() !== state.names.join()) {
    state.names = names;
    select = segments($("markets"), names.map((name) => ({ value: name, label: name })), state.market, chooseMarket);
  }
  if (!names.includes(state.market) && names.length) return chooseMarket(names[0]);
  text($("candles-title"), state.market);
  nameFiles();
  const found = markets.find(({ market }) => market === state.market);
  if (!found) return undefined;
  figures.prices(found, found.stats);
  if (found.mark !== null) chart.price({ market: found.market, mark: found.mark, last: found.last });
  return undefined;
}

function stepInterval(step) {
  const at = INTERVALS.findIndex(({ value }) => value === state.interval);
  chooseInterval(INTERVALS[Math.min(INTERVALS.length - 1, Math.max(0, at + step))].value);
}

/** What is shown, as files. */
function nameFiles() {
  for (const form of ["csv", "parquet"]) {
    $(`candles-${form}`).href = `/api/v1/markets/${state.market}/candles?interval=${state.interval}&limit=1500&format=${form}`;
    $(`trades-${form}`).href = `/api/v1/markets/${state.market}/trades?limit=500&format=${form}`;
    $(`funding-${form}`).href = `/api/v1/markets/${state.market}/funding?limit=500&format=${form}`;
  }
}

const about = (what, parameters) => () => state.market && [`markets/${state.market}/${what}`, parameters()];
const polls = {
  markets: new Poll("markets", 1500, () => ["markets"], showMarkets),
  candles: new Poll("candles", 2000, about("candles", () => ({ interval: state.interval, limit: 500 })), chart.show),
  book: new Poll("book", 1000, about("book", () => ({ depth: 20 })), showBook),
  trades: new Poll("trades", 1500, about("trades", () => ({ limit: 60 })), ({ trades }) => showTrades(trades)),
  funding: new Poll("funding", 10000, about("funding", () => ({ limit: 48 })), (answer) => {
    figures.funding(answer);
    showFunding(answer.rates);
  }),
};

installKeys(
  [[..."123456789"], "choose a market", (key) => state.names[key - 1] && chooseMarket(state.names[key - 1])],
  [["["], "shorter candles", () => stepInterval(-1)],
  [["]"], "longer candles", () => stepInterval(1)],
  [["b"], "go to the book", () => $("book").focus()],
  [["f"], "go to funding", () => $("funding").focus()],
);
setInterval(() => figures.tick(), 1000);
whenAddressed((market) => state.names.includes(market) && market !== state.market && chooseMarket(market));
keepAsking(polls);
