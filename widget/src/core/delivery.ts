/** Brings messages to the server, whatever the network does. */
import { changed, type Core } from './core.js';
import { dispatch } from './driver.js';
import { ChatError } from './error.js';
import { isGone, lose, openSession } from './session.js';
import type { SendOptions, TurnView } from './types.js';
import { newId } from './storage.js';

// What was sent longer ago than this, and never arrived, the user sends by hand if at all.
const RESEND_MS = 600_000;
const MOST_SESSIONS = 3;

/** What a delivery gives. */
export interface Delivered {
  readonly messageId: string;
}

/** Sends a new message. */
export async function send(
  core: Core,
  text: string,
  options: SendOptions = {},
): Promise<Delivered> {
  const messageId = options.messageId ?? newId();
  const { documentId = core.options.documentId ?? null, provider = core.options.provider ?? null } =
    options;
  const at = Date.now();
  core.turns.change(messageId, {
    message: text,
    documentId,
    provider,
    createdAt: new Date(at).toISOString(),
  });
  core.outbox.add({ messageId, message: text, documentId, provider, at });
  return deliver(core, messageId);
}

/** Sends a message that is in the state, under its id. */
export async function deliver(core: Core, messageId: string): Promise<Delivered> {
  known(core, messageId);
  core.stopped.delete(messageId);
  core.turns.change(messageId, { state: 'sending', error: null, retryAt: null });
  dispatch(core, { type: 'sending', messageId });
  for (let tries = 1; ; tries += 1) {
    let { era } = core;
    try {
      const session = await openSession(core);
      era = core.era;
      await core.api.send(body(known(core, messageId), session), {
        onRetry: (error, ms) => note(core, messageId, error, ms),
        isWanted: () => core.era === era && isWanted(core, messageId),
      });
      return accepted(core, messageId);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (isGone(error)) await lose(core, error, era);
      if (!isForAnotherSession(core, messageId, error, era) || tries === MOST_SESSIONS)
        throw unsent(core, messageId, error);
    }
  }
}

/** Sends what a reload interrupted: the same id makes that harmless. */
export function deliverKept(core: Core): void {
  for (const { messageId, message, documentId, provider, at } of core.outbox.all()) {
    if (core.turns.get(messageId)) continue;
    core.turns.change(messageId, {
      message,
      documentId,
      provider,
      createdAt: new Date(at).toISOString(),
      state: 'failed',
    });
    if (Date.now() - at < RESEND_MS) deliver(core, messageId).catch(() => {});
  }
}

/** Gives a turn; throws where there is none. */
export function known({ turns }: Core, messageId: string): TurnView {
  const turn = turns.get(messageId);
  if (!turn) throw new ChatError(0, 'not_found', `There is no message "${messageId}".`);
  return turn;
}

// The session was replaced by another one, which takes the message if the user still wants it sent.
function isForAnotherSession(
  core: Core,
  messageId: string,
  { code }: ChatError,
  era: number,
): boolean {
  return (code === 'superseded' || era !== core.era) && isWanted(core, messageId);
}

function isWanted({ isClosed, stopped, turns }: Core, messageId: string): boolean {
  return !isClosed && !stopped.has(messageId) && turns.get(messageId) !== undefined;
}

function body({ messageId, message, documentId, provider }: TurnView, session_id: string) {
  return {
    message: message ?? '',
    message_id: messageId,
    session_id,
    context: documentId === null ? undefined : { document_id: documentId },
    provider: provider ?? undefined,
  };
}

function accepted(core: Core, messageId: string): Delivered {
  const isSending = core.turns.get(messageId)?.state === 'sending';
  core.outbox.remove(messageId);
  arrive(core, messageId, isSending ? { state: 'waiting', error: null, retryAt: null } : {});
  return { messageId };
}

function unsent(core: Core, messageId: string, error: ChatError): ChatError {
  const { code, message, retryAfterMs } = error;
  // A frame may have shown meanwhile that the server has it.
  if (core.turns.get(messageId)?.state === 'sending') {
    dispatch(core, { type: 'unsent', messageId });
    arrive(core, messageId, {
      state: 'failed',
      error: { code, message },
      retryAt: retryAfterMs && Date.now() + retryAfterMs,
    });
  }
  return error;
}

function arrive(core: Core, messageId: string, change: Partial<TurnView>): void {
  core.limitedUntil = 0;
  if (core.turns.get(messageId)) core.turns.change(messageId, change);
  changed(core);
}

function note(
  core: Core,
  messageId: string,
  { status, code, message }: ChatError,
  ms: number,
): void {
  const retryAt = Date.now() + ms;
  if (core.turns.get(messageId)?.state === 'sending')
    core.turns.change(messageId, { error: { code, message }, retryAt });
  core.limitedUntil = status === 429 ? retryAt : 0;
  changed(core);
}
