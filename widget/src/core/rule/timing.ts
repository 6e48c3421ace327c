/** When a client asks to resume: on every open, and whenever something may be missing, at the paces of the contract. */
import type { Action, RuleState } from './state.js';

const UNANSWERED_MS = 5_000;
const GAP_MS = 2_000;
const SILENCE_MS = 10_000;
const KEEP_ALIVE_MS = 300_000;
// A batch of finals has at most 20; a smaller one is over when nothing follows.
const FULL_BATCH = 20;
const BATCH_PAUSE_MS = 200;

/** What is known of the connection. */
export interface Link {
  open: boolean;
  resumed: boolean;
  askedAt: number | null;
  heardAt: number;
  gap: boolean;
  urgent: boolean;
  /** Finals that came since the last question. */
  finals: number;
  cursorAtOpen: number;
}

/** Gives the state of a connection that is not open. */
export function closedLink(): Link {
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

/** Gives the state of a connection that has just opened. */
export function openedLink(now: number, cursor: number): Link {
  return { ...closedLink(), open: true, heardAt: now, cursorAtOpen: cursor };
}

/** Adds a `resume` action if one is due, and notes that it was asked. */
export function askIfDue(state: RuleState, now: number, actions: Action[]): void {
  const { link } = state;
  if (!link.open || !isDue(state, now)) return;
  Object.assign(link, { askedAt: now, gap: false, urgent: false, finals: 0 });
  actions.push({ type: 'resume', after: state.cursor });
}

function isDue(state: RuleState, now: number): boolean {
  const { link } = state;
  if (link.askedAt === null || link.urgent) return true;
  const sinceAsked = now - link.askedAt;
  const quiet = now - link.heardAt;
  return (
    (!link.resumed && sinceAsked >= UNANSWERED_MS) ||
    (link.gap && sinceAsked >= GAP_MS) ||
    (hasMoreToCome(state) && (link.finals >= FULL_BATCH || quiet >= BATCH_PAUSE_MS)) ||
    (knowsUnfinishedTurn(state) && Math.min(quiet, sinceAsked) >= SILENCE_MS) ||
    sinceAsked >= KEEP_ALIVE_MS
  );
}

// Only after finals came: without one, asking again would bring the same answer.
function hasMoreToCome({ link, cursor, next }: RuleState): boolean {
  return link.resumed && link.finals > 0 && cursor < next - 1;
}

function knowsUnfinishedTurn({ awaited, turns, cursor, next }: RuleState): boolean {
  return awaited.size > 0 || turns.size > 0 || cursor < next - 1;
}
