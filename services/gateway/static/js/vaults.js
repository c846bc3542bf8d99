// The vaults page: vaults of the venue, what they gained and hold, and one of them over time.

import { whenAddressed } from "./address.js";
import { $, h, keyed, segments, text } from "./dom.js";
import "./files.js";
import { compact, direction, exact, fixed, money, percent } from "./format.js";
import { DAYS, Poll, headlineOf, keepAsking } from "./page.js";
import { linesPicture } from "./panels/series.js";
import { bps, moment, shares, small, worthOf } from "./shares.js";
import { column, num, table } from "./table.js";

const figure = headlineOf($("headline"), ["Total value locked", "Largest drawdown"]);
const state = { vault: location.hash.slice(1), days: 30, vaults: [], done: new Map() };
const rate = (value, sign = true) => (value === null || value === undefined ? "–" : `${sign ? percent(value, 2) : percent(value, 2).replace("+", "")} %`);
const done = (row) => state.done.get(row.vault);
const gain = (name, key) => num(name, (row) => rate(done(row)?.returns[key]), { way: (row) => direction(done(row)?.returns[key]) });
const chosen = () => state.vaults.find(({ vault }) => vault === state.vault) ?? null;

function lasting(seconds) {
  const [count, unit] = seconds % 86400 === 0 ? [seconds / 86400, "day"] : seconds % 3600 === 0 ? [seconds / 3600, "hour"] : [seconds, "second"];
  return seconds ? `${count} ${unit}${count === 1 ? "" : "s"}` : "none";
}

function room(row) {
  if (row.terms.capacity === null) return "no limit";
  return money(String(Math.max(0, Number(row.terms.capacity) - Number(row.assets))));
}

function nameOf(td, row) {
  if (!td.firstChild) td.append(small(row.vault, () => choose(row.vault)));
  text(td.firstChild, row.vault);
  td.firstChild.setAttribute("aria-pressed", String(row.vault === state.vault));
  td.parentElement.setAttribute("aria-selected", String(row.vault === state.vault));
}

const showVaults = table($("vaults"), [
  { title: "Vault", cell: nameOf },
  column("State", (row) => row.state, { way: (row) => (row.state === "active" ? "up" : "down") }),
  num("TVL", (row) => money(row.assets), { hint: "total value locked, USDC" }),
  num("Price", (row) => exact(row.unit_price), { hint: "of what cost 1 USDC when the vault opened" }),
  gain("24 h", "24h"), gain("30 d", "30d"), gain("All", "all"),
  num("APR", (row) => rate(done(row)?.apr), { hint: "simple, of the last 30 days" }), num("APY", (row) => rate(done(row)?.apy), { hint: "compounded, of the last 30 days" }),
  num("Fees", (row) => `${bps(row.terms.performance_fee_bps)} + ${bps(row.terms.management_fee_bps)}`, { hint: "of new gains, and a year of what lies there" }),
  num("Room", room, { hint: "what it still takes" }), num("Lock", (row) => lasting(row.terms.lock_seconds)),
  num("Waiting", (row) => (row.waiting_shares ? money(worthOf(row.waiting_shares, row)) : "–"), { hint: "worth of shares in the queue" }),
  num("Farm APR", (row) => (row.farm ? rate(row.farm.reward_apr, false) : "–"), { hint: "rewards of a year, after the platform's fee, of what is staked" }),
], (row) => row.vault, { empty: "The venue has no vault yet." });

function showAll() {
  if (!chosen() && state.vaults.length) choose(state.vaults[0].vault);
  for (const id of ["none", "no-terms"]) $(id).hidden = state.vaults.length > 0;
  showVaults(state.vaults);
  figure("Total value locked", compact(String(state.vaults.reduce((sum, row) => sum + Number(row.assets), 0))), `USDC in ${state.vaults.length} vault${state.vaults.length === 1 ? "" : "s"}`);
  showTerms();
}

function showTerms() {
  const vault = chosen();
  if (!vault) return;
  const { terms } = vault;
  const farm = vault.farm && [["Rewards to come", /[1-9]/.test(vault.farm.to_come) ? `${fixed(vault.farm.to_come, 2)} until ${moment(vault.farm.ends_at)}` : "none"], ["Staked", `${shares(vault.farm.staked_shares)} shares`], ["Platform’s fee on rewards", bps(vault.farm.platform_fee_bps)]];
  const rows = [
    ["Manager", vault.manager], ["Holders", String(vault.holders)], ["In reserve", money(vault.reserve)], ["At work", money(vault.allocated)],
    ["Fee of a deposit", bps(terms.deposit_fee_bps)], ["Fee of a withdrawal", bps(terms.withdraw_fee_bps)], ["Fee a year", bps(terms.management_fee_bps)], ["Fee of new gains", bps(terms.performance_fee_bps)],
    ["Lock", lasting(terms.lock_seconds)], ["Capacity", terms.capacity === null ? "no limit" : money(terms.capacity)], ["Fees owed", fixed(vault.fees_owed, 2)], ...(farm ?? []),
  ];
  keyed($("terms"), rows, ([name]) => name, ([name]) => h("div", {}, h("dt", {}, name), h("dd")), (row, [, value]) => text(row.lastChild, value));
  text($("terms-title"), `Terms of ${vault.vault}`);
  $("terms-go").href = `/my-vaults.html#${vault.vault}`;
}

function showHistory({ vault, points, largest_drawdown: fall }) {
  if (vault !== state.vault) return;
  const lines = [{ name: vault, points }];
  linesPicture($("price"), `Price in ${vault}`, lines, (row) => Number(row.unit_price), (row) => exact(row.unit_price));
  linesPicture($("tvl"), `Value locked in ${vault}`, [{ name: "value locked", points }], (row) => Number(row.assets), (row) => money(row.assets));
  figure("Largest drawdown", rate(fall, false), `${vault}, ${state.days} days`);
}

const polls = {
  vaults: new Poll("vaults", 2500, () => ["vaults/venue"], ({ vaults }) => {
    state.vaults = vaults;
    showAll();
  }),
  performance: new Poll("performance", 10000, () => ["venue/vaults"], ({ vaults }) => {
    state.done = new Map(vaults.map((row) => [row.vault, row]));
    showVaults(state.vaults);
  }),
  history: new Poll("history", 30000, () => state.vault && [`vaults/venue/${state.vault}/history`, since()], showHistory),
};

/** An hour a point for a week, else a day. */
function since() {
  return { start: Math.max(0, (Date.now() - state.days * 86_400_000) * 1000), step: state.days > 7 ? 86_400 : 3_600 };
}

function choose(vault) {
  state.vault = vault;
  history.replaceState(null, "", `${location.search}#${vault}`);
  for (const form of ["csv", "parquet"]) $(`history-${form}`).href = `/api/v1/vaults/venue/${vault}/history?step=3600&limit=1000&format=${form}`;
  showVaults(state.vaults);
  showTerms();
  polls.history.now();
}

segments($("span"), DAYS, state.days, (value) => {
  state.days = Number(value);
  polls.history.now();
});
if (state.vault) choose(state.vault);
whenAddressed((vault) => vault !== state.vault && choose(vault));
keepAsking(polls);
