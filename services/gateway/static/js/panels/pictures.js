// The pictures of the risk page, drawn as SVG. Figures on axes are approximate by intent; exact ones are in the titles.

import { h, svg } from "../dom.js";
import { day, exact, money } from "../format.js";
import { marks, short } from "./axis.js";

const WIDTH = 420;
const HEIGHT = 190;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 12;
const LEVELS = { "1.000000": "liquidatable", "1.050000": "critical", "1.200000": "warning", "1.500000": "watch" };

const label = (x, y, text, props = {}) => svg("text", { x, y, ...props }, text);
const height = (value, most) => (most ? (value / most) * (HEIGHT - BOTTOM - TOP) : 0);
const floor = HEIGHT - BOTTOM;

function frame(parent, title, children, key = []) {
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title }, children);
  parent.replaceChildren(picture, h("div", { class: "key" }, key.map(([name, text]) => h("span", {}, h("i", { class: name }), text))));
}

/** The marks of an axis from zero over `most`, and how far it goes. */
function scale(most, whole = false) {
  const values = marks(0, most, whole);
  const top = values.at(-1);
  const rules = values.slice(1).flatMap((value) => {
    const y = floor - height(value, top);
    return [svg("line", { class: "rule", x1: LEFT, x2: WIDTH, y1: y, y2: y }), label(LEFT - 6, y + 4, short(value), { "text-anchor": "end" })];
  });
  return { top, rules };
}

function nothing(parent, text) {
  parent.replaceChildren(h("p", { class: "empty" }, text));
}

/** How many accounts have a health factor below each edge and not below the one before. */
export function healthPicture(parent, { histogram }) {
  const most = Math.max(...histogram.map(({ accounts }) => accounts));
  if (!most) return nothing(parent, "Nobody has a position.");
  const { top, rules } = scale(most, true);
  const step = (WIDTH - LEFT) / histogram.length;
  const columns = histogram.flatMap(({ below, accounts }, at) => {
    const x = LEFT + at * step;
    const tall = Math.max(height(accounts, top), accounts ? 1.5 : 0);
    const from = at ? Number(histogram[at - 1].below) : null;
    const range = below === null ? `${from} and above` : `below ${Number(below)}`;
    const column = svg("rect", { class: "column", "data-level": LEVELS[below] ?? "safe", x: x + 2, width: step - 4, y: floor - tall, height: tall, rx: 2 });
    column.append(svg("title", {}, `${accounts} accounts, health factor ${range}`));
    const count = accounts ? [label(x + step / 2, floor - tall - 4, accounts.toLocaleString("en"), { class: "strong", "text-anchor": "middle" })] : [];
    return [column, ...count, label(x + step, floor + 15, below === null ? "" : String(Number(below)), { "text-anchor": "middle" })];
  });
  const axis = svg("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: floor, y2: floor });
  frame(parent, "Accounts by health factor", [...rules, ...columns, axis]);
}

/** What becomes liquidatable at each percent from mark: longs below it, shorts above; the line adds up from mark. */
export function mapPicture(parent, { steps, mark_price: mark }) {
  const sum = (from, side) => {
    let total = 0;
    return steps.filter(({ percent }) => Math.sign(percent) === from).sort((a, b) => Math.abs(a.percent) - Math.abs(b.percent))
      .map((step) => [step.percent, (total += Number(step[side]))]);
  };
  const falling = sum(-1, "long");
  const rising = sum(1, "short");
  const most = Math.max(0, ...falling.map(([, value]) => value), ...rising.map(([, value]) => value));
  if (!most) return nothing(parent, "No position would be liquidated within 50 % of the mark price.");
  const { top, rules } = scale(most);
  const x = (percent) => LEFT + ((percent + 50) / 100) * (WIDTH - LEFT);
  const tallest = Math.max(...steps.map(({ long, short }) => Math.max(Number(long), Number(short))));
  const bars = steps.filter(({ accounts }) => accounts).map((step) => {
    const value = Number(step.percent <= 0 ? step.long : step.short) || Number(step.long) + Number(step.short);
    const tall = Math.max(1.5, height(value, Math.max(tallest, top / 3)));
    const bar = svg("rect", { class: step.percent <= 0 ? "long" : "short", x: x(step.percent) - 1.4, width: 2.8, y: floor - tall, height: tall });
    bar.append(svg("title", {}, `${step.percent} %: ${step.accounts} accounts, long ${money(step.long)}, short ${money(step.short)}`));
    return bar;
  });
  const line = (points) => svg("path", { class: "sum", d: `M${x(0)} ${floor}${points.map(([percent, value]) => `L${x(percent).toFixed(1)} ${(floor - height(value, top)).toFixed(1)}`).join("")}` });
  const ticks = [-50, -25, 0, 25, 50].map((percent) => label(x(percent), floor + 15, percent ? `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %` : "mark", { "text-anchor": percent === 50 ? "end" : percent === -50 ? "start" : "middle" }));
  const axis = svg("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: floor, y2: floor });
  const middle = svg("line", { class: "mark-line", x1: x(0), x2: x(0), y1: TOP, y2: floor });
  frame(parent, "Liquidations by price", [...rules, middle, ...bars, line(falling), line(rising), axis, ...ticks], [
    ["long", "longs, at this percent"], ["short", "shorts"], ["sum", `added up from mark ${mark === null ? "" : exact(mark)}`],
  ]);
}

/** All funds together over time: each point changes one market's. */
export function insurancePicture(parent, { points }) {
  if (!points.length) return nothing(parent, "No insurance fund has been paid into yet.");
  const funds = new Map();
  const sums = points.map(({ market, at, balance }) => {
    funds.set(market, Number(balance));
    return [at, [...funds.values()].reduce((total, value) => total + value, 0)];
  });
  const [first, last] = [sums[0][0], sums[sums.length - 1][0]];
  const { top, rules } = scale(Math.max(...sums.map(([, value]) => value)));
  const x = (at) => LEFT + (last > first ? (at - first) / (last - first) : 1) * (WIDTH - LEFT - 4);
  const y = (value) => floor - height(value, top);
  const stairs = sums.map(([at, value], index) => (index ? `H${x(at).toFixed(1)}V${y(value).toFixed(1)}` : `M${x(at).toFixed(1)} ${y(value).toFixed(1)}`)).join("") + `H${WIDTH}`;
  const when = (at) => (last - first < 86400e6 ? new Date(at / 1000).toISOString().slice(11, 16) : day(at));
  frame(parent, "Insurance funds over time", [
    ...rules,
    svg("path", { class: "area", d: `${stairs}V${floor}H${x(first).toFixed(1)}Z` }),
    svg("path", { class: "sum", d: stairs }),
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: floor, y2: floor }),
    label(LEFT, floor + 15, when(first)),
    label(WIDTH, floor + 15, when(last), { "text-anchor": "end" }),
  ], [["sum", `all markets, ${funds.size === 1 ? "one fund" : `${funds.size} funds`}; each pays for its own market alone`]]);
}
