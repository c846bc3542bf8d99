// Requests to the gateway. A failure is an ApiError with the API's own code and words.

const TIMEOUT_MS = 5000;

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
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  let response;
  try {
    response = await fetch(`/api/v1/${path}${query}`, { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
  } catch (error) {
    throw new ApiError(0, error.name === "TimeoutError" ? "timeout" : "unreachable", "The gateway does not answer.");
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new ApiError(response.status, "unreadable", `The gateway answered ${response.status}.`);
  }
  if (response.ok) return body;
  const { code = "unknown", message = response.statusText } = body.error ?? {};
  throw new ApiError(response.status, code, message, Number(response.headers.get("Retry-After") ?? 0));
}
