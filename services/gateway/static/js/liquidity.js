// The venues: how their feeds do, what rests in their books, and what orders cost there.

import { $, h, text } from "./dom.js";
import { compact, fixed } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { feedTable, gapTable } from "./panels/feedTables.js";
import { costTable, statisticsTable, venueTable } from "./panels/liquidityTables.js";
import { historyPicture, sharePicture } from "./panels/liquidityPictures.js";

const TEN = 3;
const HUNDRED_THOUSAND = 3;
const base = $("base");
const instrument = $("instrument");
const figure = headlineOf($("headline"), ["Tightest spread", "Bids within 10 bps", "Asks within 10 bps", "Buying 100 K", "Selling 100 K"]);
const showVenues = venueTable($("venues"));
const showCosts = costTable($("costs"));
const showStatistics = statisticsTable($("statistics"));
const showFeeds = feedTable($("feeds"));
const showGaps = gapTable($("gaps"));

const chosen = () => {
  const [venue, symbol] = instrument.value.split(" ");
  return symbol ? { venue, symbol } : null;
};

const polls = {
  instruments: new Poll("instruments", 20000, () => ["liquidity/instruments"], listBases),
  liquidity: new Poll("liquidity", 3000, () => base.value && ["liquidity", { base: base.value, fees: $("fees").checked }], (answer) => {
    const rows = answer.instruments;
    list(instrument, rows.map(({ venue, symbol }) => `${venue} ${symbol}`));
    showVenues(rows);
    showCosts(rows);
    sharePicture($("shares"), answer);
    headline(rows);
  }),
  history: new Poll("history", 6000, () => chosen() && ["liquidity/history", { ...chosen(), limit: 360 }], (answer) => historyPicture($("history"), answer.rows)),
  feeds: new Poll("feeds", 3000, () => ["liquidity/feeds"], (answer) => showFeeds(answer.feeds)),
  gaps: new Poll("gaps", 6000, () => ["liquidity/gaps", { limit: 50 }], (answer) => showGaps(answer.gaps)),
  statistics: new Poll("statistics", 10000, () => chosen() && ["liquidity/statistics", { ...chosen(), hours: 24 }], (answer) => {
    text($("chosen"), `${answer.venue} ${answer.symbol}`);
    showStatistics(answer);
  }),
};

/** The tightest spread, the depth of all, and where a hundred thousand costs least. */
function headline(rows) {
  if (!rows.length) return;
  const least = (read) => rows.reduce((best, row) => (read(row) !== null && (best === null || Number(read(row)) < Number(read(best))) ? row : best), null);
  const tightest = least((row) => row.spread);
  figure("Tightest spread", `${fixed(tightest.spread, 3)} bps`, tightest.venue);
  const within = (side) => compact(rows.reduce((sum, row) => sum + Number(row[side][TEN]), 0));
  figure("Bids within 10 bps", within("bid_depths"), `${rows.length} ${rows.length === 1 ? "book" : "books"}`);
  figure("Asks within 10 bps", within("ask_depths"));
  for (const [title, side] of [["Buying 100 K", "buy_slippages"], ["Selling 100 K", "sell_slippages"]]) {
    const cheapest = rows.some((row) => row[side][HUNDRED_THOUSAND] !== null) ? rows.filter((row) => row[side][HUNDRED_THOUSAND] !== null).reduce((best, row) => (Number(row[side][HUNDRED_THOUSAND]) < Number(best[side][HUNDRED_THOUSAND]) ? row : best)) : null;
    figure(title, cheapest ? `${fixed(cheapest[side][HUNDRED_THOUSAND], 3)} bps` : "–", cheapest ? cheapest.venue : "too thin everywhere");
  }
}

function listBases(answer) {
  if (list(base, [...new Set(answer.map((each) => each.base))].sort())) polls.liquidity.now();
}

/** Keep a select's options in step; tells whether another one is chosen now. */
function list(select, names) {
  if ([...select.options].map(({ value }) => value).join() === names.join()) return false;
  const before = select.value;
  select.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
  if (names.includes(before)) select.value = before;
  if (select === instrument && select.value !== before) ask();
  return select.value !== before;
}

function ask() {
  polls.history.now();
  polls.statistics.now();
}

base.addEventListener("change", () => polls.liquidity.now());
$("fees").addEventListener("change", () => polls.liquidity.now());
instrument.addEventListener("change", ask);
keepAsking(polls);
