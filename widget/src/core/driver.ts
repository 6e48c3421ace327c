/** Runs the client rule: gives it what happens, and does what it asks for. */
import { call, changed, type Core } from './core.js';
import { ChatError } from './error.js';
import { reduce } from './rule/reduce.js';
import type { Action, Input } from './rule/state.js';
import { lose } from './session.js';
import type { Frame } from './wire.js';

const LEARN_AGAIN_MS = 2_000;

/** What can happen, without its time. */
export type Happening = Input extends infer One
  ? One extends Input
    ? Omit<One, 'now'>
    : never
  : never;

/** Applies what has happened. */
export function dispatch(core: Core, happening: Happening): void {
  const { state, actions } = reduce(core.rule, { ...happening, now: performance.now() } as Input);
  core.rule = state;
  if (happening.type === 'history') core.turns.learn(happening.turns);
  if (happening.type !== 'tick' || actions.length > 0) {
    for (const action of actions) show(core, action);
    for (const turn of state.turns.values()) core.turns.advance(turn);
    changed(core);
    for (const action of actions) perform(core, action);
  }
  learnMissing(core);
}

/** Takes a frame of the socket. */
export function receive(core: Core, frame: Frame): void {
  if (frame.name !== 'chat.error') return dispatch(core, { type: 'frame', frame });
  const code = (frame.value as { code?: string } | undefined)?.code;
  if (code === 'not_found') void lose(core, new ChatError(404, code, ''), core.era);
}

function show({ turns, outbox }: Core, action: Action): void {
  if (action.type === 'forget') turns.forget();
  if (action.type !== 'final') return;
  turns.finish(action.turn);
  if (action.turn.runId !== null) outbox.remove(action.turn.runId);
}

function perform(core: Core, action: Action): void {
  switch (action.type) {
    case 'resume':
      return core.connection.send({ type: 'resume', after: action.after });
    case 'fetch':
      return void fetchTurns(core, action.after);
    case 'event':
      return core.eventListeners.forEach((listener) => call(() => listener(action.event)));
    case 'final': {
      // Only the history says what became of the document.
      const { documentId, context } = core.turns.get(action.turn.runId!) ?? {};
      if (documentId && !context) void fetchTurns(core, action.turn.turn - 1);
    }
  }
}

async function fetchTurns(core: Core, after: number): Promise<void> {
  const { era, identity } = core;
  const { born } = core.rule;
  if (identity.id === null) return;
  try {
    const { turns } = await core.api.turns(identity.id, `after=${after}`, 1);
    // An answer from before the session began anew tells of turns that are no more.
    if (era === core.era && (born === null || born === core.rule.born))
      dispatch(core, { type: 'history', turns });
  } catch (error) {
    // Any other failure is tried again by the client rule's tick.
    if (error instanceof ChatError && error.status === 404) await lose(core, error, era);
  }
}

// Another tab may have sent the message; frames carry only the reply.
function learnMissing(core: Core): void {
  const after = core.turns.missingAfter();
  const now = performance.now();
  if (after === null || now - core.learnedAt < LEARN_AGAIN_MS) return;
  core.learnedAt = now;
  void fetchTurns(core, after);
}
