/** The state, the inputs and the actions of the client rule. */
import type { ChatEvent } from '../types.js';
import type { Frame, StoredTurn } from '../wire.js';
import { nothingEmitted, type EmittedSoFar } from './emit.js';
import { closedLink, type LinkState } from './timing.js';
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
