// Forms about one vault: pay in, take out, stake, take out of the farm, claim. What is refused is said beside them.

import { send } from "../api.js";
import { h, text } from "../dom.js";
import { fixed } from "../format.js";
import { shares, small, worthOf } from "../shares.js";

const PARTS = [25, 50, 100];
const WORDS = {
  VaultSharesIssued: (event) => `Paid in ${fixed(event.amount, 2)} for ${shares(event.shares)} shares.`,
  VaultSharesRedeemed: (event) => `Took out ${fixed(event.amount, 2)} for ${shares(event.shares)} shares.`,
  VaultExitChanged: (event) => (event.status === "queued" ? `${shares(event.shares)} shares wait to be paid, in their turn.` : "You stay: the shares wait no more."),
  SharesStaked: (event) => `${shares(event.staked_shares)} shares are staked now.`,
  FarmRewardsPaid: (event) => `Claimed ${fixed(event.amount, 2)}; the platform kept ${fixed(event.platform_fee, 2)}.`,
};

const REFUSALS = {
  closed: "The vault takes nothing in any more.",
  halted: "The venue has halted this vault.",
  exceeds_withdrawable: "There is not that much free cash in the account.",
  locked: "These shares are locked still.",
  not_enough_shares: "There are not that many free shares: some wait or are staked.",
  over_capacity: "The vault has no room for that much.",
  paused: "The vault takes nothing in now.",
  stale_price: "A price in this vault is too old to come or go by. Try again in a moment.",
};

/** What was refused, in words, with the API's code. */
export const refusal = ({ code, message }) => `${REFUSALS[code] ?? message} (${code ?? "error"})`;

/** Do something about a vault and say in words what came of it. Throws what the API refused. */
export async function act(account, vault, what, body = null, method = "POST") {
  const answer = await send(method, `accounts/${account}/vaults/${vault}/${what}`, body);
  if (!answer.events) return "Asked for; the answer is on its way.";
  const said = answer.events.filter(({ type }) => WORDS[type]).map((event) => WORDS[event.type](event));
  return said.join(" ") || "Done.";
}

/** Fill `parent` once; returns show({account, vault, holding}), which keeps what is being typed. */
export function vaultForms(parent, said) {
  const now = { account: "", vault: null, holding: null };
  const free = () => (now.holding ? BigInt(now.holding.shares) - BigInt(now.holding.staked_shares) : 0n);
  const staked = () => BigInt(now.holding?.staked_shares ?? 0);

  async function run(button, what, body, form) {
    button.disabled = true;
    try {
      said(await act(now.account, now.vault.vault, what, body));
      form?.reset();
    } catch (error) {
      said(refusal(error), "down");
    } finally {
      button.disabled = false;
      refresh();
    }
  }

  function form(label, doing, name, attributes, body, what) {
    const input = h("input", { name, required: true, ...attributes });
    const button = h("button", { class: "main-button", type: "submit" }, doing);
    const made = h("form", { class: "row-form", autocomplete: "off" }, h("label", {}, label, input), button);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      run(button, what, body(input.value.trim()), made);
    });
    return { made, input, button };
  }

  function shareForm(label, doing, what, held) {
    const found = form(label, doing, "shares", { inputmode: "numeric", pattern: "[1-9][0-9]{0,15}", title: "whole shares" }, (value) => ({ shares: Number(value) }), what);
    const estimate = h("output", {});
    const tell = () => text(estimate, /^[1-9][0-9]*$/.test(found.input.value) && now.vault ? `worth about ${fixed(worthOf(found.input.value, now.vault), 2)}` : "");
    const parts = PARTS.map((part) => small(part === 100 ? "All" : `${part} %`, () => {
      found.input.value = String((held() * BigInt(part)) / 100n);
      tell();
    }));
    found.input.addEventListener("input", tell);
    found.made.addEventListener("reset", () => text(estimate, ""));
    found.made.append(h("div", { class: "parts" }, parts, estimate));
    return { ...found, held, parts };
  }

  const pay = form("Pay in, USDC", "Pay in", "amount", { inputmode: "decimal", pattern: "[0-9]{1,10}(\\.[0-9]{1,6})?", title: "an amount with at most six decimals" }, (amount) => ({ amount }), "deposits");
  const take = shareForm("Take out, shares", "Take out", "withdrawals", free);
  const stake = shareForm("Stake, shares", "Stake", "stakes", free);
  const unstake = shareForm("Out of the farm, shares", "Unstake", "unstakes", staked);
  const claim = h("button", { class: "main-button", type: "button", onclick: () => run(claim, "claims", null) }, "Claim");
  const waiting = h("span", {});
  const claimRow = h("div", { class: "row-form" }, waiting, claim);
  const farm = [stake.made, unstake.made, claimRow];
  parent.replaceChildren(pay.made, take.made, ...farm);

  function refresh() {
    const { vault, holding } = now;
    pay.button.disabled = !vault || vault.state !== "active";
    pay.button.title = pay.button.disabled ? "The vault takes nothing in now." : "";
    for (const one of [take, stake, unstake]) for (const button of [one.button, ...one.parts]) button.disabled = !vault || one.held() === 0n;
    for (const part of farm) part.hidden = !vault?.farm && !holding?.staked_shares;
    claim.disabled = !holding || !/[1-9]/.test(holding.rewards);
    text(waiting, `Rewards to claim: ${fixed(holding?.rewards ?? "0", 4)}`);
  }

  return (given) => {
    Object.assign(now, given);
    refresh();
  };
}
