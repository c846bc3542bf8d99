// The tables of the venues' feeds: how each does, and what they have missed.

import { ago, timeOfDay } from "../format.js";
import { column, num, table } from "../table.js";

const name = (row) => `${row.venue} ${row.symbol}`;
const since = (micros) => micros === null ? "–" : ago(Math.max(0, Date.now() / 1000 - micros / 1e6));

const SOUND = new Set(["connected", "synced"]);

/** One row a feed; one that is not connected, or has missed something, stands out. */
export function feedTable(parent) {
  return table(parent, [
    column("Venue", (row) => row.venue),
    column("Symbol", (row) => row.symbol),
    column("State", (row) => (row.detail ? `${row.status}: ${row.detail}` : row.status), { way: (row) => (SOUND.has(row.status) ? "up" : "down"), hint: "and what it says of it" }),
    num("For", (row) => since(row.since), { only: "only-wide" }),
    num("Last heard", (row) => since(row.heard_at)),
    num("Gaps", (row) => String(row.gaps), { way: (row) => (row.gaps ? "down" : "") }),
    num("Last gap", (row) => since(row.last_gap_at), { only: "only-wide" }),
  ], name, { empty: "No feed is followed yet." });
}

/** One row a gap, newest first. */
export function gapTable(parent) {
  return table(parent, [
    column("At", (row) => timeOfDay(row.at)),
    column("Feed", name),
    num("Expected", (row) => String(row.expected_seq), { only: "only-wide" }),
    num("Came", (row) => String(row.venue_seq), { only: "only-wide" }),
    column("Why", (row) => row.reason, { className: "long tight" }),
  ], (row) => `${row.at} ${name(row)} ${row.venue_seq}`, { empty: "No feed has missed a message." });
}
