// The client rule: which frames count, what is final, and what is missing.
//
// `reduce` is pure. It takes a state, an input with its time in milliseconds,
// and gives a new state with the actions that somebody else has to perform:
//   {type: 'resume', after}   send this on the socket
//   {type: 'fetch', after}    read GET …/turns?after= and give the answer back
//   {type: 'final', turn}     turn is final; these come in order, none skipped
//   {type: 'status', turn}    the running turn has a new status
//   {type: 'forget'}          the session began anew, nothing shown holds

import { askIfDue, closedLink, openedLink } from './resume-timing.js';
import { advanced, finished, fromHistory, unseen } from './turn.js';

const FETCH_AGAIN_MS = 5000;

/** Gives the state of a client that has seen nothing. */
export function begin() {
  return {
    cursor: 0,
    born: null,
    next: 1,
    turns: new Map(),
    awaited: new Set(),
    link: closedLink(),
  };
}

/**
 * Applies one input to a state.
 *
 * Inputs: `opened`, `closed`, `tick`, `gone`, `frame` {frame}, `history` {turns},
 * `sending` and `unsent` {messageId}; each with `now`.
 */
export function reduce(before, input) {
  const state = {
    ...before,
    turns: new Map(before.turns),
    awaited: new Set(before.awaited),
    link: { ...before.link },
  };
  const actions = [];
  INPUTS[input.type](state, input, actions);
  askIfDue(state, input.now, actions);
  return { state, actions };
}

const INPUTS = {
  opened: (state, { now }) => {
    state.link = openedLink(now, state.cursor);
  },
  closed: (state) => {
    state.link = closedLink();
  },
  tick: (state, { now }, actions) => {
    for (const [n, turn] of state.turns) {
      if (turn.withheld) fetchTurn(state, n, now, actions);
    }
  },
  // Noted before the request goes out, because the final can overtake the 202.
  sending: (state, { messageId }) => state.awaited.add(messageId),
  unsent: (state, { messageId }) => state.awaited.delete(messageId),
  gone: (state, _input, actions) => forget(state, actions),
  history: onHistory,
  frame: onFrame,
};

function onFrame(state, { frame, now }, actions) {
  state.link.heardAt = now;
  if (frame.type === 'CUSTOM' && frame.name === 'chat.resumed') {
    onResumed(state, frame.value, actions);
    return;
  }
  const { turn: n, gen } = frame.metadata ?? {};
  if (!state.link.resumed || !isCount(n) || !isCount(gen) || n <= state.cursor) return;
  const known = state.turns.get(n) ?? unseen(n);
  const { turn, gap, withheld } = applyFrame(known, frame);
  state.turns.set(n, turn);
  if (gap || missesEarlierFinal(state, n)) state.link.gap = true;
  if (withheld) fetchTurn(state, n, now, actions);
  if (turn.status !== known.status && !turn.final) actions.push({ type: 'status', turn });
  settle(state, actions);
}

function applyFrame(turn, frame) {
  if (turn.final) return { turn };
  const ends = frame.type === 'RUN_FINISHED' || frame.type === 'RUN_ERROR';
  return ends ? finished(turn, frame) : advanced(turn, frame);
}

// A turn runs only after its predecessor has ended, so a frame of turn n proves
// that every earlier final is in storage.
function missesEarlierFinal(state, n) {
  for (let earlier = state.cursor + 1; earlier < n; earlier += 1) {
    if (!state.turns.get(earlier)?.final) return true;
  }
  return false;
}

function onResumed(state, { first, next, born }, actions) {
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
  state.next = Math.max(next, anew ? 1 : state.next);
  if (state.cursor < first - 1) moveTo(state, first - 1);
  settle(state, actions);
}

function moveTo(state, cursor) {
  state.cursor = cursor;
  for (const n of state.turns.keys()) {
    if (n <= cursor) state.turns.delete(n);
  }
}

function onHistory(state, { turns }, actions) {
  for (const stored of turns) {
    if (stored.turn <= state.cursor) continue;
    const known = state.turns.get(stored.turn) ?? unseen(stored.turn);
    if (!known.final) state.turns.set(stored.turn, fromHistory(known, stored));
  }
  settle(state, actions);
}

// Moves the cursor over every final that now stands in line.
function settle(state, actions) {
  let turn = state.turns.get(state.cursor + 1);
  while (turn?.final) {
    state.turns.delete(turn.turn);
    state.awaited.delete(turn.runId);
    state.cursor = turn.turn;
    state.link.finals += 1;
    actions.push({ type: 'final', turn });
    turn = state.turns.get(state.cursor + 1);
  }
}

function fetchTurn(state, n, now, actions) {
  const turn = state.turns.get(n);
  if (turn.final || (turn.fetchedAt !== null && now - turn.fetchedAt < FETCH_AGAIN_MS)) return;
  state.turns.set(n, { ...turn, withheld: true, fetchedAt: now });
  actions.push({ type: 'fetch', after: n - 1 });
}

function forget(state, actions) {
  state.cursor = 0;
  state.born = null;
  state.next = 1;
  state.turns.clear();
  actions.push({ type: 'forget' });
}

function isCount(value) {
  return Number.isSafeInteger(value) && value > 0;
}
