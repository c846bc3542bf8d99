// The market's figures in one line.

import { h, text } from "../dom.js";
import { MINUS, compact, direction, exact, percent } from "../format.js";

/** A ratio of two decimals as a percentage or in basis points; for display only. */
function change(from, to, scale, digits) {
  if (!from || !to || Number(from) === 0) return null;
  const share = (Number(to) / Number(from) - 1) * scale;
  const body = Math.abs(share).toFixed(digits);
  const sign = Number(body) === 0 ? "" : share < 0 ? MINUS : "+";
  return { text: sign + body, way: sign === "+" ? "up" : sign ? "down" : "" };
}

/** Seconds as mm:ss. */
function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  return `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
}

const YEAR_MICROS = 365 * 86400 * 1e6;
const FIGURES = [
  ["mark", "Mark price"],
  ["index", "Index price"],
  ["change", "24 h change"],
  ["range", "24 h range"],
  ["volume", "24 h volume"],
  ["interest", "Open interest"],
  ["funding", "Predicted funding"],
  ["next", "Next funding"],
];

export function headline(section, clock) {
  const fields = Object.fromEntries(FIGURES.map(([name]) => [name, { main: h("span", {}, "–"), note: h("small") }]));
  section.replaceChildren(
    h("dl", {}, FIGURES.map(([name, label], at) =>
      h("div", { class: at ? "figure" : "figure main" }, h("dt", {}, label), h("dd", {}, fields[name].main, fields[name].note)),
    )),
  );
  let lastMark = null;
  let closesAt = null;

  function set(name, value, note = "", way = "") {
    const { main, note: small } = fields[name];
    text(main, value);
    text(small, note);
    small.className = way;
  }

  function prices(price, stats) {
    const opened = stats?.open_24h;
    const moved = change(opened, price?.last ?? price?.mark, 100, 2);
    const basis = change(price?.index, price?.mark, 10000, 1);
    set("mark", exact(price?.mark), price?.index_stale ? "index stale" : "", price?.index_stale ? "down" : "");
    const ticked = lastMark && price?.mark !== lastMark ? (Number(price.mark) > Number(lastMark) ? "up" : "down") : null;
    if (ticked) fields.mark.main.className = ticked;
    lastMark = price?.mark ?? lastMark;
    set("index", exact(price?.index), basis ? `${basis.text} bp` : "");
    set("change", moved ? `${moved.text} %` : "–");
    fields.change.main.className = moved?.way ?? "";
    set("range", stats?.low_24h ? `${exact(stats.low_24h)} – ${exact(stats.high_24h)}` : "–");
    set("volume", stats ? compact(stats.quote_volume_24h) : "–", stats ? `${Number(stats.trades_24h).toLocaleString("en")} trades` : "");
    const interest = price?.open_interest ?? stats?.open_interest;
    const worth = interest && price?.mark ? compact(String(Number(interest) * Number(price.mark))) : "";
    set("interest", worth || "–", interest ? exact(interest) : "");
  }

  function funding({ open, interval_micros: interval }) {
    closesAt = open?.interval_end ?? null;
    if (!open) return set("funding", "–");
    const yearly = (Number(open.predicted_rate) * YEAR_MICROS) / interval;
    set("funding", `${percent(open.predicted_rate, 4)} %`, `${percent(yearly.toFixed(9), 1)} % a year`);
    fields.funding.main.className = direction(open.predicted_rate);
    return undefined;
  }

  function tick() {
    set("next", closesAt === null ? "–" : countdown((closesAt / 1000 - clock()) / 1000));
  }

  return { prices, funding, tick };
}
