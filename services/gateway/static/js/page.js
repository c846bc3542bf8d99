// What the pages of figures have in common: a headline whose figures keep their place, and questions asked again and again.

import { get, onSession } from "./api.js";
import { $, h, text } from "./dom.js";
import { ago, span } from "./format.js";

const FAILURES_UNTIL_SLOW = 3;
const SLOW_FACTOR = 3;
const REFUSED_MS = 60000;
export const DAYS = [7, 30, 90].map((value) => ({ value, label: `${value} d` }));

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

/** One repeated question. `question()` gives path and parameters; null means: nothing to ask now. With `absent`, 404 is an answer too. */
export class Poll {
  constructor(name, periodMs, question, show, absent = null) {
    Object.assign(this, { name, periodMs, question, show, absent });
    this.label = document.querySelector(`[data-of="${name}"]`);
    this.answeredAt = 0;
    this.failures = 0;
    this.error = null;
    this.turn = 0;
    this.timer = 0;
    onSession(() => this.now());
  }

  /** Ask now, and from now on. An answer to an earlier question is dropped. */
  async now() {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    const asked = this.question();
    let wait = this.periodMs;
    if (asked && !document.hidden) {
      try {
        const answer = await this.answer(asked);
        if (turn !== this.turn) return;
        if (answer === null) this.absent();
        else this.show(answer);
        this.answeredAt = performance.now();
        this.failures = 0;
        this.error = null;
      } catch (error) {
        if (turn !== this.turn) return;
        if (error.code === undefined) console.error(error);
        this.failures += 1;
        this.error = error;
        wait = Math.max(wait * (this.failures > FAILURES_UNTIL_SLOW ? SLOW_FACTOR : 1), (error.retryAfter ?? 0) * 1000, [401, 403].includes(error.status) ? REFUSED_MS : 0);
      }
    }
    this.timer = setTimeout(() => this.now(), wait);
  }

  /** What was answered; null for what is not there, where that is an answer. */
  async answer(asked) {
    try {
      return await get(...asked);
    } catch (error) {
      if (error.status === 404 && this.absent) return null;
      throw error;
    }
  }

  /** The age of what is shown; only said when it is older than it should be, or wrong. */
  tick() {
    if (!this.label) return;
    const age = this.answeredAt ? (performance.now() - this.answeredAt) / 1000 : null;
    const old = this.error !== null || (age !== null && age > (this.periodMs * 3) / 1000);
    this.label.toggleAttribute("data-old", old);
    if (this.error && age === null) this.label.textContent = this.error.message;
    else if (old && age !== null) this.label.textContent = `${ago(age)} old`;
    else this.label.textContent = "";
    this.label.title = this.error ? `${this.error.code}: ${this.error.message}` : age === null ? "" : `${span(age)} ago`;
  }
}

/** Ask from now on, also when the page is seen again, and say whether all answer. */
export function keepAsking(polls) {
  function tick() {
    for (const poll of Object.values(polls)) poll.tick();
    const failing = Object.values(polls).some(({ error }) => error !== null);
    const asked = Object.values(polls).some(({ answeredAt }) => answeredAt > 0);
    $("link").dataset.state = failing ? "lost" : asked ? "live" : "";
    text($("link"), failing ? "Not all answer" : asked ? "Up to date" : "Asking");
  }
  const all = () => Object.values(polls).forEach((poll) => poll.now());
  document.addEventListener("visibilitychange", () => !document.hidden && all());
  all();
  setInterval(tick, 500);
  tick();
}
