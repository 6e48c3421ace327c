import type { TurnError } from './types.js';

/** A call that failed. The message can be shown to the user. */
export class ChatError extends Error implements TurnError {
  override readonly name = 'ChatError';
  /** The HTTP status, or 0 if there was no response. */
  readonly status: number;
  /** One of the contract's error codes, or `unreachable`. */
  readonly code: string;
  /** The field of the request that is wrong, if the server named one. */
  readonly field: string | null;
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | null;

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
