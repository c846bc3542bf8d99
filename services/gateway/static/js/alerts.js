// The alerts page: the whole feed, page by page, by level, market, rule and account.

import { $, h } from "./dom.js";
import { installKeys } from "./keys.js";
import { Poll, keepAsking } from "./page.js";
import { alertPages } from "./panels/alertPages.js";
import { seesVenue, session } from "./api.js";

const form = $("filters");
const pages = alertPages($("alerts"), form, $("pager"), $("shown"), () => polls.alerts.now());

/** What may be chosen; what was chosen stays. */
function offer(select, names) {
  const chosen = select.value;
  if (select.options.length !== names.length + 1) select.replaceChildren(h("option", { value: "" }, "any"), ...names.map((name) => h("option", { value: name }, name)));
  select.value = names.includes(chosen) ? chosen : "";
}

const polls = {
  alerts: new Poll("alerts", 2000, () => pages.question(seesVenue() ? {} : { account: session().user }), pages.take),
  markets: new Poll("markets", 15000, () => ["markets"], ({ markets }) => offer(form.elements.market, markets.map(({ market }) => market))),
  rules: new Poll("rules", 15000, () => seesVenue() && ["risk/rules"], ({ rules }) => $("rules").replaceChildren(...rules.map(({ name }) => h("option", { value: name })))),
};

installKeys(
  [["j"], "older", () => pages.turn("older")],
  [["k"], "newer", () => pages.turn("newer")],
  [["h"], "the newest", () => pages.turn("newest")],
  [["f"], "filter", () => form.elements.level.focus()],
  [["a"], "go to the table", () => $("alerts").focus()],
);
const seek = () => pages.seek({ level: "", market: "", rule: "", account: "", ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) });
addEventListener("hashchange", seek);
seek();
keepAsking(polls);
