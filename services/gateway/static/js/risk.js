// The risk page: a few questions asked again and again, and a panel for each answer.

import { $, h } from "./dom.js";
import { compact } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { healthPicture, insurancePicture, mapPicture } from "./panels/pictures.js";
import { alertTable, considered, exposureTable, stressTable, tailTable, whatIf } from "./panels/riskTables.js";

const choose = $("market");
const form = $("whatif");
const figure = headlineOf($("headline"), ["Accounts with positions", "At an alert level", "Liquidations under way", "Liquidatable after −20 %", "Uncovered after −20 %", "Insurance", "Gross notional"]);

const showStress = stressTable($("stress"));
const showExposure = exposureTable($("exposure"));
const showTails = tailTable($("tails"));
const showAlerts = alertTable($("alerts"));

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
  alerts: new Poll("alerts", 2000, () => ["alerts", { limit: 50 }], ({ alerts }) => showAlerts(alerts.reverse())),
  map: new Poll("map", 6000, () => choose.value && ["risk/liquidation-map", { market: choose.value }], (answer) => mapPicture($("map"), answer)),
  insurance: new Poll("insurance", 6000, () => ["risk/insurance", { limit: 2000 }], (answer) => {
    insurancePicture($("insurance"), answer);
    const funds = new Map(answer.points.map(({ market, balance }) => [market, Number(balance)]));
    figure("Insurance", compact([...funds.values()].reduce((sum, value) => sum + value, 0)), `USDC in ${funds.size === 1 ? "1 fund" : `${funds.size} funds`}`);
  }),
  stress: new Poll("stress", 10000, () => ["risk/stress"], (answer) => {
    showStress(answer.scenarios);
    considered($("considered"), answer);
    const fall = answer.scenarios.find(({ name }) => name === "-20 %");
    figure("Liquidatable after −20 %", fall.liquidatable.toLocaleString("en"), `${compact(fall.liquidated)} USDC`);
    figure("Uncovered after −20 %", compact(fall.uncovered), `of ${compact(fall.shortfall)} USDC owed`);
  }),
  exposure: new Poll("exposure", 10000, () => ["risk/exposure"], (answer) => {
    showExposure(answer.markets);
    showTails(answer.largest);
    figure("Gross notional", compact(answer.markets.reduce((sum, { long, short }) => sum + Number(long) + Number(short), 0)), "USDC, longs and shorts");
  }),
};

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

choose.addEventListener("change", () => polls.map.now());
whatIf(form, $("outcome"));
keepAsking(polls);
