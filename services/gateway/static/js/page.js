// What the pages of figures have in common: a headline whose figures keep their place, and the state of their questions.

import { h, text } from "./dom.js";
import { installTheme } from "./theme.js";

const $ = (id) => document.getElementById(id);

/** A headline; returns figure(title, value, note, way). */
export function headlineOf(parent) {
  const figures = new Map();
  return (title, value, note = "", way = "") => {
    let found = figures.get(title);
    if (!found) {
      found = { value: h("span"), note: h("small") };
      figures.set(title, found);
      const list = parent.querySelector("dl") ?? parent.appendChild(h("dl"));
      list.append(h("div", { class: "figure" }, h("dt", {}, title), h("dd", {}, found.value, found.note)));
    }
    text(found.value, value);
    text(found.note, note);
    found.note.className = way;
  };
}

/** Ask from now on, also when the page is seen again, and say whether all answer. */
export function keepAsking(polls, painted = () => {}) {
  function tick() {
    for (const poll of Object.values(polls)) poll.tick();
    const failing = Object.values(polls).some(({ error }) => error !== null);
    const asked = Object.values(polls).some(({ answeredAt }) => answeredAt > 0);
    $("link").dataset.state = failing ? "lost" : asked ? "live" : "";
    text($("link"), failing ? "Not all answer" : asked ? "Up to date" : "Asking");
  }
  installTheme($("theme"), painted);
  const all = () => Object.values(polls).forEach((poll) => poll.now());
  document.addEventListener("visibilitychange", () => !document.hidden && all());
  all();
  setInterval(tick, 500);
  tick();
}

export const DAYS = [7, 30, 90].map((value) => ({ value, label: `${value} d` }));
