// The desk page: people, what was sent to webhooks, and what operators did.

import { send } from "./api.js";
import { asked, button, closed, kept, saying, when } from "./deskTools.js";
import { $, h, text } from "./dom.js";
import { Poll, keepAsking } from "./page.js";
import { asking, choice } from "./panels/asking.js";
import { column, num, table } from "./table.js";

const state = { endpoint: null, endpoints: "", wanted: "" };
const say = saying($("said"), () => polls);
const ask = asking($("ask"), say);
/** What may be longer than its cell is told whole by the cell's title. */
const written = (title, read) => ({ title, className: "long", cell: (td, row) => text(td, (td.title = read(row))) });
const showLog = table($("log"), [
  { title: "When", cell: when((row) => row.at) },
  column("Who", (row) => `${row.actor.slice(0, 8)} ${row.role}`, { className: "long" }),
  { title: "What", className: "long", cell: (td, row) => {
    text(td, `${row.action} ${row.resource}`);
    td.title = `${row.actor} from ${row.ip}. ${row.note}`;
    td.classList.toggle("down", row.outcome === "refused");
  } },
  written("Was", (row) => row.old_value || "–"),
  written("Is", (row) => (row.outcome === "refused" ? "refused" : row.new_value || "–")),
  written("Why", (row) => row.note || "–"),
], (row) => row.id, { empty: "Nobody has done anything yet." });

function decide(person) {
  const changed = (values) => Object.fromEntries(Object.entries(values).filter(([name, value]) => name === "note" || value !== person[name]));
  ask({ title: person.id, words: h("p", { class: "note" }, "Counts from the person's next request on."), doing: "Change",
    fields: [choice("Tier", "tier", ["free", "basic", "pro", "enterprise"], person.tier), choice("KYC", "kyc", ["none", "pending", "verified", "refused"], person.kyc),
      choice("Risk", "risk", ["low", "normal", "high", "blocked"], person.risk), choice("Standing", "status", ["active", "suspended", "closed"], person.status)],
    act: (values) => send("PATCH", `admin/people/${person.id}`, changed(values)) });
}

const showPeople = table($("people"), [
  column("Person", (row) => row.username ?? row.id, { className: "long" }),
  column("Tier", (row) => row.tier),
  column("KYC", (row) => row.kyc),
  { title: "", cell: kept((row) => h("span", { class: "pair" }, row.status === "active" ? "" : h("span", { class: "down" }, row.status), button("Decide", () => decide(row)))) },
], (row) => row.id, { empty: "Nobody is called so." });

function replay(body, words) {
  ask({ title: "Send again", words: h("p", { class: "note" }, words), note: false, doing: "Replay", act: () => send("POST", `me/webhooks/${state.endpoint}/replay`, body).then(({ replayed }) => `${replayed} to be sent again.`) });
}

const showHooks = table($("hooks"), [
  { title: "When", cell: when((row) => row.created_at) },
  column("Kind", (row) => row.kind),
  { title: "State", cell: (td, row) => {
    td.replaceChildren(h("span", { class: "state" }, row.state));
    td.firstChild.dataset.state = { delivered: "up", pending: "degraded", failed: "down" }[row.state];
  } },
  num("Tries", (row) => String(row.attempts)),
  column("Answer", (row) => row.last_status?.toString() ?? row.last_error ?? "", { className: "long" }),
  { title: "", cell: kept((row) => (row.state === "pending" ? "" : button("Replay", () => replay({ delivery: row.id }, `Event ${row.event_id} is sent again, under the same id.`)))) },
], (row) => row.id, { empty: "Nothing was sent yet." });

function showEndpoints({ webhooks }) {
  const names = webhooks.map(({ id }) => id).join();
  if (names !== state.endpoints) {
    state.endpoints = names;
    $("endpoint").replaceChildren(...webhooks.map(({ id, url }) => h("option", { value: id }, url)));
    state.endpoint = webhooks[0]?.id ?? null;
    polls.deliveries.now();
  }
  $("endpoint").hidden = !webhooks.length;
  $("replay-failed").hidden = !webhooks.length;
  if (!webhooks.length) showHooks([]);
}

const polls = {
  people: new Poll("people", 10000, () => asked() && ["admin/people", { wanted: state.wanted, limit: 50 }], ({ people }) => showPeople(people)),
  log: new Poll("log", 5000, () => asked() && ["admin/log", { limit: 50 }], ({ log }) => showLog(log)),
  endpoints: new Poll("endpoints", 10000, () => asked() && ["me/webhooks"], showEndpoints),
  deliveries: new Poll("hooks", 3000, () => asked() && state.endpoint && [`me/webhooks/${state.endpoint}/deliveries`, { limit: 50 }], ({ deliveries }) => showHooks(deliveries)),
};

$("people-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.wanted = $("people-form").elements.wanted.value.trim();
  polls.people.now();
});
$("endpoint").addEventListener("change", () => {
  state.endpoint = $("endpoint").value;
  polls.deliveries.now();
});
$("replay-failed").addEventListener("click", () => replay({ state: "failed" }, "Every failed delivery of this endpoint is sent again, at most a thousand."));
closed($("people"), $("hooks"), $("log"));
keepAsking(polls);
