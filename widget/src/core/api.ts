/**
 * The HTTP calls of the API.
 *
 * Failures that may pass are retried, never sooner than the server's `Retry-After` allows. That is
 * safe because a message carries an idempotency key and the other calls are idempotent. `attempts:
 * 1` leaves the retries to the caller, who shows the user how long they take.
 */
import { ChatError, isPermanent } from './error.js';
import { retryDelay, type Sleeper } from './sleep.js';
import type { DocumentInfo, PassagePlace, PassageText, Rating } from './types.js';
import type { StoredTurn, SocketTicket } from './wire.js';

const MAX_ATTEMPTS = 6;
// While the network is down nothing reaches the server, so attempts are not counted but timed:
// the network usually comes back by itself, and repeating under the same key is harmless.
const UNREACHABLE_RETRY_MS = 120_000;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
const MAX_RETRY_AFTER_MS = 60_000;
const TIMEOUT_MS = 20_000;

/** Supplies the session or host token of a call. */
export interface Credentials {
  /**
   * Returns the token, null for an anonymous caller who has none yet, and undefined for a user who
   * is signed out. `refused` says that the server has just rejected the previous one.
   */
  token(refused: boolean): Promise<string | null | undefined>;
  /** Stores a token that the server has issued. */
  renewed(token: string): void;
}

/** Where calls are sent, and with what. */
export interface ApiTransport {
  readonly base: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly credentials: Credentials;
  readonly sleeper: Sleeper;
}

/** The body of `POST /chat`. */
export interface NewMessage {
  readonly message: string;
  readonly message_id: string;
  readonly session_id: string;
  readonly context?: { readonly document_id: string };
  readonly provider?: string;
}

interface CallOptions {
  readonly body?: unknown;
  readonly key?: string;
  readonly attempts?: number;
  /** Called for each failure that will be retried in `ms` milliseconds. */
  readonly onRetry?: (error: ChatError, ms: number) => void;
  /** Checked before each retry; false ends the call with the last error. */
  readonly isWanted?: () => boolean;
}

/** Creates the calls to one server. */
export function createApi(transport: ApiTransport) {
  const call = <T>(method: string, path: string, options: CallOptions = {}) =>
    withRetries(
      () => authenticated<T>(transport, method, path, options),
      transport.sleeper,
      options,
    );
  const at = (id: string, rest = '') => `sessions/${encodeURIComponent(id)}${rest}`;
  return {
    openSession: (session_id?: string) =>
      call<{ session_id: string; websocket: SocketTicket }>('POST', 'sessions', {
        body: { session_id },
        attempts: 1,
      }),
    ticket: (id: string) =>
      call<{ websocket: SocketTicket }>('POST', at(id, '/tickets'), { attempts: 1 }),
    send: (body: NewMessage, retries: Pick<CallOptions, 'onRetry' | 'isWanted'>) =>
      call<unknown>('POST', 'chat', { body, key: body.message_id, ...retries }),
    turns: (id: string, query: string, attempts?: number) =>
      call<{ turns: StoredTurn[]; running: boolean }>('GET', at(id, `/turns?${query}`), {
        attempts,
      }),
    stop: (id: string, message_id: string) =>
      call<unknown>('POST', at(id, '/stop'), { body: { message_id } }),
    feedback: (id: string, turn: number, rating: Rating, comment?: string) =>
      call<unknown>('POST', at(id, `/turns/${turn}/feedback`), { body: { rating, comment } }),
    remove: (id: string) => call<unknown>('DELETE', at(id)),
    passage: ({
      documentId,
      ordinal,
      version,
    }: Pick<PassagePlace, 'documentId' | 'version' | 'ordinal'>) =>
      call<PassageText>(
        'GET',
        `documents/${encodeURIComponent(documentId)}/passages/${ordinal}?version=${encodeURIComponent(version)}`,
      ),
    documents: () => call<{ documents: DocumentInfo[] }>('GET', 'documents'),
  };
}

/** See `createApi`. */
export type Api = ReturnType<typeof createApi>;

// After a 401 the token is requested once more: another tab may have stored a newer one meanwhile,
// and a host can refresh its own. The same token again would only be rejected again.
async function authenticated<T>(
  transport: ApiTransport,
  method: string,
  path: string,
  options: CallOptions,
): Promise<T> {
  const { credentials } = transport;
  const token = await credentials.token(false);
  try {
    return await sendRequest<T>(transport, token, method, path, options);
  } catch (error) {
    if (!(error instanceof ChatError) || error.status !== 401) throw error;
    const newer = await credentials.token(true);
    if (newer === token) throw error;
    return sendRequest<T>(transport, newer, method, path, options);
  }
}

async function sendRequest<T>(
  { base, fetch, credentials }: ApiTransport,
  token: string | null | undefined,
  method: string,
  path: string,
  { body, key }: CallOptions,
): Promise<T> {
  if (token === undefined) throw new ChatError(401, 'unauthorized', 'You are signed out.');
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
    body: JSON.stringify(body), // undefined, and so no body, for a call without one
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new ChatError(0, 'unreachable', 'The server cannot be reached.');
  });
  const answer = await response.json().catch(() => {});
  if (!response.ok) throw toChatError(response, answer);
  if (typeof answer?.session_token === 'string') credentials.renewed(answer.session_token);
  return answer;
}

async function withRetries<T>(
  attempt: () => Promise<T>,
  sleeper: Sleeper,
  options: CallOptions,
): Promise<T> {
  const began = Date.now();
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (
        !(error instanceof ChatError) ||
        !isWorthRetrying(error, tries + 1, Date.now() - began, options)
      )
        throw error;
      const ms = retryDelay(error, tries, FIRST_DELAY_MS, MAX_DELAY_MS);
      options.onRetry?.(error, ms);
      // A delay that the server asked for is not cut short when the network comes back.
      await sleeper.sleep(ms, error.retryAfterMs === null);
      if (options.isWanted?.() === false) throw error;
    }
  }
}

function isWorthRetrying(
  error: ChatError,
  tries: number,
  spent: number,
  { attempts }: CallOptions,
): boolean {
  if (error.status === 0)
    return attempts === undefined ? spent < UNREACHABLE_RETRY_MS : tries < attempts;
  return (
    !isPermanent(error) &&
    tries < (attempts ?? MAX_ATTEMPTS) &&
    (error.retryAfterMs ?? 0) <= MAX_RETRY_AFTER_MS
  );
}

interface ProblemDetails {
  readonly type?: string;
  readonly detail?: string;
  readonly field?: string;
}

function toChatError(response: Response, problem: ProblemDetails | null): ChatError {
  const code = problem?.type?.split(':').pop() ?? 'unavailable';
  const message = problem?.detail ?? `The server answered ${response.status}.`;
  return new ChatError(response.status, code, message, {
    field: problem?.field ?? null,
    retryAfterMs: retryAfter(response),
  });
}

function retryAfter(response: Response): number | null {
  const value = response.headers.get('Retry-After');
  if (value === null) return null;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
