// Shares of the venue's vaults, for pages that show them.

import { h } from "./dom.js";
import { day, timeOfDay } from "./format.js";

/** Shares as people read them. */
export const shares = (count) => BigInt(count).toLocaleString("en");

/** What shares of a vault are worth now: floor(shares * (assets + 1) / (all shares + virtual ones)). */
export function worthOf(count, vault) {
  const quanta = (BigInt(count) * (BigInt(vault.assets.replace(".", "")) + 1n)) / (BigInt(vault.shares) + BigInt(vault.terms.virtual_shares));
  return `${quanta / 1000000n}.${String(quanta % 1000000n).padStart(6, "0")}`;
}

export const small = (label, onclick) => h("button", { type: "button", class: "small-button", onclick }, label);
export const bps = (value) => `${value / 100} %`;
export const moment = (at) => `${day(at)} ${timeOfDay(at).slice(0, 5)}`;
