// Who is signed in: a wallet's session in every tab, or an API key in this one. Told to whoever listens.

const STORE = "cleartide.session";
const KEY = "cleartide.key";
const LOCK = "cleartide.refresh";
const EARLY_MS = 20000;
const TIMEOUT_MS = 8000;
const listeners = new Set();

const read = (store, name) => {
  try {
    return JSON.parse(store.getItem(name));
  } catch {
    return null;
  }
};

/** The session {user, session, access, refresh, until, scopes}, an API key {key, user, scopes}, or null. */
export function session() {
  return read(sessionStorage, KEY) ?? read(localStorage, STORE);
}

/** Whether this reader sees the whole venue: an operator who may, and where strangers are onlookers everybody. */
export const seesVenue = () => session() === null || session().scopes.includes("venue:read");

export function onSession(listener) {
  listeners.add(listener);
}

function tell() {
  for (const listener of listeners) listener(session());
}

function keep(opened, scopes) {
  const until = Date.now() + opened.expires_in * 1000;
  const { user, session: ident, access_token: access, refresh_token: refresh } = opened;
  localStorage.setItem(STORE, JSON.stringify({ user, session: ident, access, refresh, until, scopes }));
}

/** What the gateway answered to a sign-in becomes the session of every tab. */
export async function enter(opened) {
  sessionStorage.removeItem(KEY);
  keep(opened, []);
  const me = await (await ask("me", "GET", null, { Authorization: `Bearer ${opened.access_token}` })).json();
  keep(opened, me.scopes ?? []);
  tell();
}

/** Read with an API key in this tab, if the gateway takes it. */
export async function enterByKey(key) {
  const answer = await ask("me", "GET", null, { "X-API-Key": key });
  const me = await answer.json();
  if (!answer.ok) throw new Error(me.error?.message ?? "The key is not taken.");
  sessionStorage.setItem(KEY, JSON.stringify({ key, user: me.id, scopes: me.scopes ?? [] }));
  tell();
}

/** Nobody is signed in here any more. */
export function leave() {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(STORE);
  tell();
}

function ask(path, method, body, headers = {}) {
  const content = body === null ? {} : { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
  return fetch(`/api/v1/${path}`, { method, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...content });
}

/** A refresh token is good once: of all tabs one uses it, and the others read what it was given. */
async function refresh(stale) {
  const once = async () => {
    const held = read(localStorage, STORE);
    if (!held || held.access !== stale.access) return;
    const answer = await ask("auth/refresh", "POST", { refresh_token: held.refresh });
    if (answer.ok) keep(await answer.json(), held.scopes);
    else if (answer.status === 401) leave();
  };
  await (navigator.locks ? navigator.locks.request(LOCK, once) : once());
}

/** Header fields that say who asks; `again`: the gateway has just refused the present ones. */
export async function credentials(again = false) {
  const held = session();
  if (held === null) return {};
  if (held.key) return { "X-API-Key": held.key };
  if (again || held.until - Date.now() < EARLY_MS) await refresh(held);
  const now = session();
  return now?.access ? { Authorization: `Bearer ${now.access}` } : {};
}

addEventListener("storage", ({ key }) => key === STORE && tell());
