// The operations page: what runs, what waits, what went wrong, and what operators do about it.

import { get, seesVenue, send } from "./api.js";
import { asked, button, closed, kept, saying, since, when } from "./deskTools.js";
import { $, h, segments, text } from "./dom.js";
import { compact } from "./format.js";
import { Poll, headlineOf, keepAsking } from "./page.js";
import { asking } from "./panels/asking.js";
import { levelChip } from "./panels/chip.js";
import { services } from "./panels/services.js";
import { column, num, table } from "./table.js";

const state = { which: "open" };
const figure = headlineOf($("headline"), ["Health", "Services", "Waiting", "Dead letters"]);
const say = saying($("said"), () => polls);
const ask = asking($("ask"), say);
const progress = services($("services"));

const showHealth = table($("health"), [
  { title: "Dependency", cell: (td, row) => {
    if (!td.firstChild) td.append(h("span", { class: "state" }));
    text(td.firstChild, row.name);
    td.firstChild.dataset.state = row.status;
  } },
  num("Latency", (row) => row.status === "up" ? `${row.latency_ms.toFixed(1)} ms` : "–"),
  { title: "", className: "long tight", cell: (td, row) => {
    text(td, row.detail || (row.required ? "required" : ""));
    td.title = row.detail;
  } },
], (row) => row.name, { empty: "Dependencies are being asked." });

const showChanges = table($("changes"), [
  { title: "When", cell: when((row) => row.at) },
  column("What", (row) => `${row.scope} ${row.name}`),
  column("Was", (row) => row.old),
  column("Is", (row) => row.new),
], (row) => row.change_id, { empty: "Nothing was changed yet." });

function switchVenue(path, body, title, words, confirm) {
  ask({ title, words: h("p", { class: "note" }, words), confirm, doing: title, act: ({ note }) => send("PUT", `admin/venue/${path}`, { ...body, note }) });
}

function showVenue(venue) {
  const on = (name) => venue[name] === "on" || venue[name] === true;
  const other = venue.mode === "live" ? "demo" : "live";
  const line = (name, value, alarming, control) => h("div", { class: "mode" }, h("span", {}, name), h("b", { class: alarming ? "down" : "" }, value), control);
  kept(() => h("div", { class: "modes" },
    line("Mode", venue.mode, false, button(`Go ${other}`, () => switchVenue("mode", { mode: other }, `Go ${other}`, "Refused while positions are open or the venue is not healthy.", other), true)),
    line("Kill switch", on("kill_switch") ? "on" : "off", on("kill_switch"), button(on("kill_switch") ? "Turn off" : "Turn on", () => switchVenue("switches/kill_switch", { on: !on("kill_switch") },
      on("kill_switch") ? "Turn the kill switch off" : "Turn the kill switch on", on("kill_switch") ? "Orders are taken again." : "Orders stop in every market; reducing and withdrawing go on.", "kill"), true)),
    line("Maintenance", on("maintenance") ? "on" : "off", on("maintenance"), button(on("maintenance") ? "End" : "Begin", () => switchVenue("switches/maintenance", { on: !on("maintenance") },
      on("maintenance") ? "End maintenance" : "Begin maintenance", "While it lasts new orders are refused and say why.", "maintenance"), true)),
  ))($("modes"), venue);
  figure("Venue", venue.mode, on("kill_switch") ? "kill switch is on" : on("maintenance") ? "maintenance" : "trading", on("kill_switch") ? "down" : "");
}

function answers(row) {
  const give = (answer, title) => ask({ title, words: h("p", { class: "note" }, `${row.account} #${row.account_seq}: ${row.kind} is ${row.level}.`), doing: title,
    act: ({ note }) => send("POST", `admin/alerts/${row.account}/${row.account_seq}/answers`, { answer, note: note ?? "" }) });
  if (row.resolved) return h("span", { class: "quiet", title: row.resolved.note ?? "" }, "resolved");
  return h("span", { class: "pair" }, row.acknowledged ? h("span", { class: "quiet" }, "seen") : button("Seen", () => give("acknowledge", "Acknowledge")), button("Resolve", () => give("resolve", "Resolve")));
}

