// The page of alert rules: what each watches, what holds by it and its last alert; set and removed by who may.

import { get, seesVenue, send } from "./api.js";
import { asked, button, saying, since } from "./deskTools.js";
import { $, h, keyed, text } from "./dom.js";
import { Poll, keepAsking } from "./page.js";
import { asking, choice } from "./panels/asking.js";
import { levelChip } from "./panels/chip.js";

const NEW = { name: "", level: "warning", each: "account", when: "", until: "", markets: [], cooldown_seconds: 0, note: "" };
const ask = asking($("ask"), saying($("said"), () => polls));
const field = (label, name, value, more = {}) => h("label", {}, label, h("input", { name, value, ...more }));
const list = h("ul", { class: "rules" });
const none = h("p", { class: "empty" }, "Not known yet.");
$("rules").append(list, none);

/** What a condition may name, in a list; by what the rule is about. */
async function tellFigures(place, each) {
  const { figures } = await get("admin/rule-figures");
  place.replaceChildren(...figures.filter((figure) => figure.each === each).flatMap(({ name, unit, meaning }) => [h("dt", {}, name), h("dd", {}, `${unit}: ${meaning}`)]));
}

function write(rule) {
  const figures = h("dl", { class: "figures", tabindex: "0", role: "region", "aria-label": "What a condition may name" });
  const each = choice("For each", "each", ["account", "position", "market"], rule.each);
  const tell = () => tellFigures(figures, each.control.value).catch(({ message }) => text(figures, message));
  each.addEventListener("change", tell);
  ask({
    title: rule.name ? `Rule ${rule.name}` : "New alert rule",
    words: h("p", { class: "note" }, "Watched from its place in the sequence on. What held by an earlier rule of the name is resolved."),
    fields: [
      field("Name: small letters, digits, hyphens", "name", rule.name, { required: true, maxlength: 48, pattern: "[a-z][a-z0-9\\-]*", readonly: rule.name !== "" }),
      choice("Level", "level", ["watch", "warning", "critical"], rule.level),
      each,
      field("When", "when", rule.when, { required: true, maxlength: 200, placeholder: "leverage > 10 and equity < 1000" }),
      field("Until (empty: when that ends)", "until", rule.until, { maxlength: 200 }),
      h("details", { ontoggle: tell }, h("summary", {}, "What a condition may name"), figures),
      field("Markets (empty: all)", "markets", rule.markets.join(" "), { pattern: "[A-Z0-9, \\-]*", placeholder: "BTC-PERP ETH-PERP" }),
      field("Seconds before the same is alerted again", "cooldown", rule.cooldown_seconds, { type: "number", min: 0, max: 86400, required: true }),
      field("About the rule", "about", rule.note, { maxlength: 200 }),
    ],
    doing: "Watch",
    act: ({ name, note, about, cooldown, markets, ...terms }) =>
      send("PUT", `admin/rules/${name}`, { note, rule: { ...terms, note: about, cooldown_seconds: Number(cooldown), markets: markets.split(/[ ,]+/).filter(Boolean) } }).then(() => `${name} is watched.`),
  });
}

function remove({ name, holding }) {
  const words = h("p", { class: "note" }, holding ? `What holds by it is resolved: ${holding} alert${holding === 1 ? "" : "s"}.` : "No alert holds by it.");
  ask({ title: `Remove ${name}`, words, doing: "Remove", act: ({ note }) => send("DELETE", `admin/rules/${name}?${new URLSearchParams({ note })}`).then(() => `${name} is watched no longer.`) });
}

/** Made anew only when something is different, so that a button that has the focus keeps it. */
function fill(item, rule) {
  const { name, level, each, when, until, markets, holding, last, note } = rule;
  const told = JSON.stringify(rule);
  if (item.told !== told) {
    item.told = told;
    const alter = asked() ? [button("Change", () => write(rule)), button("Remove", () => remove(rule), true)] : [];
    item.replaceChildren(
      h("div", {}, levelChip(level), h("b", {}, name), h("span", { class: holding ? "down" : "quiet" }, `${holding} hold${holding === 1 ? "s" : ""}`), h("span", {}, h("a", { class: "small-button", href: `/alerts.html#rule=${name}` }, "Alerts"), ...alter)),
      h("p", {}, `each ${each}${markets.length ? ` in ${markets.join(", ")}` : ""} when `, h("code", {}, when), ...(until ? [" until ", h("code", {}, until)] : [])),
      h("p", { class: "quiet" }, note && `${note} · `, last ? `last ${last.level}: ${last.account}${last.market ? ` in ${last.market}` : ""}, ` : "no alert yet", h("time")),
    );
  }
  if (last) text(item.querySelector("time"), `${since(last.raised_at)} ago`.replace("now ago", "now"));
}

const polls = {
  rules: new Poll("rules", 3000, () => [seesVenue() ? "risk/rules" : "admin/rules"], ({ rules }) => {
    text(none, "No rule is watched by.");
    none.hidden = rules.length > 0;
    keyed(list, rules, ({ name }) => name, () => h("li"), fill);
  }),
};

$("new").hidden = !asked();
$("new").addEventListener("click", () => write(NEW));
keepAsking(polls);
