// The tables of the liquidity page.

import { h } from "../dom.js";
import { compact, exact, fixed, percent } from "../format.js";
import { column, num, table } from "../table.js";

const DISTANCES = [[0, "1 bp"], [3, "10 bps"], [6, "100 bps"]];
const SIZES = ["1 K", "10 K", "50 K", "100 K", "500 K", "5 M", "10 M"];

const name = (row) => `${row.venue} ${row.symbol}`;

function pair(read) {
  return (td, row) => {
    const [first, second] = read(row);
    td.replaceChildren(h("b", {}, first), h("span", {}, " / "), h("b", {}, second));
  };
}

/** One row a book: quote, spread, money within a few distances, and how far the book reaches. */
export function venueTable(parent) {
  return table(parent, [
    column("Venue", (row) => row.venue),
    column("Symbol", (row) => row.symbol),
    num("Bid", (row) => exact(row.bid), { only: "only-wide" }),
    num("Ask", (row) => exact(row.ask), { only: "only-wide" }),
    num("Spread", (row) => fixed(row.spread, 3), { hint: "basis points of the middle" }),
    ...DISTANCES.map(([at, title]) => ({
      title, num: true, hint: "bids / asks within that distance", cell: pair((row) => [compact(row.bid_depths[at]), compact(row.ask_depths[at])]),
    })),
    { title: "Reach", num: true, only: "only-wide", hint: "how far the deepest level lies, basis points", cell: pair((row) => [fixed(row.bid_reach, 0), fixed(row.ask_reach, 0)]) },
  ], name, { empty: "No book has been measured yet." });
}

/** One row a book: what each size costs, buying and selling. */
export function costTable(parent) {
  return table(parent, [
    column("Venue", (row) => row.venue),
    column("Symbol", (row) => row.symbol, { only: "only-wide" }),
    num("Taker fee", (row) => fixed(row.taker_fee, 2), { only: "only-wide", hint: "basis points, lowest tier" }),
    ...SIZES.map((title, at) => ({
      title, num: true, cell: pair((row) => [fixed(row.buy_slippages[at], 2), fixed(row.sell_slippages[at], 2)]),
    })),
  ], name, { empty: "No book has been measured yet." });
}

const rate = (value) => `${percent(value, 5)} %`;
const ratio = (value) => percent(value, 2).replace("+", "") + " %";

/** One instrument's figures over time: a row each, the spread of the samples in columns. */
export function statisticsTable(parent) {
  const show = table(parent, [
    column("", (row) => row.title),
    num("Now", (row) => row.now),
    num("Least", (row) => row.least),
    num("Mean", (row) => row.mean),
    num("Largest", (row) => row.largest),
    num("Deviation", (row) => row.deviation, { hint: "population deviation" }),
    num("P95", (row) => row.p95, { only: "only-wide" }),
    num("Samples", (row) => row.count),
  ], (row) => row.title, { empty: "Nothing has been stored of it yet." });
  return ({ funding, turnover, deviation }) => show([
    funding && { title: "Funding rate", now: rate(funding.newest), least: rate(funding.least), mean: rate(funding.mean), largest: rate(funding.largest), deviation: rate(funding.deviation).replace("+", ""), p95: "–", count: String(funding.count) },
    turnover && { title: "Open interest over volume", now: "–", ...spread(turnover, ratio) },
    deviation && { title: "Mark from index, bps", now: fixed(deviation.mark_from_index, 3), ...spread(deviation.absolute, (value) => fixed(value, 3)) },
  ].filter(Boolean));
}

function spread(found, write) {
  const { least, mean, largest, p95, count } = found;
  return { least: write(least), mean: write(mean), largest: write(largest), deviation: "–", p95: write(p95), count: String(count) };
}
