// The tables of the venues' feeds: how each does, and what they have missed.

import { ago, timeOfDay } from "../format.js";
import { coloured, plain, table } from "../table.js";

const name = (row) => `${row.venue} ${row.symbol}`;
const since = (micros) => micros === null ? "–" : ago(Math.max(0, Date.now() / 1000 - micros / 1e6));

const SOUND = new Set(["connected", "synced"]);

/** One row a feed; one that is not connected, or has missed something, stands out. */
export function feedTable(parent) {
  return table(parent, [
    { title: "Venue", cell: plain((row) => row.venue) },
    { title: "Symbol", cell: plain((row) => row.symbol) },
    { title: "State", hint: "and what it says of it", cell: coloured((row) => (row.detail ? `${row.status}: ${row.detail}` : row.status), (row) => (SOUND.has(row.status) ? "up" : "down")) },
    { title: "For", num: true, className: "num", only: "only-wide", cell: plain((row) => since(row.since)) },
    { title: "Last heard", num: true, className: "num", cell: plain((row) => since(row.heard_at)) },
    { title: "Gaps", num: true, className: "num", cell: coloured((row) => String(row.gaps), (row) => (row.gaps ? "down" : "")) },
    { title: "Last gap", num: true, className: "num", only: "only-wide", cell: plain((row) => since(row.last_gap_at)) },
  ], name, { empty: "No feed is followed yet." });
}

/** One row a gap, newest first. */
export function gapTable(parent) {
  return table(parent, [
    { title: "At", cell: plain((row) => timeOfDay(row.at)) },
    { title: "Feed", cell: plain(name) },
    { title: "Expected", num: true, className: "num", only: "only-wide", cell: plain((row) => String(row.expected_seq)) },
    { title: "Came", num: true, className: "num", only: "only-wide", cell: plain((row) => String(row.venue_seq)) },
    { title: "Why", className: "long tight", cell: plain((row) => row.reason) },
  ], (row) => `${row.at} ${name(row)} ${row.venue_seq}`, { empty: "No feed has missed a message." });
}
