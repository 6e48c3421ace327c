/** The values that the client rule works on. */
import type { ChatEvent } from '../types.js';
import type { Frame, StoredTurn } from '../wire.js';
import { nothingTold, type Told } from './events.js';
import { closedLink, type Link } from './timing.js';
import type { RuleTurn } from './turn.js';

/** What a client knows of its session. */
export interface RuleState {
  readonly thread: string;
  /** The highest turn up to which it holds every final. */
  cursor: number;
  born: number | string | null;
  /** The oldest turn that the server keeps. */
  first: number;
  next: number;
  /** Turns above the cursor. */
  turns: Map<number, RuleTurn>;
  /** Messages that were sent and have no final yet. */
  awaited: Set<string>;
  link: Link;
  told: Told;
}

/** What happened; `now` is in milliseconds on a clock that never goes back. */
export type Input = { readonly now: number } & (
  | { readonly type: 'opened' | 'closed' | 'tick' | 'woken' }
  | { readonly type: 'frame'; readonly frame: Frame }
  | { readonly type: 'history'; readonly turns: readonly StoredTurn[] }
  | { readonly type: 'sending' | 'unsent'; readonly messageId: string }
);

/** What somebody else has to do. Finals come in order, none skipped. */
export type Action =
  | { readonly type: 'resume'; readonly after: number }
  | { readonly type: 'fetch'; readonly after: number }
  | { readonly type: 'final'; readonly turn: RuleTurn }
  | { readonly type: 'event'; readonly event: ChatEvent }
  | { readonly type: 'forget' };

/** Gives the state of a client that holds all finals up to `cursor`, and nothing above. */
export function begin(thread = '', cursor = 0): RuleState {
  return {
    thread,
    cursor,
    born: null,
    first: 1,
    next: 1,
    turns: new Map(),
    awaited: new Set(),
    link: closedLink(),
    told: nothingTold(0),
  };
}
