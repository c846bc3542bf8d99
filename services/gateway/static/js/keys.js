// One key per place. Keys are left alone while something is typed or a modifier is held.

export function installKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const action = actions[event.key] ?? (/^[1-9]$/.test(event.key) ? () => actions.market(Number(event.key) - 1) : null);
    if (!action) return;
    event.preventDefault();
    action();
  });
}
