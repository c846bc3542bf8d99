// Requests to the gateway, and who makes them: a wallet's session in every tab, an API key in this one, or a stranger.

const STORE = "cleartide.session";
const KEY = "cleartide.key";
const LOCK = "cleartide.refresh";
const EARLY_MS = 20000;
const TIMEOUT_MS = 8000;
const listeners = new Set();

/** A failure, with the API's own code and words. */
export class ApiError extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

/** GET /api/v1/<path> as an object. `parameters` that are null are left out. */
export async function get(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return (await request("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path)).json();
}

/** A request that changes something; its answer as an object. */
export async function send(method, path, body = null) {
  return (await request(method, path, body)).json();
}

/** The answer itself, for files. */
export async function request(method, path, body = null) {
  const first = await attempt(method, path, body, await credentials());
  if (first.status !== 401 || session() === null) return checked(first);
  const code = (await first.clone().json()).error?.code;
  if (code === "token_expired") return checked(await attempt(method, path, body, await credentials(true)));
  if (code !== "sign_in_required") leave();
  return checked(first);
}

async function attempt(method, path, body, headers) {
  const content = body === null ? { headers } : { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
  try {
    return await fetch(`/api/v1/${path}`, { method, signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store", ...content });
  } catch (error) {
    throw new ApiError(0, error.name === "TimeoutError" ? "timeout" : "unreachable", "The gateway does not answer.");
  }
}

async function checked(response) {
  if (response.ok) return response;
  let body;
  try {
    body = await response.json();
  } catch {
    throw new ApiError(response.status, "unreadable", `The gateway answered ${response.status}.`);
  }
  if (!body.error) return new Response(JSON.stringify(body)); // health tells what is down with 503, and is an answer
  const { code = "unknown", message = response.statusText } = body.error;
  if (response.status === 401) dispatchEvent(new CustomEvent("cleartide:refused"));
  throw new ApiError(response.status, code, message, Number(response.headers.get("Retry-After") ?? 0));
}

const read = (store, name) => {
  try {
    return JSON.parse(store.getItem(name));
  } catch {
    return null;
  }
};

/** The session {user, session, access, refresh, until, scopes}, an API key {key, user, scopes}, or null. */
export const session = () => read(sessionStorage, KEY) ?? read(localStorage, STORE);

/** Whether this reader sees the whole venue: an operator who may, and where strangers are onlookers everybody. */
export const seesVenue = () => session() === null || session().scopes.includes("venue:read");

/** `listener(session)` hears who is signed in whenever that changes. */
export const onSession = (listener) => listeners.add(listener);

function tell() {
  for (const listener of listeners) listener(session());
}

function keep({ user, session: ident, access_token: access, refresh_token: refresh, expires_in: seconds }, scopes) {
  localStorage.setItem(STORE, JSON.stringify({ user, session: ident, access, refresh, until: Date.now() + seconds * 1000, scopes }));
}

/** What the gateway answered to a sign-in becomes the session of every tab. */
export async function enter(opened) {
  sessionStorage.removeItem(KEY);
  keep(opened, []);
  const me = await (await attempt("GET", "me", null, { Authorization: `Bearer ${opened.access_token}` })).json();
  keep(opened, me.scopes ?? []);
  tell();
}

/** Read with an API key in this tab, if the gateway takes it. */
export async function enterByKey(key) {
  const me = await (await checked(await attempt("GET", "me", null, { "X-API-Key": key }))).json();
  sessionStorage.setItem(KEY, JSON.stringify({ key, user: me.id, scopes: me.scopes ?? [] }));
  tell();
}

/** Nobody is signed in here any more. */
export function leave() {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(STORE);
  tell();
}

/** A refresh token is good once: of all tabs one uses it, and the others read what it was given. */
async function refresh(stale) {
  const once = async () => {
    const held = read(localStorage, STORE);
    if (!held || held.access !== stale.access) return;
    const answer = await attempt("POST", "auth/refresh", { refresh_token: held.refresh }, {});
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
