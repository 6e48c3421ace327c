/** Delivers messages to the server through network failures, reloads and lost sessions. */
import { changed, type ClientCore } from './client-core.js';
import { dispatch } from './driver.js';
import { ChatError } from './error.js';
import { isGone, handlePermanentError, openSession } from './session.js';
import type { SendOptions, TurnView } from './types.js';
import { newMessageId, type OutboxMessage } from './storage.js';

// After a reload, older messages are shown as failed instead of being sent: a question that
// suddenly gets an answer ten minutes later would surprise the user.
const RESEND_WINDOW_MS = 600_000;
const MAX_SESSIONS = 3;

/** The result of a delivery. */
export interface DeliveryReceipt {
  readonly messageId: string;
}

/** Adds a new message to the state and the outbox, and delivers it. */
export async function sendMessage(
  core: ClientCore,
  message: string,
  options: SendOptions = {},
): Promise<DeliveryReceipt> {
  const messageId = options.messageId ?? newMessageId();
  const { documentId = core.options.documentId ?? null, provider = core.options.provider ?? null } =
    options;
  const at = Date.now();
  const unsent = { messageId, message, documentId, provider, at };
  showUnsent(core, unsent);
  core.outbox.add(unsent);
  return deliverMessage(core, messageId);
}

function showUnsent(core: ClientCore, { messageId, at, ...message }: OutboxMessage): void {
  core.turns.change(messageId, { ...message, createdAt: new Date(at).toISOString() });
}

/** Delivers a message of the state under its id, which makes repeats harmless. */
export async function deliverMessage(
  core: ClientCore,
  messageId: string,
): Promise<DeliveryReceipt> {
  requireTurn(core, messageId);
  core.stopped.delete(messageId);
  core.turns.change(messageId, { state: 'sending', error: null, retryAt: null });
  dispatch(core, { type: 'sending', messageId });
  for (let tries = 1; ; tries += 1) {
    let { epoch } = core;
    try {
      const session = await openSession(core);
      epoch = core.epoch;
      await core.api.send(requestBody(requireTurn(core, messageId), session), {
        onRetry: (error, ms) => noteRetry(core, messageId, error, ms),
        isWanted: () => core.epoch === epoch && isStillWanted(core, messageId),
      });
      return markAccepted(core, messageId);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (isGone(error)) await handlePermanentError(core, error, epoch);
      if (!isForAnotherSession(core, messageId, error, epoch) || tries === MAX_SESSIONS)
        throw markFailed(core, messageId, error);
    }
  }
}

/** Delivers what a reload interrupted; a message that did arrive is accepted again as a repeat. */
export function resendFromOutbox(core: ClientCore): void {
  for (const unsent of core.outbox.all()) {
    const { messageId } = unsent;
    if (core.turns.get(messageId)) continue;
    showUnsent(core, unsent);
    core.turns.change(messageId, { state: 'failed' });
    if (Date.now() - unsent.at < RESEND_WINDOW_MS) deliverMessage(core, messageId).catch(() => {});
  }
}

/** Returns the turn of a message; throws if there is none. */
export function requireTurn({ turns }: ClientCore, messageId: string): TurnView {
  const turn = turns.get(messageId);
  if (!turn) throw new ChatError(0, 'not_found', `There is no message "${messageId}".`);
  return turn;
}

// If the session was replaced while the message was on its way, the new session takes it, provided
// that the user has neither stopped nor discarded it.
function isForAnotherSession(
  core: ClientCore,
  messageId: string,
  { code }: ChatError,
  epoch: number,
): boolean {
  return (code === 'superseded' || epoch !== core.epoch) && isStillWanted(core, messageId);
}

function isStillWanted({ isClosed, stopped, turns }: ClientCore, messageId: string): boolean {
  return !isClosed && !stopped.has(messageId) && turns.get(messageId) !== undefined;
}

function requestBody({ messageId, message, documentId, provider }: TurnView, session_id: string) {
  return {
    message: message ?? '',
    message_id: messageId,
    session_id,
    context: documentId === null ? undefined : { document_id: documentId },
    provider: provider ?? undefined,
  };
}

function markAccepted(core: ClientCore, messageId: string): DeliveryReceipt {
  const isSending = core.turns.get(messageId)?.state === 'sending';
  core.outbox.remove(messageId);
  endSending(core, messageId, isSending ? { state: 'waiting', error: null, retryAt: null } : {});
  return { messageId };
}

function markFailed(core: ClientCore, messageId: string, error: ChatError): ChatError {
  const { code, message, retryAfterMs } = error;
  // The request failed, but a frame may have shown meanwhile that the server has the message.
  if (core.turns.get(messageId)?.state === 'sending') {
    dispatch(core, { type: 'unsent', messageId });
    endSending(core, messageId, {
      state: 'failed',
      error: { code, message },
      retryAt: retryAfterMs && Date.now() + retryAfterMs,
    });
  }
  return error;
}

function endSending(core: ClientCore, messageId: string, change: Partial<TurnView>): void {
  core.limitedUntil = 0;
  if (core.turns.get(messageId)) core.turns.change(messageId, change);
  changed(core);
}

function noteRetry(
  core: ClientCore,
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
