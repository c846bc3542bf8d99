// The dashboard: one state, one WebSocket, a few questions asked again and again, and panels that show the answers.

import { whenAddressed } from "./address.js";
import { $, segments, text } from "./dom.js";
import { ago, exact } from "./format.js";
import { installKeys } from "./keys.js";
import { Live } from "./live.js";
import { accountDialog } from "./panels/account.js";
import { alertFeed } from "./panels/alerts.js";
import { INTERVALS, priceChart } from "./panels/chart.js";
import { headline } from "./panels/headline.js";
import { liquidations } from "./panels/liquidations.js";
import { positions } from "./panels/positions.js";
import { services } from "./panels/services.js";
import { Poll } from "./page.js";
import { seesVenue, session } from "./api.js";

const STALE_SECONDS = 5;
const OLD_PRICE_SECONDS = 15;

const state = { market: null, interval: 60, markets: new Map(), prices: new Map() };
const live = new Live({ onPrice, onAlerts: (list, now) => feed.add(list, now), onReset: () => feed.reset(), onState: showLink });
const clock = () => live.now;

const openAccount = accountDialog($("account"));
const figures = headline($("headline"), clock);
const chart = priceChart({ canvas: $("canvas"), legend: $("legend"), intervals: $("intervals") }, chooseInterval);
const held = positions($("positions"), $("levels"), openAccount);
const feed = alertFeed($("alerts"), $("alert-filter"), clock, openAccount);
const liquidated = liquidations($("liquidations"), openAccount);
const progress = services($("services"));

const polls = {
  markets: new Poll("markets", 3000, () => ["markets"], showMarkets),
  candles: new Poll("candles", 2000, () => state.market && [`markets/${state.market}/candles`, { interval: state.interval, limit: 500 }], chart.show),
  funding: new Poll("funding", 10000, () => state.market && [`markets/${state.market}/funding`, { limit: 1 }], figures.funding),
  positions: new Poll("positions", 2000, () => ["positions", { limit: 100, account: seesVenue() ? null : session().user }], held.show),
  risk: new Poll("risk", 3000, () => ["risk"], held.summary),
  liquidations: new Poll("liquidations", 3000, () => ["liquidations", { limit: 50 }], liquidated.show),
  services: new Poll("services", 2000, () => ["services"], progress.show),
};

let selectMarket = () => {};

function showMarkets({ markets }) {
  const names = markets.map(({ market }) => market);
  const changed = names.join() !== [...state.markets.keys()].join();
  state.markets = new Map(markets.map((market) => [market.market, market]));
  if (changed) listMarkets(names);
  if (!state.market && names.length) chooseMarket(names.includes(location.hash.slice(1)) ? location.hash.slice(1) : names[0]);
  showPrices();
}

function listMarkets(names) {
  live.watch(names.slice(0, 60));
  selectMarket = segments($("markets"), names.map((name) => ({ value: name, label: name })), state.market ?? "", chooseMarket);
  for (const button of $("markets").children) button.append(document.createElement("span"));
  for (const price of state.prices.values()) showTab(price);
}

function chooseMarket(market) {
  state.market = market;
  history.replaceState(null, "", `#${market}`);
  selectMarket(market);
  text($("chart-title"), market);
  showPrices();
  polls.candles.now();
  polls.funding.now();
}

function chooseInterval(interval) {
  state.interval = Number(interval);
  chart.select(state.interval);
  polls.candles.now();
}

function onPrice(price) {
  state.prices.set(price.market, price);
  showTab(price);
  if (price.market !== state.market) return;
  showPrices();
  chart.price(price);
}

function showTab(price) {
  const tab = $("markets").querySelector(`[data-value="${price.market}"] span`);
  if (tab) text(tab, exact(price.mark));
}

function showPrices() {
  const stats = state.markets.get(state.market)?.stats;
  const price = state.prices.get(state.market);
  if (price || stats) figures.prices(price ?? stats, stats);
}

function showLink() {
  const link = $("link");
  const quiet = live.silence > STALE_SECONDS;
  link.dataset.state = !live.open ? "lost" : quiet ? "stale" : "live";
  const trip = live.roundTripMs === null ? "" : ` · ${Math.max(1, Math.round(live.roundTripMs))} ms`;
  text(link, !live.open ? "Reconnecting" : quiet ? "Silent" : `Live${trip}`);
}

/** What is not fresh is called so: the connection, or the price that comes over it. */
function staleness() {
  const price = state.prices.get(state.market);
  const age = price ? (clock() - price.at / 1000) / 1000 : 0;
  if (!live.open || live.silence > STALE_SECONDS) {
    return `No word from the gateway for ${ago(live.silence)}. The figures below are the last ones known.`;
  }
  if (age > OLD_PRICE_SECONDS) return `The last price of ${state.market} is ${ago(age)} old.`;
  if (price?.index_stale) return `The index of ${state.market} is stale: nobody is liquidated until it is fresh again.`;
  return "";
}

function tick() {
  const notice = staleness();
  $("stale").hidden = !notice || (performance.now() < STALE_SECONDS * 1000 && !live.open);
  text($("stale"), notice);
  text($("clock"), `${new Date(clock()).toISOString().slice(11, 19)} UTC`);
  showLink();
  figures.tick();
  feed.tick();
  for (const poll of Object.values(polls)) poll.tick();
}

function stepInterval(step) {
  const at = INTERVALS.findIndex(({ value }) => value === state.interval);
  chooseInterval(INTERVALS[Math.min(INTERVALS.length - 1, Math.max(0, at + step))].value);
}

function focus(id) {
  $(id).querySelector(".body").focus();
}

installKeys(
  [[..."123456789"], "choose a market", (key) => [...state.markets.keys()][key - 1] && chooseMarket([...state.markets.keys()][key - 1])],
  [["["], "shorter candles", () => stepInterval(-1)],
  [["]"], "longer candles", () => stepInterval(1)],
  [["p"], "go to positions", () => focus("positions")],
  [["a"], "go to alerts", () => focus("alerts")],
  [["l"], "go to liquidations", () => focus("liquidations")],
);
document.addEventListener("visibilitychange", () => !document.hidden && Object.values(polls).forEach((poll) => poll.now()));
live.connect();
whenAddressed((market) => state.markets.has(market) && market !== state.market && chooseMarket(market));
for (const poll of Object.values(polls)) poll.now();
setInterval(tick, 250);
tick();
