// Keys, heard in one place, and the page's dialog that says what they do. None is heard while something is typed.

import "./dialogs.js";
import { $, h } from "./dom.js";

const typing = (target) => target.matches?.("input:not([type=checkbox], [type=radio]), select, textarea");
const shown = (keys) => (keys.length > 4 ? [h("kbd", {}, keys[0]), " – ", h("kbd", {}, keys.at(-1))] : keys.flatMap((key) => [h("kbd", {}, key), " "]));

/** Each is [keys, what they do, act(key)]. The page has a dialog #help-dialog with a list .keys, and a button #help. */
export function installKeys(...known) {
  const dialog = $("help-dialog");
  const help = () => dialog.showModal();
  known.push([["?"], "what keys do", help]);
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || typing(target) || document.querySelector("dialog[open]")) return;
    const found = known.find(([keys]) => keys.includes(key));
    if (!found) return;
    event.preventDefault();
    found[2](key);
  });
  $("help").addEventListener("click", help);
  const everywhere = [[["t"], "light, dark or as the system"], [["Esc"], "close"]];
  dialog.querySelector(".keys").replaceChildren(...[...known, ...everywhere].flatMap(([keys, does]) => [h("dt", {}, shown(keys)), h("dd", {}, does)]));
}
