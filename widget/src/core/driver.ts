/** Runs the client rule: feeds it the inputs, and performs the actions that it returns. */
import { callListener, changed, type ClientCore, isInProgress } from './client-core.js';
import { ChatError } from './error.js';
import { reduce } from './rule/reduce.js';
import type { RuleAction, RuleInput } from './rule/state.js';
import { handlePermanentError } from './session.js';
import type { Frame } from './wire.js';

const FETCH_EVERY_MS = 2_000;
const POLL_SECONDS = 15; // less than the timeout of a call

/** An input of the rule without its time. */
export type UntimedInput = RuleInput extends infer One
  ? One extends RuleInput
    ? Omit<One, 'now'>
    : never
  : never;

/**
 * Applies an input to the rule.
 *
 * The turns are updated and listeners notified before actions are performed, so that a consumer of
 * an event always finds the state that the event speaks of.
 */
export function dispatch(core: ClientCore, happening: UntimedInput): void {
  const { state, actions } = reduce(core.rule, {
    ...happening,
    now: performance.now(),
  } as RuleInput);
  core.rule = state;
  if (happening.type === 'history') core.turns.mergeHistory(happening.turns);
  if (happening.type !== 'tick' || actions.length > 0) {
    for (const action of actions) updateTurns(core, action);
    for (const turn of state.turns.values()) core.turns.advance(turn);
    changed(core);
    for (const action of actions) performAction(core, action);
  }
  void fetchMissing(core);
}

/** Handles a frame of the socket. */
export function receive(core: ClientCore, frame: Frame): void {
  if (frame.name !== 'chat.error') return dispatch(core, { type: 'frame', frame });
  const code = (frame.value as { code?: string } | undefined)?.code;
  if (code === 'not_found')
    void handlePermanentError(core, new ChatError(404, code, ''), core.epoch);
}

function updateTurns({ turns, outbox }: ClientCore, action: RuleAction): void {
  if (action.type === 'forget') turns.forget();
  if (action.type !== 'final') return;
  turns.finish(action.turn);
  if (action.turn.runId !== null) outbox.remove(action.turn.runId);
}

function performAction(core: ClientCore, action: RuleAction): void {
  switch (action.type) {
    case 'resume':
      return core.connection.send({ type: 'resume', after: action.after });
    case 'fetch':
      return void fetchTurns(core, action.after);
    case 'event':
      return core.eventListeners.forEach((listener) => callListener(() => listener(action.event)));
    case 'final': {
      // Frames do not say whether the document could be used; only the history does.
      const { documentId, context } = core.turns.get(action.turn.runId!) ?? {};
      if (documentId && !context) void fetchTurns(core, action.turn.turn - 1);
    }
  }
}

// Returns how long the server asked to wait before the next call, in milliseconds, if it did.
async function fetchTurns(core: ClientCore, after: number, wait = 0): Promise<number | null> {
  const { epoch } = core;
  const { id } = core.identity;
  const { born } = core.rule;
  if (id === null) return null;
  try {
    const { turns } = await core.api.turns(id, `after=${after}&wait=${wait}`, 1);
    // If the session was reset meanwhile, the response lists turns that no longer exist.
    if (epoch === core.epoch && (born === null || born === core.rule.born))
      dispatch(core, { type: 'history', turns });
  } catch (error) {
    const failure = error as ChatError;
    if (failure.status === 404) await handlePermanentError(core, failure, epoch);
    // The rule asks again for anything else, on one of its next ticks.
    return failure.retryAfterMs;
  }
  return null;
}

// Frames carry the reply only. The text of a message that another tab has sent comes from the
// history; the interval limits how often a message that cannot be found is asked for.
//
// Where the network lets no WebSocket through, the replies that are awaited come from there too, by
// long polls.
async function fetchMissing(core: ClientCore): Promise<void> {
  const { turns, link, rule } = core;
  const isPolling = link.status === 'polling' && turns.list().some(isInProgress);
  const after = isPolling ? rule.cursor : turns.beforeUnknown();
  if (after === null || performance.now() - core.fetchedAt < FETCH_EVERY_MS) return;
  core.fetchedAt = Infinity; // until this call is over
  const ms = await fetchTurns(core, after, isPolling ? POLL_SECONDS : 0);
  core.fetchedAt = performance.now() + (ms ?? 0);
}
