// Prices and alerts as they come: subscriptions that survive a reconnect, and alerts that resume where they stopped.

import { seesVenue, session } from "./api.js";
import { Socket } from "./socket.js";

export class Live extends Socket {
  constructor({ onPrice, onAlerts, onReset, onState }) {
    super();
    Object.assign(this, { onPrice, onAlerts, onReset, onState, markets: new Set(), alertSeq: null, skewMs: 0, roundTripMs: null });
  }

  opened() {
    this.subscribeAlerts();
    for (const market of this.markets) this.subscribePrices(market);
    this.onState();
  }

  closed() {
    this.onState();
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
    } else if (error.code !== "sign_in_required") {
      console.warn("live", error.code, error.message);
    }
  }
}
