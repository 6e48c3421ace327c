/**
 * The client rule: which frames count, what is final, and what is missing.
 *
 * The network may lose, repeat and reorder frames. The rule makes up for it with three pieces of
 * knowledge: a cursor up to which every final is known, the numbers (turn, generation, offset) in
 * each frame, and `chat.resumed`, which says what the server has. It trusts finals only, shows them
 * strictly in order, and asks again for whatever may be missing.
 *
 * `reduce` is pure: it returns a new state, and actions for the caller to perform. The same rule is
 * implemented in Rust, and both are held to the same traces.
 */
import {
  isPositiveInteger,
  parseResumed,
  type Frame,
  type ResumedValue,
  type StoredTurn,
} from '../wire.js';
import { emitNews } from './emit.js';
import {
  closedLink,
  nothingEmitted,
  type RuleAction,
  type RuleInput,
  type RuleState,
} from './state.js';
import { resumeIfDue, openedLink } from './timing.js';
import { applyFrame, applyStoredTurn, emptyTurn, type FrameEffect } from './turn.js';

const REFETCH_MS = 5_000;

/** Applies an input to a state; the given state is not changed. */
export function reduce(
  before: RuleState,
  input: RuleInput,
): { state: RuleState; actions: RuleAction[] } {
  const state: RuleState = {
    ...before,
    turns: new Map(before.turns),
    awaited: new Set(before.awaited),
    link: { ...before.link },
  };
  const actions: RuleAction[] = [];
  apply(state, input, actions);
  resumeIfDue(state, input.now, actions);
  return { state, actions };
}

function apply(state: RuleState, input: RuleInput, actions: RuleAction[]): void {
  switch (input.type) {
    case 'opened':
      state.link = openedLink(input.now, state.cursor);
      return;
    case 'closed':
      state.link = closedLink();
      return;
    case 'tick':
      for (const [n, turn] of state.turns)
        if (turn.withheld) fetchTurn(state, n, input.now, actions);
      return;
    // After the device slept, the socket may look open but be dead, or frames may have been lost.
    // Asking to resume finds out: either frames come, or the missing response closes the socket.
    case 'woken':
      state.link.gap = true;
      return;
    // Recorded before the request goes out, because the final can arrive before the 202 response.
    case 'sending':
      state.awaited.add(input.messageId);
      return;
    case 'unsent':
      state.awaited.delete(input.messageId);
      return;
    case 'frame':
      onFrame(state, input.frame, input.now, actions);
      return;
    case 'history':
      onHistory(state, input.turns, actions);
  }
}

function onFrame(state: RuleState, frame: Frame, now: number, actions: RuleAction[]): void {
  state.link.heardAt = now;
  if (frame.type === 'CUSTOM' && frame.name === 'chat.resumed') {
    const resumed = parseResumed(frame.value);
    if (resumed) onResumed(state, resumed, actions);
    return;
  }
  const { metadata } = frame;
  if (
    !state.link.resumed ||
    !isPositiveInteger(metadata?.turn) ||
    !isPositiveInteger(metadata.gen) ||
    metadata.turn <= state.cursor
  )
    return;
  const n = metadata.turn;
  const known = state.turns.get(n) ?? emptyTurn(n);
  const { turn, gap, withheld }: FrameEffect = known.final
    ? { turn: known }
    : applyFrame(known, frame, metadata);
  state.turns.set(n, turn);
  if (gap || missesEarlierFinal(state, n)) state.link.gap = true;
  if (withheld) fetchTurn(state, n, now, actions);
  advanceCursor(state, actions);
}

// A turn starts only after its predecessor has ended. A frame of turn n therefore proves that the
// finals of all earlier turns are stored, and that those which are unknown here were lost.
function missesEarlierFinal(state: RuleState, n: number): boolean {
  for (let earlier = state.cursor + 1; earlier < n; earlier += 1) {
    if (!state.turns.get(earlier)?.final) return true;
  }
  return false;
}

function onResumed(
  state: RuleState,
  { first, next, born }: ResumedValue,
  actions: RuleAction[],
): void {
  const { link } = state;
  link.resumed = true;
  link.finals = 0;
  // A session that was reset has another `born`, or fewer turns than the client has seen. `next`
  // must not be compared with the present cursor: finals that overtook this frame on the same
  // connection have moved the cursor already, and the session would be forgotten for no reason. The
  // cursor with which the connection opened cannot be affected by that.
  const wasReset = (state.born !== null && state.born !== born) || link.cursorAtOpen >= next;
  if (wasReset) {
    forget(state, actions);
    link.cursorAtOpen = 0;
    link.urgent = true;
  }
  state.born = born;
  state.first = first;
  state.next = Math.max(next, wasReset ? 1 : state.next);
  // The server has no turns below `first` any more; waiting for them would block every later one.
  if (state.cursor < first - 1) jumpCursorTo(state, first - 1);
  advanceCursor(state, actions);
}

function jumpCursorTo(state: RuleState, cursor: number): void {
  state.cursor = cursor;
  for (const n of state.turns.keys()) {
    if (n <= cursor) state.turns.delete(n);
  }
}

function onHistory(state: RuleState, turns: readonly StoredTurn[], actions: RuleAction[]): void {
  for (const stored of turns) {
    if (stored.turn <= state.cursor) continue;
    const known = state.turns.get(stored.turn) ?? emptyTurn(stored.turn);
    if (!known.final) state.turns.set(stored.turn, applyStoredTurn(known, stored));
  }
  advanceCursor(state, actions);
}

// Moves the cursor over every final that has no gap before it, and emits what is new about the turn
// that follows. A final beyond a gap waits: showing it first would reorder the conversation.
function advanceCursor(state: RuleState, actions: RuleAction[]): void {
  let turn = state.turns.get(state.cursor + 1);
  while (turn?.final) {
    emitNews(state, turn, actions);
    state.turns.delete(turn.turn);
    if (turn.runId !== null) state.awaited.delete(turn.runId);
    state.cursor = turn.turn;
    state.link.finals += 1;
    actions.push({ type: 'final', turn });
    turn = state.turns.get(state.cursor + 1);
  }
  if (turn) emitNews(state, turn, actions);
}

function fetchTurn(state: RuleState, n: number, now: number, actions: RuleAction[]): void {
  const turn = state.turns.get(n);
  if (!turn || turn.final || (turn.fetchedAt !== null && now - turn.fetchedAt < REFETCH_MS)) return;
  state.turns.set(n, { ...turn, withheld: true, fetchedAt: now });
  actions.push({ type: 'fetch', after: n - 1 });
}

function forget(state: RuleState, actions: RuleAction[]): void {
  state.cursor = 0;
  state.born = null;
  state.next = 1;
  state.turns.clear();
  state.emitted = nothingEmitted(0);
  actions.push(
    { type: 'forget' },
    { type: 'event', event: { type: 'CUSTOM', name: 'chat.forgotten', value: {} } },
  );
}
