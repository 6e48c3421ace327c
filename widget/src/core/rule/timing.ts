/**
 * When the client sends `resume`: on every open, and whenever something may be missing.
 *
 * `resume` is the only question of the protocol, and asking is always safe, because the response
 * repeats what the client may have missed. What must be limited is the rate: every question makes
 * the server read the session. The intervals are those of the contract.
 */
import { closedLink, type LinkState, type RuleAction, type RuleState } from './state.js';

const NO_ANSWER_MS = 5_000;
const GAP_MS = 2_000;
const SILENCE_MS = 10_000;
const KEEP_ALIVE_MS = 300_000;
// The server answers with at most 20 finals. After a full batch the client can ask for more at
// once; the end of a smaller one is not marked, so it is over when nothing has followed for a
// moment.
const FULL_BATCH = 20;
const BATCH_PAUSE_MS = 200;

/** Returns the state of a connection that has just opened. */
export function openedLink(now: number, cursor: number): LinkState {
  return { ...closedLink(), open: true, heardAt: now, cursorAtOpen: cursor };
}

/** Adds a `resume` action if one is due, and records that it was sent. */
export function resumeIfDue(state: RuleState, now: number, actions: RuleAction[]): void {
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
    (!link.resumed && sinceAsked >= NO_ANSWER_MS) ||
    (link.gap && sinceAsked >= GAP_MS) ||
    (hasMoreToCome(state) && (link.finals >= FULL_BATCH || quiet >= BATCH_PAUSE_MS)) ||
    (knowsUnfinishedTurn(state) && Math.min(quiet, sinceAsked) >= SILENCE_MS) ||
    sinceAsked >= KEEP_ALIVE_MS
  );
}

// Only if the last response brought finals: otherwise the same question would get the same
// response, and the client would ask in a loop for turns that are still running.
function hasMoreToCome({ link, cursor, next }: RuleState): boolean {
  return link.resumed && link.finals > 0 && cursor < next - 1;
}

function knowsUnfinishedTurn({ awaited, turns, cursor, next }: RuleState): boolean {
  return awaited.size > 0 || turns.size > 0 || cursor < next - 1;
}