const showDesk = table($("desk"), [
  { title: "When", cell: when((row) => row.raised_at) },
  { title: "Level", cell: (td, row) => td.replaceChildren(levelChip(row.level)) },
  column("Account", (row) => row.account),
  column("Kind", (row) => `${row.kind.replaceAll("_", " ")}${row.market ? ` in ${row.market}` : ""}`),
  num("Health", (row) => row.health_factor?.slice(0, 6) ?? "–"),
  { title: "", cell: kept((row) => h("a", { class: "small-button", href: `/trace.html#${row.seq}` }, "Trace")) },
  { title: "", cell: kept(answers) },
], (row) => row.seq, { empty: "No alert waits for an answer." });

async function inspect({ seq }) {
  const letter = await get(`admin/dead-letters/${seq}`);
  const facts = [["Refused by", letter.service], ["Reason", letter.reason], ["Subject", letter.subject], ["Attempts", letter.attempts], ["Stream", `${letter.stream} #${letter.stream_seq}`]];
  let shown = letter.payload;
  try {
    shown = JSON.stringify(JSON.parse(letter.payload), null, 2);
  } catch {
    // what is no JSON is shown as it came
  }
  ask({
    title: `Dead letter #${seq}`,
    words: [h("dl", { class: "sheet" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))), letter.error && h("p", { class: "note" }, letter.error), h("pre", {}, shown),
      letter.redrivable ? null : h("p", { class: "note" }, `The gateway may not publish this again; an operator's shell may: cleartide ops dead --redrive ${seq}`)],
    note: letter.redrivable,
    doing: "Redrive",
    act: letter.redrivable ? ({ note }) => send("POST", `admin/dead-letters/${seq}/redrive`, { note }).then(({ subject }) => `Published again on ${subject}.`) : null,
  });
}

const showDead = table($("dead"), [
  column("#", (row) => String(row.seq)),
  { title: "When", cell: when((row) => row.at) },
  column("Service", (row) => row.service),
  column("Reason", (row) => row.reason),
  column("Subject", (row) => row.subject, { className: "long" }),
  { title: "", cell: kept((row) => button("Inspect", () => inspect(row).catch((error) => say(error.message, "down")))) },
], (row) => row.seq, { empty: "No message was refused." });

const polls = {
  services: new Poll("services", 2000, () => [seesVenue() || !asked() ? "services" : "admin/services"], (answer) => {
    progress.show(answer);
    const there = answer.services.filter(({ reachable, ready }) => reachable && ready).length;
    figure("Services", `${there} of ${answer.services.length}`, there === answer.services.length ? "all ready" : "not all ready", there === answer.services.length ? "up" : "down");
    figure("Waiting", compact(String(answer.services.reduce((sum, { pending }) => sum + (pending ?? 0), 0))).replace(".00", ""), "messages, all services");
  }),
  health: new Poll("health", 5000, () => ["../health"], ({ status, dependencies }) => {
    showHealth(dependencies);
    figure("Health", status, "", status === "up" ? "up" : "down");
  }),
  venue: new Poll("venue", 4000, () => asked() && ["admin/venue"], showVenue),
  changes: new Poll("changes", 8000, () => asked() && ["admin/venue/changes", { limit: 8 }], ({ changes }) => showChanges(changes)),
  desk: new Poll("desk", 3000, () => asked() && ["admin/alerts", { limit: 100 }], ({ alerts }) => {
    const open = alerts.filter(({ resolved, level }) => !resolved && level !== "resolved");
    showDesk(state.which === "open" ? open : alerts);
    figure("Open alerts", String(open.length), alerts.length === 100 ? "of the newest 100" : "");
  }),
  dead: new Poll("dead", 5000, () => asked() && ["admin/dead-letters", { limit: 50 }], ({ dead_letters: letters, last }) => {
    showDead(letters);
    figure("Dead letters", last.toLocaleString("en"), letters.length ? `newest ${since(letters[0].at)}` : "", last ? "down" : "");
  }),
};

segments($("which"), [{ value: "open", label: "Open" }, { value: "all", label: "All" }], state.which, (value) => {
  state.which = value;
  polls.desk.now();
});
closed($("desk"), $("dead"), $("modes"));
keepAsking(polls);
