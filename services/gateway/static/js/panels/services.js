// Every service's progress: how far it is, how much waits, when it last committed.

import { h, text } from "../dom.js";
import { span } from "../format.js";
import { column, num, table } from "../table.js";

function state(row) {
  if (!row.reachable) return "down";
  return row.ready ? "up" : "degraded";
}

function nameCell(td, row) {
  if (!td.firstChild) td.append(h("span", { class: "state" }));
  text(td.firstChild, row.service);
  td.firstChild.dataset.state = state(row);
  td.title = row.detail || state(row);
  td.parentElement.classList.toggle("away", !row.reachable);
}

const figure = (value) => (value === undefined || value === null ? "–" : value.toLocaleString("en"));

export function services(section) {
  const columns = [
    { title: "Service", cell: nameCell },
    column("Reads", (row) => row.stream?.toLowerCase() ?? "no answer"),
    num("Position", (row) => figure(row.position), { hint: "last event folded and committed" }),
    num("Lag", (row) => figure(row.pending), { hint: "messages waiting" }),
    num("Last commit", (row) => (row.seconds_since_commit === undefined || row.seconds_since_commit === null ? "–" : span(row.seconds_since_commit))),
  ];
  const show = table(section.querySelector(".body"), columns, (row) => row.service, { empty: "Services are being asked." });
  return { show: (answer) => show(answer.services) };
}
