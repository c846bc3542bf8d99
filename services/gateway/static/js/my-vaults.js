// My vaults: what an account holds of the venue's vaults, what waits, forms to come and go, and what was done.

import { $, h, text } from "./dom.js";
import "./files.js";
import { fixed, money } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { act, refusal, vaultForms } from "./panels/vaultForms.js";
import { onSession, session } from "./api.js";
import { moment, shares, small } from "./shares.js";
import { column, num, table } from "./table.js";

const figure = headlineOf($("headline"), ["Mine", "Rewards to claim"]);
const asked = new URLSearchParams(location.search).get("account");
const state = { account: asked ?? session()?.user ?? "", vault: location.hash.slice(1), vaults: [], holdings: [], before: null, next: null };

const showHeld = table($("held"), [
  column("Vault", (row) => row.vault),
  num("Worth", (row) => fixed(row.value, 2)), num("Shares", (row) => shares(row.shares)), num("Staked", (row) => (row.staked_shares ? shares(row.staked_shares) : "–")),
  num("Rewards", (row) => fixed(row.rewards, 4), { hint: "before the platform's fee" }),
  num("Locked until", (row) => (row.locked_until > Date.now() * 1000 ? moment(row.locked_until) : "free")),
], (row) => row.vault, { empty: "Nothing in vaults of the venue." });
const showExits = table($("exits"), [
  column("Vault", (row) => row.vault), num("Shares", (row) => shares(row.shares)),
  num("", (row) => `#${row.exit_id}`),
  { title: "", cell: (td, row) => {
    if (!td.firstChild) td.append(small("Stay", () => stay(td.firstChild, row)));
  } },
], (row) => row.exit_id, { empty: "" });
const showMoves = table($("moves"), [
  column("When", (row) => moment(row.at)), column("Vault", (row) => row.vault), column("What", (row) => row.kind),
  num("Amount", (row) => fixed(row.amount, 2)), num("Fee", (row) => fixed(row.fee, 4)), num("Shares", (row) => shares(row.shares)), num("Vault after", (row) => money(row.assets)),
], (row) => row.move_id, { empty: "Nothing yet." });
const showForms = vaultForms($("doing"), say);

function say(words, way = "") {
  $("said").hidden = false;
  $("said").className = `said ${way}`;
  text($("said"), words);
  for (const poll of [polls.vaults, polls.held, polls.moves]) poll.now();
}

async function stay(pressed, row) {
  pressed.disabled = true;
  try {
    say(await act(state.account, row.vault, `withdrawals/${row.exit_id}`, null, "DELETE"));
  } catch (error) {
    say(refusal(error), "down");
  } finally {
    pressed.disabled = false;
  }
}

function showVault() {
  const vault = state.vaults.find((one) => one.vault === state.vault) ?? null;
  showForms({ account: state.account, vault, holding: state.holdings.find((row) => row.vault === state.vault) ?? null });
}

function showVaults({ vaults }) {
  const names = vaults.map(({ vault }) => vault);
  if (names.join() !== state.vaults.map(({ vault }) => vault).join()) $("vault").replaceChildren(...names.map((name) => h("option", {}, name)));
  if (!names.includes(state.vault)) state.vault = names[0] ?? "";
  state.vaults = vaults;
  for (const id of ["vault", "doing"]) $(id).hidden = !names.length;
  $("no-vault").hidden = names.length > 0;
  $("vault").value = state.vault;
  showVault();
}

function showMine({ holdings, exits }) {
  state.holdings = holdings;
  showHeld(holdings);
  showExits(exits);
  for (const id of ["exits-title", "exits"]) $(id).hidden = !exits.length;
  const sum = (key) => String(holdings.reduce((total, row) => total + Number(row[key]), 0).toFixed(6));
  figure("Mine", fixed(sum("value"), 2), `USDC, ${state.account}`);
  figure("Rewards to claim", fixed(sum("rewards"), 4), "USDC");
  showVault();
}

const mine = (what = "", parameters = {}) => state.account && [`accounts/${state.account}/vaults${what}`, parameters];
const polls = {
  vaults: new Poll("vaults", 2500, () => ["vaults/venue"], showVaults),
  held: new Poll("held", 2500, () => mine(), showMine),
  moves: new Poll("moves", 5000, () => mine("/moves", { before: state.before, limit: 20 }), ({ moves, next }) => {
    showMoves(moves);
    state.next = next;
    $("older").hidden = next === null;
    $("newest").hidden = state.before === null;
  }),
};

function of(account) {
  Object.assign(state, { account, before: null, holdings: [] });
  $("who").elements.account.value = account;
  for (const form of ["csv", "parquet"]) {
    $(`held-${form}`).href = `/api/v1/accounts/${account}/vaults?format=${form}`;
    $(`moves-${form}`).href = `/api/v1/accounts/${account}/vaults/moves?limit=500&format=${form}`;
  }
  showHeld([]);
  showMoves([]);
  for (const poll of [polls.held, polls.moves]) poll.now();
}

/** Only who has signed in with a wallet can be asked to pay; others are told so instead of being refused. */
function mayAct() {
  const may = session() !== null && !session().key;
  for (const form of $("doing").children) form.inert = !may;
  if (!may) {
    $("said").hidden = false;
    $("said").replaceChildren("Sign in with a wallet to pay in and take out. ", h("a", { href: "/sign-in.html" }, "Sign in"));
  } else if ($("said").querySelector("a")) $("said").hidden = true;
}

$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  of($("who").elements.account.value.trim());
});
for (const [id, before] of [["older", () => state.next], ["newest", () => null]]) {
  $(id).addEventListener("click", () => {
    state.before = before();
    polls.moves.now();
  });
}
$("vault").addEventListener("change", () => {
  state.vault = $("vault").value;
  history.replaceState(null, "", `${location.search}#${state.vault}`);
  showVault();
});
onSession(() => {
  mayAct();
  if (!state.account && session()) of(session().user);
});
mayAct();
if (state.account) of(state.account);
keepAsking(polls);
