/**
 * The HTTP calls.
 *
 * Calls that are safe to repeat are repeated, no sooner than the server's `Retry-After` says.
 */
import { ChatError } from './error.js';
import { backoff, type Pauses } from './pause.js';
import type { DocumentInfo, Rating } from './types.js';
import type { StoredTurn, Websocket } from './wire.js';

const RETRY_STATUSES = new Set([429, 500, 502, 503, 504]);
const MAX_ATTEMPTS = 6;
// A network that is away comes back by itself, and the same id makes every repeat harmless.
const UNREACHABLE_MS = 120_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
const LONGEST_RETRY_AFTER_MS = 60_000;
const TIMEOUT_MS = 20_000;

/** What a call needs to know of who is speaking. */
export interface Credentials {
  /** Gives the token; `refused` says that the server has just refused the one before. Undefined: none is to be had. */
  token(refused: boolean): Promise<string | null | undefined>;
  /** Keeps a token that the server has issued. */
  renewed(token: string): void;
}

/** Where calls go to, and how. */
export interface Transport {
  readonly base: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly credentials: Credentials;
  readonly pauses: Pauses;
}

/** A message as the server takes it. */
export interface NewMessage {
  readonly message: string;
  readonly message_id: string;
  readonly session_id: string;
  readonly context?: { readonly document_id: string };
  readonly provider?: string;
}

interface Options {
  readonly body?: unknown;
  readonly key?: string;
  readonly attempts?: number;
  /** Told of each failure that is tried again in `ms`. */
  readonly onRetry?: (error: ChatError, ms: number) => void;
  /** Asked before each further attempt. */
  readonly isWanted?: () => boolean;
}

/** Gives the calls of one server. */
export function createApi(transport: Transport) {
  const call = <T>(method: string, path: string, options: Options = {}) =>
    withRetries(
      () => authenticated<T>(transport, method, path, options),
      transport.pauses,
      options,
    );
  const at = (id: string, rest = '') => `sessions/${encodeURIComponent(id)}${rest}`;
  return {
    openSession: (session_id?: string) =>
      call<{ session_id: string; websocket: Websocket }>('POST', 'sessions', {
        body: { session_id },
        attempts: 1,
      }),
    ticket: (id: string) =>
      call<{ websocket: Websocket }>('POST', at(id, '/tickets'), { attempts: 1 }),
    send: (body: NewMessage, retries: Pick<Options, 'onRetry' | 'isWanted'>) =>
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
    documents: () => call<{ documents: DocumentInfo[] }>('GET', 'documents'),
  };
}

/** See `createApi`. */
export type Api = ReturnType<typeof createApi>;

// A token that was refused is asked for again once: another tab or the host may have a newer one.
async function authenticated<T>(
  transport: Transport,
  method: string,
  path: string,
  options: Options,
): Promise<T> {
  const { credentials } = transport;
  const token = await credentials.token(false);
  try {
    return await once<T>(transport, token, method, path, options);
  } catch (error) {
    if (!(error instanceof ChatError) || error.status !== 401) throw error;
    const newer = await credentials.token(true);
    if (newer === token) throw error;
    return once<T>(transport, newer, method, path, options);
  }
}

async function once<T>(
  { base, fetch, credentials }: Transport,
  token: string | null | undefined,
  method: string,
  path: string,
  { body, key }: Options,
): Promise<T> {
  if (token === undefined) throw new ChatError(401, 'unauthorized', 'You are signed out.');
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new ChatError(0, 'unreachable', 'The server cannot be reached.');
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response, answer);
  if (typeof answer?.session_token === 'string') credentials.renewed(answer.session_token);
  return answer;
}

async function withRetries<T>(
  attempt: () => Promise<T>,
  pauses: Pauses,
  options: Options,
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
      const ms = Math.max(
        error.retryAfterMs ?? 0,
        backoff(tries, FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
      );
      options.onRetry?.(error, ms);
      await pauses.sleep(ms, error.retryAfterMs === null);
      if (options.isWanted?.() === false) throw error;
    }
  }
}

function isWorthRetrying(
  { status, retryAfterMs }: ChatError,
  tries: number,
  spent: number,
  { attempts }: Options,
): boolean {
  if (status === 0) return attempts === undefined ? spent < UNREACHABLE_MS : tries < attempts;
  return (
    RETRY_STATUSES.has(status) &&
    tries < (attempts ?? MAX_ATTEMPTS) &&
    (retryAfterMs ?? 0) <= LONGEST_RETRY_AFTER_MS
  );
}

interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly field?: string;
}

function refusal(response: Response, problem: Problem | null): ChatError {
  const code = problem?.type?.split(':').pop() ?? 'unavailable';
  const message = problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`;
  return new ChatError(response.status, code, message, {
    field: problem?.field ?? null,
    retryAfterMs: retryAfter(response),
  });
}

function retryAfter(response: Response): number | null {
  const value = response.headers.get('Retry-After');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
