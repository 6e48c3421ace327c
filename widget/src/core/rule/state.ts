/** The state, the inputs and the actions of the client rule. */
import type { ChatEvent } from '../types.js';
import type { Frame, StoredTurn } from '../wire.js';
import type { RuleTurn } from './turn.js';

/** What a client knows about its session. */
export interface RuleState {
  readonly thread: string;
  /** The highest turn up to which the client has every final. */
  cursor: number;
  /** Identifies the incarnation of the session; a different value means that it was reset. */
  born: number | string | null;
  /** The oldest turn that the server still has. */
  first: number;
  /** The number that the next turn of the session will get, as far as the client knows. */
  next: number;
  /** The turns above the cursor of which anything is known. */
  turns: Map<number, RuleTurn>;
  /** The ids of messages that were sent and have no final yet. */
  awaited: Set<string>;
  link: LinkState;
  emitted: EmittedSoFar;
}

/** Something that happened; `now` is in milliseconds on a monotonic clock. */
export type RuleInput = { readonly now: number } & (
  | { readonly type: 'opened' | 'closed' | 'tick' | 'woken' }
  | { readonly type: 'frame'; readonly frame: Frame }
  | { readonly type: 'history'; readonly turns: readonly StoredTurn[] }
  | { readonly type: 'sending' | 'unsent'; readonly messageId: string }
);

/** Something for the caller to perform. Finals come in the order of their turns, without gaps. */
export type RuleAction =
  | { readonly type: 'resume'; readonly after: number }
  | { readonly type: 'fetch'; readonly after: number }
  | { readonly type: 'final'; readonly turn: RuleTurn }
  | { readonly type: 'event'; readonly event: ChatEvent }
  | { readonly type: 'forget' };

/** What has been emitted for one turn. */
export interface EmittedSoFar {
  readonly turn: number;
  readonly gen: number;
  /** The open message, and the part of its text that was emitted. */
  readonly messageId: string | null;
  readonly text: string;
  /** A message was abandoned; the next one replaces it. */
  readonly restart: boolean;
  readonly status: unknown;
  readonly passages: unknown;
}

/** Returns the record of a turn for which nothing has been emitted. */
export function nothingEmitted(turn: number): EmittedSoFar {
  return { turn, gen: 0, messageId: null, text: '', restart: false, status: null, passages: null };
}

/** What the rule knows about the connection. */
export interface LinkState {
  open: boolean;
  /** A `chat.resumed` has come on this connection. */
  resumed: boolean;
  /** When `resume` was last sent. */
  askedAt: number | null;
  /** When a frame last came. */
  heardAt: number;
  /** Something is known to be missing; `resume` is sent at the interval for gaps. */
  gap: boolean;
  /** `resume` has to be sent at once, regardless of intervals. */
  urgent: boolean;
  /** The number of finals since `resume` was last sent. */
  finals: number;
  /** The cursor at the moment the connection opened. */
  cursorAtOpen: number;
}

/** Returns the state of a connection that is not open. */
export function closedLink(): LinkState {
  return {
    open: false,
    resumed: false,
    askedAt: null,
    heardAt: 0,
    gap: false,
    urgent: false,
    finals: 0,
    cursorAtOpen: 0,
  };
}

/** Returns the state of a client that has every final up to `cursor`, and nothing above it. */
export function initialState(thread = '', cursor = 0): RuleState {
  return {
    thread,
    cursor,
    born: null,
    first: 1,
    next: 1,
    turns: new Map(),
    awaited: new Set(),
    link: closedLink(),
    emitted: nothingEmitted(0),
  };
}
