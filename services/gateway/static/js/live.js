// The WebSocket: subscriptions that survive a reconnect, and alerts that resume where they stopped.

import { credentials, onSession, seesVenue, session } from "./session.js";

const PING_MS = 2000;
const SILENCE_MS = 7000;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 8000;
const ENDED = 4401;

export class Live {
  constructor({ onPrice, onAlerts, onReset, onState }) {
    Object.assign(this, { onPrice, onAlerts, onReset, onState });
    this.markets = new Set();
    this.alertSeq = null;
    this.heardAt = performance.now();
    this.wait = FIRST_WAIT_MS;
    this.skewMs = 0;
    this.roundTripMs = null;
    this.open = false;
    this.socket = null;
    setInterval(() => this.beat(), PING_MS);
    onSession(() => this.socket?.close());
  }

  async connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const fields = await credentials();
    const token = fields["X-API-Key"] ?? fields.Authorization?.split(" ")[1];
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws`, token ? ["cleartide.v1", `cleartide.token.${token}`] : []);
    this.socket = socket;
    socket.onopen = () => {
      this.open = true;
      this.wait = FIRST_WAIT_MS;
      this.heardAt = performance.now();
      this.subscribeAlerts();
      for (const market of this.markets) this.subscribePrices(market);
      this.beat();
      this.onState();
    };
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      this.take(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (code === ENDED) credentials(true).catch(() => {});
      if (socket !== this.socket) return;
      this.open = false;
      this.onState();
      setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
      this.wait = Math.min(this.wait * 2, LAST_WAIT_MS);
    };
  }

  /** Seconds without a word from the gateway. */
  get silence() {
    return (performance.now() - this.heardAt) / 1000;
  }

  /** The gateway's clock, milliseconds. */
  get now() {
    return Date.now() + this.skewMs;
  }

  watch(markets) {
    for (const market of markets) {
      if (this.markets.has(market)) continue;
      this.markets.add(market);
      if (this.open) this.subscribePrices(market);
    }
  }

  beat() {
    if (!this.open) return;
    if (performance.now() - this.heardAt > SILENCE_MS) this.socket.close();
    else this.say({ op: "ping", id: Date.now() });
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  subscribePrices(market) {
    this.say({ op: "subscribe", channel: "prices", market });
  }

  /** The venue's alerts, or the reader's own. */
  subscribeAlerts() {
    const place = this.alertSeq === null ? {} : { after_seq: this.alertSeq };
    const whose = seesVenue() ? {} : { account: session().user };
    this.say({ op: "subscribe", channel: "alerts", ...whose, ...place });
  }

  take(frame) {
    if (frame.op === "pong") return this.onPong(frame);
    if (frame.op === "error") return this.onError(frame.error);
    if (frame.channel === "prices" && frame.data) return this.onPrice(frame.data);
    if (frame.channel !== "alerts") return undefined;
    const alerts = frame.op === "snapshot" ? frame.data : [frame.data];
    this.alertSeq = Math.max(this.alertSeq ?? 0, frame.seq);
    return this.onAlerts(alerts, frame.op === "update");
  }

  onPong({ id, at }) {
    this.roundTripMs = Date.now() - id;
    this.skewMs = at / 1000 - (id + this.roundTripMs / 2);
    this.onState();
  }

  onError(error) {
    if (error.code === "after_seq_beyond_feed") {
      this.alertSeq = null;
      this.onReset();
      this.subscribeAlerts();
    } else if (error.code === "history_unavailable") {
      setTimeout(() => this.subscribeAlerts(), 1000);
    } else if (error.code === "sign_in_required") {
      dispatchEvent(new CustomEvent("cleartide:refused"));
    } else {
      console.warn("live", error.code, error.message);
    }
  }
}
