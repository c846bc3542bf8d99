// The order book as a ladder: asks above, bids below, the best beside the spread; bars are what is added up so far.

import { h, keyed, svg, text } from "../dom.js";
import { exact } from "../format.js";

const ROWS = 9;

/** Levels from the best outward, each with what is added up to it. */
function summed(levels) {
  let total = 0;
  const digits = (levels[0]?.[1].split(".")[1] ?? "").length;
  return levels.slice(0, ROWS).map(([price, size]) => ({ price, size, total: (total += Number(size)), sum: total.toFixed(digits) }));
}

function row({ side }) {
  const bar = svg("svg", { viewBox: "0 0 100 20", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { y: 0, height: 20 }));
  return h("div", { class: side, role: "row" }, bar, h("span"), h("span"), h("span"));
}

/** Returns show(answer). */
export function book(parent) {
  const ladder = h("div", { class: "ladder", role: "table", "aria-label": "Levels of the order book" });
  const middle = h("div", { class: "middle", "data-key": "middle", role: "row" }, h("span"), h("span"), h("span"));
  parent.replaceChildren(h("div", { class: "ladder" }, h("div", { class: "head" }, h("span", {}, "Price"), h("span", {}, "Size"), h("span", {}, "Sum"))), ladder);

  return function show({ asks, bids }) {
    const [up, down] = [summed(asks), summed(bids)];
    const most = Math.max(up.at(-1)?.total ?? 0, down.at(-1)?.total ?? 0) || 1;
    const rows = [
      ...up.reverse().map((level) => ({ ...level, side: "ask", key: `ask ${level.price}` })),
      { key: "middle" },
      ...down.map((level) => ({ ...level, side: "bid", key: `bid ${level.price}` })),
    ];
    keyed(ladder, rows, ({ key }) => key, (item) => (item.key === "middle" ? middle : row(item)), (line, item) => {
      if (item.key === "middle") return;
      const [bar, price, size, total] = line.children;
      const wide = (item.total / most) * 100;
      bar.firstChild.setAttribute("x", 100 - wide);
      bar.firstChild.setAttribute("width", wide);
      text(price, exact(item.price));
      text(size, exact(item.size));
      text(total, exact(item.sum));
    });
    const [label, spread, share] = middle.children;
    const both = asks.length && bids.length;
    const wide = both ? Number(asks[0][0]) - Number(bids[0][0]) : 0;
    text(label, "Spread");
    text(spread, both ? exact(wide.toFixed((asks[0][0].split(".")[1] ?? "").length)) : "–");
    text(share, both ? `${((wide / Number(bids[0][0])) * 1e4).toFixed(1)} bp` : "");
  };
}
