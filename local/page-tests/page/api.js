// The HTTP calls. Every answer may carry a new session token; it replaces the
// stored one. Calls that are safe to repeat are repeated, no sooner than the
// server's Retry-After says.

const RETRY_STATUSES = new Set([429, 500, 502, 503, 504]);
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Says what went wrong with a call; `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(status, problem, retryAfterMs) {
    const reason = explain(status, problem);
    super(retryAfterMs ? `${reason} Try again in ${Math.ceil(retryAfterMs / 1000)} s.` : reason);
    this.reason = reason;
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Gives the calls of the server at `base`, with the token kept in `storage`. */
export function createApi({ base, storage, fetch, random = Math.random, sleep = pause }) {
  const call = (method, path, options = {}) =>
    withRetries(() => once({ base, storage, fetch }, method, path, options), { ...options, random, sleep });
  const at = (id, rest = '') => `sessions/${encodeURIComponent(id)}${rest}`;
  return {
    openSession: () => call('POST', 'sessions', { body: {} }),
    ticket: (id) => call('POST', at(id, '/tickets'), { attempts: 1 }),
    send: (message, onRetry) =>
      call('POST', 'chat', { body: message, headers: { 'Idempotency-Key': message.message_id }, onRetry }),
    turns: (id, after) => call('GET', at(id, `/turns?after=${after}`)),
    stop: (id, messageId) => call('POST', at(id, '/stop'), { body: { message_id: messageId } }),
    rate: (id, turn, rating) => call('POST', at(id, `/turns/${turn}/feedback`), { body: { rating } }),
    remove: (id) => call('DELETE', at(id)),
    documents: () => call('GET', 'documents'),
  };
}

async function once({ base, storage, fetch }, method, path, { body, headers = {} }) {
  const token = storage.get('token');
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
    cache: 'no-store',
    credentials: 'omit',
  }).catch(() => {
    throw new ApiError(0, null, null);
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer, retryAfter(response));
  if (answer?.session_token) storage.set('token', answer.session_token);
  return answer;
}

async function withRetries(attempt, { attempts = MAX_ATTEMPTS, onRetry = () => {}, random, sleep }) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= attempts || !isWorthRetrying(error)) throw error;
      const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
      const wait = Math.max(error.retryAfterMs ?? 0, backoff * (0.5 + random() / 2));
      onRetry(error, wait);
      await sleep(wait);
    }
  }
}

function isWorthRetrying({ status, retryAfterMs }) {
  return (status === 0 || RETRY_STATUSES.has(status)) && (retryAfterMs ?? 0) <= LONGEST_RETRY_AFTER_MS;
}

function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function explain(status, problem) {
  if (status === 0) return 'The server cannot be reached.';
  const text = problem?.detail || problem?.title || `The server answered ${status}.`;
  const field = problem?.field && !text.includes(problem.field) ? ` (${problem.field})` : '';
  return text + field;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
