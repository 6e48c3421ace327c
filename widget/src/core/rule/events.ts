/**
 * The AG-UI events of the turn after the cursor, told once and in order.
 *
 * They follow from what is known of the turn and what has been told of it, so losses, repeats and reorders of frames
 * never reach a consumer.
 */
import type { ChatEvent, EventMetadata } from '../types.js';
import type { Action, RuleState } from './state.js';
import type { Final, RuleTurn } from './turn.js';

/** What has been told of one turn. */
export interface Told {
  readonly turn: number;
  readonly gen: number;
  /** The message that is open, and what was said of it. */
  readonly messageId: string | null;
  readonly text: string;
  /** A message was given up, which the next one replaces. */
  readonly restart: boolean;
  readonly status: unknown;
}

/** Gives the record of a turn of which nothing has been told. */
export function nothingTold(turn: number): Told {
  return { turn, gen: 0, messageId: null, text: '', restart: false, status: null };
}

/** Tells what is new of a turn, whose predecessors are all final and told. */
export function tell(
  state: RuleState,
  { turn, runId, gen, replyId, text, status, final }: RuleTurn,
  actions: Action[],
): void {
  if (runId === null) return;
  const run = { threadId: state.thread, runId };
  const isNew = state.told.turn !== turn;
  const told = { ...(isNew ? nothingTold(turn) : state.told) };
  state.told = told;

  const emit = (event: object, more: object = {}) => {
    const metadata: EventMetadata = { turn, gen: Math.max(gen, told.gen, 1), ...more };
    actions.push({ type: 'event', event: { ...event, metadata } as ChatEvent });
  };
  const close = (more: object = {}) => {
    if (told.messageId !== null)
      emit({ type: 'TEXT_MESSAGE_END', messageId: told.messageId }, more);
  };
  // Ends what was said; the next message replaces it.
  const abandon = () => {
    close({ gen: Math.max(told.gen, 1), abandoned: true });
    told.restart ||= told.messageId !== null;
    Object.assign(told, { messageId: null, text: '', gen });
  };
  const say = () => {
    if (told.messageId === null) {
      told.gen = gen;
      told.messageId = replyId ?? `${runId}.${gen || 1}`;
      const start = { type: 'TEXT_MESSAGE_START', messageId: told.messageId, role: 'assistant' };
      emit(start, told.restart ? { restart: true } : {});
    }
    const delta = text.slice(told.text.length);
    if (delta !== '')
      emit(
        { type: 'TEXT_MESSAGE_CONTENT', messageId: told.messageId, delta },
        { offset: told.text.length },
      );
    told.text = text;
  };
  const end = ({ kind, error, eventUsage: usage, finishReason, costMicroUsd }: Final) => {
    const facts = {
      ...(finishReason && { finishReason }),
      ...(costMicroUsd !== null && { costMicroUsd }),
    };
    if (kind !== 'error') {
      say();
      close();
      emit(
        { type: 'RUN_FINISHED', ...run, result: { messageId: told.messageId, text }, usage },
        facts,
      );
    } else {
      close();
      emit(
        { type: 'RUN_ERROR', ...run, code: error?.code, message: error?.message },
        { ...facts, messageId: runId },
      );
    }
  };

  if (isNew) emit({ type: 'RUN_STARTED', ...run });
  // A final's text is what counts, whatever was said before.
  if (gen > told.gen || (final && final.kind !== 'error' && !text.startsWith(told.text))) abandon();
  if (final) return end(final);
  if (replyId !== null || text !== '') say();
  if (status !== null && status !== told.status)
    emit({ type: 'CUSTOM', name: 'chat.status', value: status });
  told.status = status;
}
