// The WebSocket: it comes back by itself, and knows when it was last heard. What is told over it is for its heirs.

import { credentials, onSession } from "./api.js";

const PING_MS = 2000;
const SILENCE_MS = 7000;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 8000;
const AGAIN_MS = 5000;
const ENDED = 4401;

/** Heirs have `opened()`, `closed()` and `take(frame)`. */
export class Socket {
  constructor() {
    Object.assign(this, { heardAt: performance.now(), wait: FIRST_WAIT_MS, open: false, socket: null });
    setInterval(() => this.beat(), PING_MS);
    onSession(() => this.socket?.close());
  }

  async connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    let fields;
    try {
      fields = await credentials();
    } catch {
      return this.later();
    }
    const token = fields["X-API-Key"] ?? fields.Authorization?.split(" ")[1];
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws`, token ? ["cleartide.v1", `cleartide.token.${token}`] : []);
    this.socket = socket;
    socket.onopen = () => {
      Object.assign(this, { open: true, wait: FIRST_WAIT_MS, heardAt: performance.now() });
      this.opened();
      this.beat();
    };
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      const frame = JSON.parse(data);
      if (frame.error?.code === "sign_in_required") dispatchEvent(new CustomEvent("cleartide:refused"));
      this.take(frame);
    };
    socket.onclose = ({ code }) => {
      if (code === ENDED) credentials(true).catch(() => {});
      this.open = false;
      this.closed();
      this.later();
    };
    return undefined;
  }

  later() {
    setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LAST_WAIT_MS);
  }

  beat() {
    if (!this.open) return;
    if (performance.now() - this.heardAt > SILENCE_MS) this.socket.close();
    else this.say({ op: "ping", id: Date.now() });
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

/** One subscription about an account, in the place of a Poll: told when something has changed, and never by asking. */
export class Feed extends Socket {
  /** `question()`: {channel, account, ...}, or null for nothing now. */
  constructor(name, question, show) {
    super();
    Object.assign(this, { question, show, label: document.querySelector(`[data-of="${name}"]`), asked: null, answeredAt: 0, error: null, timer: 0 });
    this.connect();
  }

  opened() {
    this.asked = this.error = null;
    this.now();
  }

  closed() {
    this.error = { code: "unreachable", message: "The gateway does not answer." };
  }

  now() {
    clearTimeout(this.timer);
    const { channel, account } = this.asked ?? {};
    this.asked = this.question();
    if (account && account !== this.asked?.account) this.say({ op: "unsubscribe", channel, account });
    if (this.asked) this.say({ op: "subscribe", ...this.asked });
  }

  take(frame) {
    if (frame.op === "error") {
      this.error = frame.error;
      this.timer = setTimeout(() => this.now(), AGAIN_MS);
    } else if (frame.data && this.asked && Object.entries(this.asked).every(([name, value]) => frame[name] === value)) {
      this.error = null;
      this.answeredAt = performance.now();
      this.show(frame.data);
    }
  }

  tick() {
    this.label.toggleAttribute("data-old", this.error !== null);
    this.label.textContent = this.error?.message ?? "";
  }
}
