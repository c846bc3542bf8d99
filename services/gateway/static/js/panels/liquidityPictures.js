// The pictures of the liquidity page, drawn as SVG. Figures on axes are approximate by intent; exact ones are in the titles.

import { h, svg } from "../dom.js";
import { money, percent } from "../format.js";
import { marks, short } from "./axis.js";

const WIDTH = 420;
const LEFT = 52;
const COLOURS = 8;

const label = (x, y, text, props = {}) => svg("text", { x, y, ...props }, text);

function frame(parent, title, height, children, key) {
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": title }, children);
  parent.replaceChildren(picture, h("div", { class: "key" }, key.map(([name, text]) => h("span", {}, h("i", { class: name }), text))));
}

/** A bar for each distance, divided among the venues; paler where a book ends before the distance. */
export function sharePicture(parent, { bps, shares }) {
  if (!shares.length) return parent.replaceChildren(h("p", { class: "empty" }, "No book has been measured yet."));
  const venues = [...new Set(shares.map(({ venue }) => venue))].sort();
  const colour = (venue) => `l${venues.indexOf(venue) % COLOURS}`;
  const step = 26;
  const bars = bps.flatMap((distance, row) => {
    let x = LEFT;
    const parts = shares.filter((each) => each.bps === distance).sort((a, b) => (a.venue < b.venue ? -1 : 1)).map((each) => {
      const wide = Number(each.share) * (WIDTH - LEFT);
      const bar = svg("rect", { class: `${colour(each.venue)}${each.partial ? " partial" : ""}`, x, y: row * step + 4, width: Math.max(0, wide - 1), height: step - 9, rx: 2 });
      bar.append(svg("title", {}, `${each.venue}, ${distance} bps: ${money(each.depth)}, ${percent(each.share, 1).replace("+", "")} %${each.partial ? ", its book ends before" : ""}`));
      x += wide;
      return bar;
    });
    return [label(LEFT - 8, row * step + 16, `${Number(distance)} bps`, { "text-anchor": "end" }), ...parts];
  });
  frame(parent, "Each venue’s part of the depth", bps.length * step, bars, venues.map((venue) => [colour(venue), venue]));
}

/** Money within ten basis points over time, bids and asks. */
export function historyPicture(parent, newestFirst) {
  const rows = [...newestFirst].reverse();
  if (rows.length < 2) return parent.replaceChildren(h("p", { class: "empty" }, "Not enough has been stored yet."));
  const floor = 168;
  const values = ["bid_depths", "ask_depths"].map((side) => rows.map((row) => Number(row[side][3])));
  const steps = marks(0, Math.max(...values.flat()));
  const most = steps.at(-1);
  const [first, last] = [rows[0].ts, rows[rows.length - 1].ts];
  const x = (at) => LEFT + ((at - first) / (last - first)) * (WIDTH - LEFT - 4);
  const y = (value) => floor - (value / most) * (floor - 12);
  const line = (name, side) => svg("path", { class: name, d: side.map((value, at) => `${at ? "L" : "M"}${x(rows[at].ts).toFixed(1)} ${y(value).toFixed(1)}`).join("") });
  const when = (at) => new Date(at / 1000).toISOString().slice(11, 19);
  const scale = steps.slice(1).flatMap((value) => [
    svg("line", { class: "rule", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
    label(LEFT - 6, y(value) + 4, short(value), { "text-anchor": "end" }),
  ]);
  frame(parent, "Depth within ten basis points over time", 190, [
    ...scale,
    line("line l1 bids", values[0]),
    line("line l3 asks", values[1]),
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: floor, y2: floor }),
    label(LEFT, floor + 15, when(first)),
    label(WIDTH, floor + 15, when(last), { "text-anchor": "end" }),
  ], [["l1", "bids"], ["l3", "asks"]]);
}
