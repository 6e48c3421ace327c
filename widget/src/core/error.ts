import type { TurnError } from './types.js';

/** The error of a call: `status` is 0 when no answer came. Its text is fit for the user. */
export class ChatError extends Error implements TurnError {
  override readonly name = 'ChatError';
  readonly status: number;
  /** One of the contract's error codes, or `unreachable`. */
  readonly code: string;
  /** The field of the request that the server named. */
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
