// Requests to the gateway. A failure is an ApiError with the API's own code and words.

import { credentials, leave, session } from "./session.js";

const TIMEOUT_MS = 8000;

export class ApiError extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** GET /api/v1/<path> as an object. `parameters` that are null are left out. */
export async function get(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return (await request("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path)).json();
}

/** A request that changes something; its answer as an object. Its own key makes a repeated click one change. */
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
  const content = body === null ? {} : { body: JSON.stringify(body) };
  const fields = body === null ? headers : { ...headers, "Content-Type": "application/json" };
  try {
    return await fetch(`/api/v1/${path}`, { method, headers: fields, signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store", ...content });
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
  const { code = "unknown", message = response.statusText } = body.error ?? {};
  if (response.status === 401) dispatchEvent(new CustomEvent("cleartide:refused"));
  throw new ApiError(response.status, code, message, Number(response.headers.get("Retry-After") ?? 0));
}
