// The alert feed, newest first.

import { h, keyed, segments, text } from "../dom.js";
import { ago, fixed, money, timeOfDay } from "../format.js";
import { levelChip } from "./chip.js";

const KEPT = 200;
const SEVERE = new Set(["critical", "liquidatable"]);

export function alertFeed(section, filter, clock, open) {
  const list = h("ol", { class: "feed" });
  const none = h("p", { class: "empty" }, "Not known yet.");
  section.querySelector(".body").append(list, none);
  let alerts = [];
  let severeOnly = false;
  const options = [{ value: "all", label: "All" }, { value: "severe", label: "Severe" }];
  segments(filter, options, "all", (value) => {
    severeOnly = value === "severe";
    render(false);
  });

  /** What the alert was computed from, in words. */
  function reason(alert) {
    if (alert.kind === "health") return `${alert.previous_level ? `was ${alert.previous_level}` : "was safe"} · equity ${money(alert.equity)} ÷ ${money(alert.maintenance_margin)}`;
    if (alert.rule) {
      const figures = alert.figures.map(({ name, value }) => `${name.replaceAll("_", " ")} ${money(value)}`).join(", ");
      return `rule ${alert.rule}${alert.market ? ` in ${alert.market}` : ""}${figures ? `: ${figures}` : ""}`;
    }
    const about = `${alert.kind.replaceAll("_", " ")}${alert.market ? ` in ${alert.market}` : ""}`;
    return `${about}: ${money(alert.value)} ${alert.level === "resolved" ? "of" : "above"} ${money(alert.threshold)}`;
  }

  function make(alert) {
    const account = h("button", { type: "button", class: "link-button", onclick: () => open(alert.account) }, alert.account);
    return h(
      "li",
      {},
      levelChip(alert.level),
      h("span", {}, account, " ", h("time", { class: "when", title: timeOfDay(alert.at) })),
      h("span", { class: "hf", title: "health factor" }, alert.health_factor === null ? "–" : fixed(alert.health_factor, 3)),
      h("span", { class: "what", title: alert.formula || "equity ÷ maintenance margin" }, reason(alert)),
      h("span", { class: "seq", title: "sequence number in the feed" }, `#${alert.seq}`),
    );
  }

  function render(live) {
    const shown = severeOnly ? alerts.filter(({ level }) => SEVERE.has(level)) : alerts;
    none.hidden = shown.length > 0;
    const newest = list.firstElementChild?.dataset.key;
    keyed(list, shown, (alert) => alert.seq, (alert) => {
      const item = make(alert);
      if (live && (newest === undefined || alert.seq > Number(newest))) item.classList.add("fresh");
      return item;
    }, () => {});
    tick();
  }

  /** Take alerts in order of seq; what is known already is left out. */
  function add(arrived, live) {
    const head = alerts[0]?.seq ?? 0;
    const fresh = arrived.filter(({ seq }) => seq > head).reverse();
    text(none, "No alerts.");
    alerts = [...fresh, ...alerts].slice(0, KEPT);
    render(live);
  }

  function reset() {
    alerts = [];
    render(false);
  }

  function tick() {
    const now = clock();
    const times = list.querySelectorAll("time");
    const shown = [...list.children];
    const bySeq = new Map(alerts.map((alert) => [String(alert.seq), alert]));
    shown.forEach((item, at) => text(times[at], ago((now - bySeq.get(item.dataset.key).at / 1000) / 1000)));
  }

  return { add, reset, tick };
}
