// Ask again and again, one question at a time, and say how old the last answer is.

import { get } from "./api.js";
import { ago, span } from "./format.js";
import { onSession } from "./session.js";

const FAILURES_UNTIL_SLOW = 3;
const SLOW_FACTOR = 3;
const REFUSED_MS = 60000;

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
