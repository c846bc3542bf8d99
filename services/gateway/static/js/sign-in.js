// Signing in and out, and what a person has here: profile, sessions, wallets, keys, and the log of all that.

import { enter, enterByKey, get, leave, onSession, send, session } from "./api.js";
import { $, h, text } from "./dom.js";
import { ago } from "./format.js";
import { column, table } from "./table.js";
import { discover } from "./wallets.js";

const since = (at) => (at === null ? "–" : `${ago(Date.now() / 1000 - at / 1e6)} ago`.replace("now ago", "now"));

function say(words, way = "") {
  $("said").hidden = !words;
  $("said").className = `said ${way}`;
  text($("said"), words);
}

/** One attempt at a time; what went wrong is said in the gateway's own words, or the wallet's. */
async function attempt(words, act) {
  say(words);
  document.body.setAttribute("aria-busy", "true");
  try {
    await act();
    say("");
  } catch (error) {
    say(error.message || "The wallet did not sign.", "down");
  }
  document.body.removeAttribute("aria-busy");
}

async function byWallet(wallet) {
  const address = await wallet.address();
  const { message } = await send("POST", "auth/nonce", { chain: wallet.chain, address });
  say(`${wallet.name} asks you to sign a text. It costs nothing and moves nothing.`);
  const signature = await wallet.sign(message, address);
  const referral = $("referral").value.trim().toUpperCase();
  await enter(await send("POST", "auth/sign-in", { message, signature, provider: wallet.name, referral_code: referral }));
}

function offer(wallets) {
  const button = (wallet) => h("button", { type: "button", class: "wide-button", onclick: () => attempt(`${wallet.name} is asked.`, () => byWallet(wallet)) },
    h("span", {}, wallet.name), h("small", {}, wallet.chain === "solana" ? "Solana" : "Ethereum and its like"));
  $("wallets").replaceChildren(...wallets.map(button));
  $("no-wallet").hidden = wallets.length > 0;
}

function ender(td, row) {
  const mine = row.id === session()?.session;
  const end = () => attempt("", async () => {
    await send("DELETE", `me/sessions/${row.id}`);
    if (mine) leave();
    else await showMine();
  });
  td.replaceChildren(row.revoked_at !== null ? h("span", { class: "quiet" }, (row.reason ?? "ended").replaceAll("_", " "))
    : h("button", { type: "button", class: "small-button", onclick: end }, mine ? "Sign out" : "End"));
}

const showSessions = table($("sessions"), [
  column("Since", (row) => since(row.created_at)),
  column("By", (row) => `${row.method}${row.id === session()?.session ? " (this one)" : ""}`),
  column("From", (row) => row.ip),
  column("With", (row) => row.user_agent, { className: "long" }),
  { title: "", cell: ender },
], (row) => row.id, { empty: "No session." });
const showWallets = table($("mine"), [
  column("Chain", (row) => row.chain),
  column("Address", (row) => row.address, { className: "long" }),
  column("Linked", (row) => since(row.linked_at)),
], (row) => row.chain + row.address, { empty: "No wallet is linked." });
const showKeys = table($("keys"), [
  column("Name", (row) => row.name),
  column("Prefix", (row) => row.prefix),
  column("Scopes", (row) => row.scopes.join(" ")),
  column("Last used", (row) => since(row.last_used_at)),
  { title: "", cell: (td, row) => td.replaceChildren(row.revoked_at !== null ? h("span", { class: "quiet" }, "revoked")
    : h("button", { type: "button", class: "small-button", onclick: () => attempt("", () => send("DELETE", `me/keys/${row.id}`).then(showMine)) }, "Revoke")) },
], (row) => row.id, { empty: "No keys." });
const showLog = table($("log"), [
  column("When", (row) => since(row.at)),
  column("What", (row) => row.kind.replace(".", " ")),
  column("From", (row) => row.ip || "–"),
], (row) => row.id, { empty: "Nothing yet." });

async function showMine() {
  const held = session();
  $("entrance").hidden = held !== null;
  $("inside").hidden = held === null;
  text($("link"), held === null ? "Not signed in" : "Signed in");
  $("link").dataset.state = held === null ? "" : "live";
  if (held === null) return;
  const me = await get("me");
  const facts = [["Account", me.account], ["Name", me.display_name || "–"], ["Tier", me.tier], ["KYC", me.kyc], ["Risk", me.risk], ["Referral code", me.referral_code]];
  $("profile").replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  $("by-session").hidden = Boolean(held.key);
  if (held.key) return;
  const [sessions, wallets, keys, log] = await Promise.all([get("me/sessions"), get("me/wallets"), get("me/keys"), get("me/log", { limit: 20 })]);
  showSessions(sessions.sessions.slice(0, 20));
  showWallets(wallets.wallets);
  showKeys(keys.keys);
  showLog(log.log);
}

async function signOut() {
  if (!session().key) await send("POST", "auth/sign-out", {});
  leave();
}

async function newKey(form) {
  const signs = form.elements.signs.checked;
  const scopes = signs ? ["account:read", "orders:write", "transfers:write", "account:write"] : ["account:read"];
  const made = await send("POST", "me/keys", { name: form.elements.name.value.trim(), scopes, signs });
  $("made").replaceChildren(h("p", {}, "Shown this once; keep it now."), ...Object.entries({ key: made.key ?? made.secret, signing_secret: made.signing_secret })
    .filter(([, value]) => value).map(([name, value]) => h("p", {}, `${name.replace("_", " ")}: `, h("code", {}, value))));
  form.reset();
  await showMine();
}

$("by-key").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.key;
  attempt("The gateway is asked.", () => enterByKey(field.value.trim()).then(() => (field.value = "")));
});
$("new-key").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt("", () => newKey(event.target));
});
$("sign-out").addEventListener("click", () => attempt("", signOut));
$("end-all").addEventListener("click", () => attempt("", () => send("DELETE", "me/sessions").then(leave)));
onSession(() => attempt("", showMine));
discover(offer);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname);
  attempt("Your identity provider's token is looked at.", async () => enter(await send("POST", "auth/external", { token })));
} else attempt("", showMine);
