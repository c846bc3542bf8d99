// What the pages of figures have in common: a headline whose figures keep their place, and the state of their questions.

import { h, text } from "./dom.js";
import { installTheme } from "./theme.js";

const $ = (id) => document.getElementById(id);

/** A headline whose first figures are `titles`, whichever answer comes first; returns figure(title, value, note, way). */
export function headlineOf(parent, titles = []) {
  const figures = new Map();
  const list = parent.appendChild(h("dl"));
  const make = (title) => {
    const made = { value: h("span", {}, "–"), note: h("small") };
    list.append(h("div", { class: "figure" }, h("dt", {}, title), h("dd", {}, made.value, made.note)));
    figures.set(title, made);
    return made;
  };
  titles.forEach(make);
  return (title, value, note = "", way = "") => {
    const found = figures.get(title) ?? make(title);
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
