/**
 * Derives the AG-UI events for consumers, each emitted once and in order.
 *
 * Frames are not passed through. Events are computed from the difference between what is known
 * about the turn after the cursor and what has been emitted for it. Lost, repeated or reordered
 * frames can therefore never reach a consumer, however they mix with fetches from the history.
 */
import type { ChatEvent, EventMetadata } from '../types.js';
import { nothingEmitted, type RuleAction, type RuleState } from './state.js';
import type { TurnFinal, RuleTurn } from './turn.js';

/** Emits what is new about a turn; all turns before it are final, and their events emitted. */
export function emitNews(
  state: RuleState,
  { turn, runId, gen, replyId, text, status, passages, final }: RuleTurn,
  actions: RuleAction[],
): void {
  if (runId === null) return;
  const run = { threadId: state.thread, runId };
  const isNew = state.emitted.turn !== turn;
  const emitted = { ...(isNew ? nothingEmitted(turn) : state.emitted) };
  state.emitted = emitted;

  const emit = (event: object, more: object = {}) => {
    const metadata: EventMetadata = { turn, gen: Math.max(gen, emitted.gen, 1), ...more };
    actions.push({ type: 'event', event: { ...event, metadata } as ChatEvent });
  };
  const close = (more: object = {}) => {
    if (emitted.messageId !== null)
      emit({ type: 'TEXT_MESSAGE_END', messageId: emitted.messageId }, more);
  };
  // Ends the message that is open; the next one will be marked as its replacement.
  const abandon = () => {
    close({ gen: Math.max(emitted.gen, 1), abandoned: true });
    emitted.restart ||= emitted.messageId !== null;
    Object.assign(emitted, { messageId: null, text: '', gen });
  };
  const say = () => {
    if (emitted.messageId === null) {
      emitted.gen = gen;
      emitted.messageId = replyId ?? `${runId}.${gen || 1}`;
      const start = { type: 'TEXT_MESSAGE_START', messageId: emitted.messageId, role: 'assistant' };
      emit(start, emitted.restart ? { restart: true } : {});
    }
    const delta = text.slice(emitted.text.length);
    if (delta !== '')
      emit(
        { type: 'TEXT_MESSAGE_CONTENT', messageId: emitted.messageId, delta },
        { offset: emitted.text.length },
      );
    emitted.text = text;
  };
  const end = (final: TurnFinal) => {
    const { kind, error, citations, grounding, finishReason, costMicroUsd } = final;
    const facts = {
      ...(finishReason && { finishReason }),
      ...(costMicroUsd !== null && { costMicroUsd }),
    };
    if (kind !== 'error') {
      say();
      close();
      const sources = grounding && { citations, grounding };
      const result = { messageId: emitted.messageId, text, ...sources };
      emit({ type: 'RUN_FINISHED', ...run, result, usage: final.eventUsage }, facts);
    } else {
      close();
      emit(
        { type: 'RUN_ERROR', ...run, code: error?.code, message: error?.message },
        { ...facts, messageId: runId },
      );
    }
  };

  if (isNew) emit({ type: 'RUN_STARTED', ...run });
  // A new generation discards the text so far. So does a final that does not continue it: the final
  // is authoritative, and a message cannot be changed after the fact, only replaced.
  if (gen > emitted.gen || (final && final.kind !== 'error' && !text.startsWith(emitted.text)))
    abandon();
  if (final) return end(final);
  if (passages.length > 0 && passages !== emitted.passages)
    emit({ type: 'CUSTOM', name: 'chat.citations', value: { passages } });
  emitted.passages = passages;
  if (replyId !== null || text !== '') say();
  if (status !== null && status !== emitted.status)
    emit({ type: 'CUSTOM', name: 'chat.status', value: status });
  emitted.status = status;
}
