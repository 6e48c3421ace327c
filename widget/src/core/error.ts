import type { TurnError } from './types.js';

/** A call that failed. The message can be shown to the user. */
export class ChatError extends Error implements TurnError {
  override readonly name = 'ChatError';
  /** The HTTP status, or 0 if there was no response. */
  declare readonly status: number;
  /** One of the contract's error codes, or `unreachable`. */
  declare readonly code: string;
  /** The field of the request that is wrong, if the server named one. */
  declare readonly field: string | null;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfterMs: number | null;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { field?: string | null; retryAfterMs?: number | null } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = more.field ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/** Returns whether retrying is pointless: a client error other than a timeout or a rate limit. */
export function isPermanent({ status }: ChatError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
