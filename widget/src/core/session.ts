/** Opening, restoring and losing the session. */
import { changed, type ClientCore, isResting, setLink } from './client-core.js';
import { dispatch } from './driver.js';
import { ChatError, isPermanent } from './error.js';
import { retryDelay } from './sleep.js';
import { initialState } from './rule/state.js';
import type { SocketTicket } from './wire.js';

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 20_000;
const PAGE_SIZE = 50;
const MAX_TURN = 9_999_999_999; // the largest turn number of the contract

/**
 * Returns the session id, opening or restoring the session first if needed.
 *
 * Calls share one attempt, which is repeated until it succeeds or is refused for good.
 */
export function openSession(core: ClientCore): Promise<string> {
  if (core.opening) return core.opening;
  if (core.identity.id !== null && !isResting(core)) return Promise.resolve(core.identity.id);
  const opening = openUntilRefused(core, (core.epoch += 1)).finally(() => {
    if (core.opening === opening) core.opening = null;
  });
  core.opening = opening;
  return opening;
}

/** Leaves the session; responses that are still on their way to it will be ignored. */
export function leaveSession(core: ClientCore): void {
  core.epoch += 1;
  core.opening = null;
  dropSession(core, false);
  setLink(core, 'idle');
}

/**
 * Handles an error that retrying cannot resolve.
 *
 * If the session or the access to it is gone, its turns are removed and a new session is opened.
 * Messages that the server never accepted stay, and are sent to the new session under the same ids.
 */
export async function handlePermanentError(
  core: ClientCore,
  error: ChatError,
  epoch: number,
): Promise<void> {
  if (epoch !== core.epoch) return;
  if (!replaceLostSession(core, error)) return stopForGood(core, error);
  core.link = { status: 'idle', retryAt: null };
  await openSession(core).catch(() => {});
}

/** Loads the page of turns before the oldest one in the list. */
export async function loadOlder(core: ClientCore): Promise<void> {
  const { identity, turns, epoch } = core;
  const oldest = turns.list()[0]?.turn;
  if (!core.hasOlder || !oldest || identity.id === null) return;
  const page = (await core.api.turns(identity.id, `before=${oldest}&limit=${PAGE_SIZE}`)).turns;
  if (epoch !== core.epoch) return;
  turns.restore(page);
  core.hasOlder = (page[0]?.turn ?? 0) > core.rule.first;
  changed(core);
}

/** Returns whether an error says that the session, or the access to it, is gone. */
export function isGone({ status }: ChatError): boolean {
  return status === 401 || status === 404;
}

async function openUntilRefused(core: ClientCore, epoch: number): Promise<string> {
  setLink(core, 'connecting');
  for (let tries = 0; ; tries += 1) {
    try {
      return await openOnce(core, epoch);
    } catch (error) {
      if (epoch !== core.epoch || !(error instanceof ChatError)) throw error;
      if (!isPermanent(error)) {
        await waitBeforeRetry(core, error, tries);
        ensureCurrent(core, epoch);
      } else if (!replaceLostSession(core, error)) {
        stopForGood(core, error);
        throw error;
      }
    }
  }
}

async function openOnce(core: ClientCore, epoch: number): Promise<string> {
  const { identity, wanted } = core;
  const isKept = identity.id !== null || identity.restore(wanted);
  let websocket: SocketTicket | undefined;
  if (!isKept) {
    const opened = await core.api.openSession(wanted);
    ensureCurrent(core, epoch);
    identity.take(opened.session_id);
    websocket = opened.websocket;
  }
  if (isKept || wanted !== undefined) await restore(core, identity.id!, epoch);
  else core.rule = { ...initialState(identity.id!), awaited: core.rule.awaited };
  core.connection.start(websocket);
  return identity.id!;
}

async function restore(core: ClientCore, id: string, epoch: number): Promise<void> {
  core.loading = true;
  changed(core);
  try {
    const { turns } = await core.api.turns(id, `before=${MAX_TURN}&limit=${PAGE_SIZE}`, 1);
    ensureCurrent(core, epoch);
    const open = turns.find(({ state }) => state === 'running');
    const cursor = open ? open.turn - 1 : (turns.at(-1)?.turn ?? 0);
    core.rule = { ...initialState(id, cursor), awaited: core.rule.awaited };
    core.turns.restore(turns);
    for (const { message_id } of turns) core.outbox.remove(message_id);
    core.hasOlder = (turns[0]?.turn ?? 0) > 1;
    dispatch(core, { type: 'history', turns });
  } finally {
    core.loading = false;
    changed(core);
  }
}

async function waitBeforeRetry(core: ClientCore, error: ChatError, tries: number): Promise<void> {
  const ms = retryDelay(error, tries, FIRST_DELAY_MS, MAX_DELAY_MS);
  setLink(core, error.status === 429 ? 'rate-limited' : 'waiting', ms);
  await core.sleeper.sleep(ms, error.retryAfterMs === null);
}

function ensureCurrent(core: ClientCore, epoch: number): void {
  if (epoch !== core.epoch)
    throw new ChatError(0, 'superseded', 'Another conversation was opened.');
}

// Forgets a session that is gone so that a new one can be opened, and returns whether it did. Two
// cases have no such way out: a host's token was refused, so that the user has to sign in again;
// and a 404 before there was any session, which is not about a session at all.
function replaceLostSession(core: ClientCore, error: ChatError): boolean {
  const { identity, turns } = core;
  const isRefused = error.status === 401;
  if (!isGone(error) || (isRefused ? identity.isHosted : identity.id === null)) return false;
  if (identity.id !== null || turns.list().some(({ turn }) => turn !== null)) {
    core.notice = { code: 'session-ended', message: null };
  }
  dropSession(core, isRefused);
  turns.forget();
  changed(core);
  return true;
}

function dropSession(core: ClientCore, token: boolean): void {
  core.connection.stop();
  core.sleeper.wakeAll();
  core.rule = { ...initialState(), awaited: core.rule.awaited };
  core.hasOlder = false;
  core.identity.forget(token);
}

function stopForGood(core: ClientCore, error: ChatError): void {
  core.connection.stop();
  if (error.status === 401) return setLink(core, 'signed-out');
  core.notice = { code: 'refused', message: error.message };
  setLink(core, 'closed');
}
