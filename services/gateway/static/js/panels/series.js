// Lines and columns by day, drawn as SVG. Axes are approximate by intent; exact figures are in the titles.

import { h, svg } from "../dom.js";
import { day } from "../format.js";
import { marks, short } from "./axis.js";

const HEIGHT = 170;
const LEFT = 48;
const TOP = 12;
const BOTTOM = 22;
const floor = HEIGHT - BOTTOM;
const widthOf = (parent) => Math.max(320, Math.round(parent.clientWidth - 24));
const label = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);

function frame(parent, width, title, drawn, rows, key = []) {
  const ends = rows.length > 1 ? [label(LEFT, floor + 15, day(rows[0].day), "start"), label(width, floor + 15, day(rows.at(-1).day), "end")] : [label((LEFT + width) / 2, floor + 15, day(rows[0].day), "middle")];
  parent.replaceChildren(
    svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title }, [...drawn, ...ends]),
    h("div", { class: "key" }, key.map(([name, text]) => h("span", {}, h("i", { class: name }), text))),
  );
}

/** `scale`: {write, whole}: how a value is written, and whether it is counted. */
function axis(width, low, high, { write = short, whole = false }) {
  const values = marks(low, high, whole);
  const [least, most] = [values[0], values.at(-1)];
  const y = (value) => floor - ((value - least) / (most - least)) * (floor - TOP);
  const lines = values.flatMap((value) => [
    svg("line", { class: "rule", x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
    label(LEFT - 6, y(value) + 4, write(value), "end"),
  ]);
  return { y, lines };
}

/** From where to where the values go; what is counted is counted from zero, what never changes lies in the middle. */
function reach(values, { whole = false }) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = low === high ? Math.abs(low) / 20 : 0;
  return whole ? [Math.min(low, 0), high] : [low - room, high + room];
}

function nothing(parent, text) {
  parent.replaceChildren(h("p", { class: "empty" }, text));
}

/** A line over days, oldest first. `read` gives a number, `tell` the exact text. */
export function linePicture(parent, title, rows, read, tell, scale = {}) {
  if (!rows.length) return nothing(parent, "No days yet.");
  const values = rows.map(read);
  const width = widthOf(parent);
  const { y, lines } = axis(width, ...reach(values, scale), scale);
  const x = (at) => (rows.length > 1 ? LEFT + (at / (rows.length - 1)) * (width - LEFT) : (LEFT + width) / 2);
  const points = values.map((value, at) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
  const dots = rows.map((row, at) => {
    const dot = svg("circle", { class: "dot", cx: x(at).toFixed(1), cy: y(values[at]).toFixed(1), r: rows.length > 40 ? 1.6 : 2.6 });
    dot.append(svg("title", {}, `${day(row.day)}: ${tell(row)}`));
    return dot;
  });
  frame(parent, width, title, [...lines, svg("path", { class: "sum", d: `M${points.join("L")}` }), ...dots], rows);
}

/** Several lines over one axis of time. `lines`: {name, points: [{at, ...}]} with instants in microseconds. */
export function linesPicture(parent, title, lines, read, tell, scale = {}) {
  const drawn = lines.filter(({ points }) => points.length);
  if (!drawn.length) return nothing(parent, "No days yet.");
  const all = drawn.flatMap(({ points }) => points);
  const values = all.map(read);
  const [first, last] = [Math.min(...all.map(({ at }) => at)), Math.max(...all.map(({ at }) => at))];
  const width = widthOf(parent);
  const { y, lines: rules } = axis(width, ...reach(values, scale), scale);
  const x = (at) => (last > first ? LEFT + ((at - first) / (last - first)) * (width - LEFT) : (LEFT + width) / 2);
  const shapes = drawn.flatMap(({ name, points }, number) => {
    const way = points.map((point) => `${x(point.at).toFixed(1)} ${y(read(point)).toFixed(1)}`).join("L");
    const dots = points.map((point) => {
      const dot = svg("circle", { class: `dot l${number % 6}`, cx: x(point.at).toFixed(1), cy: y(read(point)).toFixed(1), r: points.length > 40 ? 1.4 : 2.4 });
      dot.append(svg("title", {}, `${name}, ${day(point.at)}: ${tell(point)}`));
      return dot;
    });
    return [svg("path", { class: `line l${number % 6}`, d: `M${way}` }), ...dots];
  });
  const ends = last > first ? [{ day: first }, { day: last }] : [{ day: first }];
  frame(parent, width, title, [...rules, ...shapes], ends, drawn.map(({ name }, number) => [`l${number % 6}`, name]));
}

/** Columns over days, stacked by sign. `parts`: [class, text, read]. */
export function columnPicture(parent, title, rows, parts, tell, scale = {}) {
  if (!rows.length) return nothing(parent, "No days yet.");
  const up = rows.map((row) => parts.reduce((sum, [, , read]) => sum + Math.max(0, read(row)), 0));
  const down = rows.map((row) => parts.reduce((sum, [, , read]) => sum + Math.min(0, read(row)), 0));
  const [low, high] = [Math.min(0, ...down), Math.max(0, ...up)];
  if (low === high) return nothing(parent, "Nothing in these days.");
  const width = widthOf(parent);
  const { y, lines } = axis(width, low, high, scale);
  const step = (width - LEFT) / rows.length;
  const thick = Math.min(step * 0.7, 46);
  const columns = rows.flatMap((row, at) => {
    let above = 0;
    let below = 0;
    return parts.map(([name, , read]) => {
      const value = read(row);
      const from = value > 0 ? above : below;
      if (value > 0) above += value;
      else below += value;
      const [top, bottom] = [y(Math.max(from, from + value)), y(Math.min(from, from + value))];
      const column = svg("rect", { class: name, x: (LEFT + (at + 0.5) * step - thick / 2).toFixed(1), width: thick.toFixed(1), y: top.toFixed(1), height: Math.max(0, bottom - top).toFixed(1) });
      column.append(svg("title", {}, `${day(row.day)}: ${tell(row)}`));
      return column;
    });
  });
  const zero = svg("line", { class: "axis", x1: LEFT, x2: width, y1: y(0), y2: y(0) });
  frame(parent, width, title, [...lines, ...columns, zero], rows, parts.length > 1 ? parts.map(([name, text]) => [name, text]) : []);
}

/** Shares of a whole as bars. `rows`: {name, share (0..1), value}. */
export function sharePicture(parent, title, rows) {
  if (!rows.length) return nothing(parent, "Nothing is held.");
  const tall = 26;
  const width = widthOf(parent);
  const bars = rows.flatMap(({ name, share, value }, at) => [
    label(0, at * tall + 16, name, "start"),
    svg("rect", { class: "area", x: 110, width: width - 180, y: at * tall + 5, height: 14, rx: 3 }),
    svg("rect", { class: value < 0 ? "short" : "long", x: 110, width: ((width - 180) * share).toFixed(1), y: at * tall + 5, height: 14, rx: 3 }),
    label(width, at * tall + 16, `${(share * 100).toFixed(1)} %`, "end"),
  ]);
  parent.replaceChildren(
    svg("svg", { viewBox: `0 0 ${width} ${rows.length * tall + 4}`, role: "img", "aria-label": title }, bars),
    h("div", { class: "key" }, h("span", {}, h("i", { class: "long" }), "long"), h("span", {}, h("i", { class: "short" }), "short")),
  );
}
