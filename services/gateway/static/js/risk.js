// The risk page: a few questions asked again and again, and a panel for each answer.

import { h, text } from "./dom.js";
import { compact } from "./format.js";
import { healthPicture, insurancePicture, mapPicture } from "./panels/pictures.js";
import { considered, exposureTable, stressTable, tailTable, whatIf } from "./panels/riskTables.js";
import { Poll } from "./poll.js";
import { installTheme } from "./theme.js";

const $ = (id) => document.getElementById(id);
const choose = $("market");
const form = $("whatif");
const figures = new Map();

const showStress = stressTable($("stress"));
const showExposure = exposureTable($("exposure"));
const showTails = tailTable($("tails"));

const polls = {
  markets: new Poll("markets", 15000, () => ["markets"], listMarkets),
  health: new Poll("health", 3000, () => ["risk"], (answer) => {
    healthPicture($("health"), answer);
    const { none, ...worse } = answer.levels;
    const alerted = Object.values(worse).reduce((sum, accounts) => sum + accounts, 0);
    figure("Accounts with positions", answer.total.toLocaleString("en"));
    figure("At an alert level", alerted.toLocaleString("en"), `${worse.liquidatable} liquidatable`);
    figure("Liquidations under way", answer.liquidating.toLocaleString("en"));
  }),
  map: new Poll("map", 6000, () => choose.value && ["risk/liquidation-map", { market: choose.value }], (answer) => mapPicture($("map"), answer)),
  insurance: new Poll("insurance", 6000, () => ["risk/insurance", { limit: 2000 }], (answer) => {
    insurancePicture($("insurance"), answer);
    const funds = new Map(answer.points.map(({ market, balance }) => [market, Number(balance)]));
    figure("Insurance", compact([...funds.values()].reduce((sum, value) => sum + value, 0)), `${funds.size} funds`);
  }),
  stress: new Poll("stress", 10000, () => ["risk/stress"], (answer) => {
    showStress(answer.scenarios);
    considered($("considered"), answer);
    const fall = answer.scenarios.find(({ name }) => name === "-20 %");
    figure("Liquidatable after −20 %", fall.liquidatable.toLocaleString("en"), `${compact(fall.liquidated)} notional`);
    figure("Uncovered after −20 %", compact(fall.uncovered), `of ${compact(fall.shortfall)} owed`);
  }),
  exposure: new Poll("exposure", 10000, () => ["risk/exposure"], (answer) => {
    showExposure(answer.markets);
    showTails(answer.largest);
    figure("Gross notional", compact(answer.markets.reduce((sum, { long, short }) => sum + Number(long) + Number(short), 0)));
  }),
};

/** A figure of the headline; each keeps its place. */
function figure(title, value, note = "") {
  let found = figures.get(title);
  if (!found) {
    found = { value: h("span"), note: h("small") };
    figures.set(title, found);
    const list = $("headline").querySelector("dl") ?? $("headline").appendChild(h("dl"));
    list.append(h("div", { class: "figure" }, h("dt", {}, title), h("dd", {}, found.value, found.note)));
  }
  text(found.value, value);
  text(found.note, note);
}

function listMarkets({ markets }) {
  const names = markets.map(({ market }) => market);
  for (const select of [choose, form.elements.market]) {
    if ([...select.options].map(({ value }) => value).join() === names.join()) continue;
    const chosen = select.value;
    select.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    if (names.includes(chosen)) select.value = chosen;
  }
  polls.map.now();
}

function tick() {
  for (const poll of Object.values(polls)) poll.tick();
  const failing = Object.values(polls).some(({ error }) => error !== null);
  const asked = Object.values(polls).some(({ answeredAt }) => answeredAt > 0);
  $("link").dataset.state = failing ? "lost" : asked ? "live" : "";
  text($("link"), failing ? "Not all answer" : asked ? "Up to date" : "Asking");
}

choose.addEventListener("change", () => polls.map.now());
whatIf(form, $("outcome"));
installTheme($("theme"), () => {});
document.addEventListener("visibilitychange", () => !document.hidden && Object.values(polls).forEach((poll) => poll.now()));
for (const poll of Object.values(polls)) poll.now();
setInterval(tick, 500);
tick();
