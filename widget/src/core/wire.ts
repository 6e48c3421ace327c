/** What the server sends, as far as the client uses it. Any field may be missing or wrong. */
import type {
  ContextUse,
  EventMetadata,
  EventUsage,
  Grounding,
  TurnKind,
  TurnStatus,
} from './types.js';

/** One frame of the socket, an AG-UI event. */
export interface Frame {
  readonly type: string;
  readonly name?: string;
  readonly runId?: string;
  readonly messageId?: string;
  readonly delta?: string;
  readonly message?: string;
  readonly code?: string;
  readonly result?: { readonly messageId: string; readonly text: string } & CitedResult;
  readonly usage?: readonly EventUsage[];
  readonly value?: unknown;
  readonly metadata?: EventMetadata & { readonly context?: ContextUse };
}

/** What a final says about its sources. */
export interface CitedResult {
  readonly citations?: unknown;
  readonly grounding?: Grounding;
}

/** The value of `chat.resumed`. */
export interface ResumedValue {
  readonly first: number;
  readonly next: number;
  readonly born: number | string;
}

/** A turn in a response of the history. */
export interface StoredTurn extends CitedResult {
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

/** The URL of a socket and the ticket to open it with. */
export interface SocketTicket {
  readonly url: string;
  readonly ticket: string;
}

/** Parses a frame; null if the data is not one. */
export function parseFrame(data: unknown): Frame | null {
  try {
    const frame = JSON.parse(String(data)) as Frame | null;
    return frame?.type === undefined ? null : frame;
  } catch {
    return null;
  }
}

/** Parses the value of a `chat.resumed`; null if it is malformed. */
export function parseResumed(value: unknown): ResumedValue | null {
  const { first, next, born } = (value ?? {}) as Partial<ResumedValue>;
  return isPositiveInteger(first) && isPositiveInteger(next) && born !== undefined
    ? { first, next, born }
    : null;
}

/** Parses the value of a `chat.status`; null if it is malformed. */
export function parseStatus(value: unknown): TurnStatus | null {
  const { phase, provider } = (value ?? {}) as Partial<TurnStatus>;
  if (typeof phase !== 'string') return null;
  return typeof provider === 'string' ? { phase, provider } : { phase };
}

/** Converts passages or citations; those that are malformed are left out. */
export function parsePlaces<Place>(list: unknown): readonly Place[] {
  if (!Array.isArray(list)) return NO_PLACES;
  return list.flatMap((one) => {
    const { document_id: documentId, source_url: sourceUrl = null, ...rest } = one ?? {};
    return isPositiveInteger(rest.number) ? ({ documentId, sourceUrl, ...rest } as Place) : [];
  });
}

/** No passages or citations; always the same list, so that nothing seems to have changed. */
export const NO_PLACES: readonly never[] = [];

/** Returns whether a value can be the number of a turn or a generation. */
export function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
