/** Opening a session, going on with one, and losing it. */
import { isPermanent } from './connection.js';
import { changed, type Core, isResting, setLink } from './core.js';
import { dispatch } from './driver.js';
import { ChatError } from './error.js';
import { backoff } from './pause.js';
import { begin } from './rule/state.js';
import type { Websocket } from './wire.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;
const PAGE = 50;
const NEWEST = 9_999_999_999; // the largest number that a turn can have

/** Gives the session, opening it if need be: one attempt at a time, until it succeeds or is refused for good. */
export function openSession(core: Core): Promise<string> {
  if (core.opening) return core.opening;
  if (core.identity.id !== null && !isResting(core)) return Promise.resolve(core.identity.id);
  const opening = open(core, (core.era += 1)).finally(() => {
    if (core.opening === opening) core.opening = null;
  });
  core.opening = opening;
  return opening;
}

/** Leaves the session: what is under way for it is dropped when it comes. */
export function leaveSession(core: Core): void {
  core.era += 1;
  core.opening = null;
  forget(core, false);
  setLink(core, 'idle');
}

/**
 * Takes an error that waiting does not cure.
 *
 * Where the session or the right to it is gone, so is what was said with it; what the server never had goes to a new
 * session, under the same ids.
 */
export async function lose(core: Core, error: ChatError, era: number): Promise<void> {
  if (era !== core.era) return;
  if (!beginsAnew(core, error)) return refuse(core, error);
  core.link = { status: 'idle', retryAt: null };
  await openSession(core).catch(() => {});
}

/** Loads the turns before the oldest one that is here. */
export async function loadOlder(core: Core): Promise<void> {
  const { identity, turns, era } = core;
  const oldest = turns.list()[0]?.turn;
  if (!core.hasOlder || !oldest || identity.id === null) return;
  const page = (await core.api.turns(identity.id, `before=${oldest}&limit=${PAGE}`)).turns;
  if (era !== core.era) return;
  turns.restore(page);
  core.hasOlder = page.length > 0 && page[0]!.turn > core.rule.first;
  changed(core);
}

/** Tells whether the session, or the right to it, is gone. */
export function isGone({ status }: ChatError): boolean {
  return status === 401 || status === 404;
}

async function open(core: Core, era: number): Promise<string> {
  setLink(core, 'connecting');
  for (let tries = 0; ; tries += 1) {
    try {
      return await openOnce(core, era);
    } catch (error) {
      if (era !== core.era || !(error instanceof ChatError)) throw error;
      if (!isPermanent(error)) {
        await pause(core, error, tries);
        check(core, era);
      } else if (!beginsAnew(core, error)) {
        refuse(core, error);
        throw error;
      }
    }
  }
}

async function openOnce(core: Core, era: number): Promise<string> {
  const { identity, wanted } = core;
  const isKept = identity.id !== null || identity.restore(wanted);
  let websocket: Websocket | undefined;
  if (!isKept) {
    const opened = await core.api.openSession(wanted);
    check(core, era);
    identity.take(opened.session_id);
    websocket = opened.websocket;
  }
  if (isKept || wanted !== undefined) await restore(core, identity.id!, era);
  else core.rule = { ...begin(identity.id!), awaited: core.rule.awaited };
  core.connection.start(websocket);
  return identity.id!;
}

async function restore(core: Core, id: string, era: number): Promise<void> {
  core.loading = true;
  changed(core);
  try {
    const { turns } = await core.api.turns(id, `before=${NEWEST}&limit=${PAGE}`, 1);
    check(core, era);
    const open = turns.find(({ state }) => state === 'running');
    const cursor = open ? open.turn - 1 : (turns.at(-1)?.turn ?? 0);
    core.rule = { ...begin(id, cursor), awaited: core.rule.awaited };
    core.turns.restore(turns);
    for (const { message_id } of turns) core.outbox.remove(message_id);
    core.hasOlder = turns.length > 0 && turns[0]!.turn > 1;
    dispatch(core, { type: 'history', turns });
  } finally {
    core.loading = false;
    changed(core);
  }
}

async function pause(
  core: Core,
  { status, retryAfterMs }: ChatError,
  tries: number,
): Promise<void> {
  const ms = Math.max(retryAfterMs ?? 0, backoff(tries, FIRST_PAUSE_MS, LONGEST_PAUSE_MS));
  setLink(core, status === 429 ? 'rate-limited' : 'waiting', ms);
  await core.pauses.sleep(ms, retryAfterMs === null);
}

function check(core: Core, era: number): void {
  if (era !== core.era) throw new ChatError(0, 'superseded', 'Another conversation was opened.');
}

// A session that is gone is followed by a new one, unless the host has to say who is speaking.
function beginsAnew(core: Core, error: ChatError): boolean {
  const { identity, turns } = core;
  const isRefused = error.status === 401;
  if (!isGone(error) || (isRefused ? identity.isHosted : identity.id === null)) return false;
  if (identity.id !== null || turns.list().some(({ turn }) => turn !== null)) {
    core.notice = { code: 'session-ended', message: null };
  }
  forget(core, isRefused);
  turns.forget();
  changed(core);
  return true;
}

function forget(core: Core, token: boolean): void {
  core.connection.stop();
  core.pauses.hurry();
  core.rule = { ...begin(), awaited: core.rule.awaited };
  core.hasOlder = false;
  core.identity.forget(token);
}

function refuse(core: Core, error: ChatError): void {
  core.connection.stop();
  if (error.status === 401) return setLink(core, 'signed-out');
  core.notice = { code: 'refused', message: error.message };
  setLink(core, 'closed');
}
