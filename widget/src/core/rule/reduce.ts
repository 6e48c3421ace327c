/**
 * The client rule: which frames count, what is final, and what is missing.
 *
 * `reduce` is pure: it takes a state and an input, and gives a new state with the actions that somebody else performs.
 */
import { isCount, parseResumed, type Frame, type Resumed, type StoredTurn } from '../wire.js';
import { nothingTold, tell } from './events.js';
import type { Action, Input, RuleState } from './state.js';
import { askIfDue, closedLink, openedLink } from './timing.js';
import { applyFrame, fromHistory, unseen, type Applied } from './turn.js';

const FETCH_AGAIN_MS = 5_000;

/** Applies one input to a state, which stays as it was. */
export function reduce(before: RuleState, input: Input): { state: RuleState; actions: Action[] } {
  const state: RuleState = {
    ...before,
    turns: new Map(before.turns),
    awaited: new Set(before.awaited),
    link: { ...before.link },
  };
  const actions: Action[] = [];
  apply(state, input, actions);
  askIfDue(state, input.now, actions);
  return { state, actions };
}

function apply(state: RuleState, input: Input, actions: Action[]): void {
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
    // After a sleep the socket may look open and be dead, or have lost frames; the question finds out.
    case 'woken':
      state.link.gap = true;
      return;
    // Noted before the request goes out, because the final can overtake the 202.
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

function onFrame(state: RuleState, frame: Frame, now: number, actions: Action[]): void {
  state.link.heardAt = now;
  if (frame.type === 'CUSTOM' && frame.name === 'chat.resumed') {
    const resumed = parseResumed(frame.value);
    if (resumed) onResumed(state, resumed, actions);
    return;
  }
  const { metadata } = frame;
  if (
    !state.link.resumed ||
    !isCount(metadata?.turn) ||
    !isCount(metadata.gen) ||
    metadata.turn <= state.cursor
  )
    return;
  const n = metadata.turn;
  const known = state.turns.get(n) ?? unseen(n);
  const { turn, gap, withheld }: Applied = known.final
    ? { turn: known }
    : applyFrame(known, frame, metadata);
  state.turns.set(n, turn);
  if (gap || missesEarlierFinal(state, n)) state.link.gap = true;
  if (withheld) fetchTurn(state, n, now, actions);
  settle(state, actions);
}

// A turn runs only after its predecessor has ended, so a frame of turn n proves
// that every earlier final is in storage.
function missesEarlierFinal(state: RuleState, n: number): boolean {
  for (let earlier = state.cursor + 1; earlier < n; earlier += 1) {
    if (!state.turns.get(earlier)?.final) return true;
  }
  return false;
}

function onResumed(state: RuleState, { first, next, born }: Resumed, actions: Action[]): void {
  const { link } = state;
  link.resumed = true;
  link.finals = 0;
  // `next` may be older than the finals that overtook it on this connection;
  // so it is held against the cursor with which the connection began.
  const anew = (state.born !== null && state.born !== born) || link.cursorAtOpen >= next;
  if (anew) {
    forget(state, actions);
    link.cursorAtOpen = 0;
    link.urgent = true;
  }
  state.born = born;
  state.first = first;
  state.next = Math.max(next, anew ? 1 : state.next);
  if (state.cursor < first - 1) moveTo(state, first - 1);
  settle(state, actions);
}

function moveTo(state: RuleState, cursor: number): void {
  state.cursor = cursor;
  for (const n of state.turns.keys()) {
    if (n <= cursor) state.turns.delete(n);
  }
}

function onHistory(state: RuleState, turns: readonly StoredTurn[], actions: Action[]): void {
  for (const stored of turns) {
    if (stored.turn <= state.cursor) continue;
    const known = state.turns.get(stored.turn) ?? unseen(stored.turn);
    if (!known.final) state.turns.set(stored.turn, fromHistory(known, stored));
  }
  settle(state, actions);
}

// Moves the cursor over every final that now stands in line, and tells what is new of the turn after it.
function settle(state: RuleState, actions: Action[]): void {
  let turn = state.turns.get(state.cursor + 1);
  while (turn?.final) {
    tell(state, turn, actions);
    state.turns.delete(turn.turn);
    if (turn.runId !== null) state.awaited.delete(turn.runId);
    state.cursor = turn.turn;
    state.link.finals += 1;
    actions.push({ type: 'final', turn });
    turn = state.turns.get(state.cursor + 1);
  }
  if (turn) tell(state, turn, actions);
}

function fetchTurn(state: RuleState, n: number, now: number, actions: Action[]): void {
  const turn = state.turns.get(n);
  if (!turn || turn.final || (turn.fetchedAt !== null && now - turn.fetchedAt < FETCH_AGAIN_MS))
    return;
  state.turns.set(n, { ...turn, withheld: true, fetchedAt: now });
  actions.push({ type: 'fetch', after: n - 1 });
}

function forget(state: RuleState, actions: Action[]): void {
  state.cursor = 0;
  state.born = null;
  state.next = 1;
  state.turns.clear();
  state.told = nothingTold(0);
  actions.push(
    { type: 'forget' },
    { type: 'event', event: { type: 'CUSTOM', name: 'chat.forgotten', value: {} } },
  );
}
