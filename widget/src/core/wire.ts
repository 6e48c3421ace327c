/** What the server sends, as far as it is used; nothing of it may be trusted to be there. */
import type { ContextUse, EventMetadata, EventUsage, TurnKind, TurnStatus } from './types.js';

/** One frame of the socket, an AG-UI event. */
export interface Frame {
  readonly type: string;
  readonly name?: string;
  readonly runId?: string;
  readonly messageId?: string;
  readonly delta?: string;
  readonly message?: string;
  readonly code?: string;
  readonly result?: { readonly messageId: string; readonly text: string };
  readonly usage?: readonly EventUsage[];
  readonly value?: unknown;
  readonly metadata?: EventMetadata & { readonly context?: ContextUse };
}

/** The value of `chat.resumed`. */
export interface Resumed {
  readonly first: number;
  readonly next: number;
  readonly born: number | string;
}

/** A turn as the history tells it. */
export interface StoredTurn {
  readonly turn: number;
  readonly message_id: string;
  readonly message: string;
  readonly state: 'running' | 'done';
  readonly kind?: TurnKind;
  readonly text?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly provider?: string;
  readonly model?: string;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number };
  readonly cost_micro_usd?: number;
  readonly finish_reason?: string;
  readonly context?: ContextUse;
  readonly created_at?: string;
  readonly finished_at?: string;
}

/** Where and with what to open a socket. */
export interface Websocket {
  readonly url: string;
  readonly ticket: string;
}

/** Reads a frame; null where the data is none. */
export function parseFrame(data: unknown): Frame | null {
  try {
    const frame: unknown = JSON.parse(String(data));
    return frame !== null && typeof frame === 'object' && 'type' in frame ? (frame as Frame) : null;
  } catch {
    return null;
  }
}

/** Reads the value of a `chat.resumed`; null where it makes no sense. */
export function parseResumed(value: unknown): Resumed | null {
  const { first, next, born } = (value ?? {}) as Partial<Resumed>;
  return isCount(first) && isCount(next) && born !== undefined ? { first, next, born } : null;
}

/** Reads the value of a `chat.status`; null where it makes no sense. */
export function parseStatus(value: unknown): TurnStatus | null {
  const { phase, provider } = (value ?? {}) as Partial<TurnStatus>;
  if (typeof phase !== 'string') return null;
  return typeof provider === 'string' ? { phase, provider } : { phase };
}

/** Tells whether a value can be a turn's or a generation's number. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
