/**
 * What the client knows about one turn above its cursor: the text of its highest generation, and
 * its final once that is known.
 *
 * Turns are immutable values; each function returns a new one.
 */
import type {
  Citation,
  EventMetadata,
  EventUsage,
  Passage,
  TurnKind,
  TurnStatus,
  TurnView,
} from '../types.js';
import {
  type CitedResult,
  type Frame,
  NO_PLACES,
  parsePlaces,
  parseStatus,
  type StoredTurn,
} from '../wire.js';

/** What a final says about its reply, in the form that the public state shows. */
type FinalFields = Pick<
  TurnView,
  | 'text'
  | 'citations'
  | 'grounding'
  | 'error'
  | 'finishReason'
  | 'provider'
  | 'model'
  | 'usage'
  | 'costMicroUsd'
  | 'context'
  | 'finishedAt'
>;

/** The committed result of a turn. */
export interface TurnFinal extends FinalFields {
  readonly kind: TurnKind;
  /** The usage in the form of AG-UI events. */
  readonly eventUsage: readonly EventUsage[];
}

/** One turn above the cursor. */
export interface RuleTurn {
  readonly turn: number;
  /** The id of the user's message, once known. */
  readonly runId: string | null;
  readonly gen: number;
  readonly text: string;
  readonly replyId: string | null;
  readonly status: TurnStatus | null;
  /** What the numbers in the marks of this generation mean. */
  readonly passages: readonly Passage[];
  readonly final: TurnFinal | null;
  /** The final exists but was too large for a frame, and has to be fetched from the history. */
  readonly withheld: boolean;
  /** When the history was last asked for it. */
  readonly fetchedAt: number | null;
}

/** A turn after a frame, and what is missing. */
export interface FrameEffect {
  readonly turn: RuleTurn;
  /** Text before this frame is missing. */
  readonly gap?: boolean;
  /** The final has to be fetched. */
  readonly withheld?: boolean;
}

/** Returns a turn of which nothing is known but its number. */
export function emptyTurn(turn: number): RuleTurn {
  return {
    turn,
    runId: null,
    gen: 0,
    text: '',
    replyId: null,
    status: null,
    passages: NO_PLACES,
    final: null,
    withheld: false,
    fetchedAt: null,
  };
}

/**
 * Applies a frame to a turn that is not final.
 *
 * A final is valid whatever its generation, because it is committed. Everything else counts only if
 * its generation is not lower than the one already shown: frames of an abandoned attempt can still
 * arrive after the next attempt has started.
 */
export function applyFrame(turn: RuleTurn, frame: Frame, metadata: EventMetadata): FrameEffect {
  switch (frame.type) {
    case 'RUN_FINISHED':
      return applyRunFinished(turn, frame, metadata);
    case 'RUN_ERROR':
      return { turn: applyRunError(turn, frame, metadata) };
    default:
      return metadata.gen < turn.gen
        ? { turn }
        : applyProgress(enterGeneration(turn, metadata.gen), frame, metadata);
  }
}

/** Applies a turn of the history. */
export function applyStoredTurn(turn: RuleTurn, stored: StoredTurn): RuleTurn {
  const known = { ...turn, runId: stored.message_id };
  if (stored.state !== 'done') return known;
  const final = finalFromHistory(stored);
  return { ...known, text: final.text, status: null, withheld: false, final };
}

/** Returns the final of a completed turn of the history. */
export function finalFromHistory(stored: StoredTurn): TurnFinal {
  const { provider, model, usage } = stored;
  const tokens = usage
    ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
    : null;
  return {
    kind: stored.kind ?? 'reply',
    text: stored.text ?? '',
    ...sourcesOf(stored),
    error: stored.error ?? null,
    finishReason: stored.finish_reason ?? null,
    provider: provider ?? null,
    model: model ?? null,
    usage: tokens,
    costMicroUsd: stored.cost_micro_usd ?? null,
    context: stored.context ?? null,
    finishedAt: stored.finished_at ?? null,
    eventUsage: provider ? [{ provider, ...(model && { model }), ...tokens }] : [],
  };
}

function applyProgress(turn: RuleTurn, frame: Frame, { offset }: EventMetadata): FrameEffect {
  switch (frame.type) {
    case 'RUN_STARTED':
      return { turn: { ...turn, runId: frame.runId ?? turn.runId } };
    case 'TEXT_MESSAGE_START':
      return { turn: withReplyId(turn, frame.messageId) };
    case 'TEXT_MESSAGE_CONTENT':
      return appendDelta(turn, frame, offset);
    case 'CUSTOM':
      return { turn: applyCustom(turn, frame) };
    default:
      return { turn };
  }
}

function applyCustom(turn: RuleTurn, { name, value }: Frame): RuleTurn {
  if (name === 'chat.status') return { ...turn, status: parseStatus(value) };
  // The passages of a generation never change; `resume` repeats them.
  return name === 'chat.citations' && turn.passages.length === 0
    ? { ...turn, passages: parsePlaces((value as { passages?: unknown } | undefined)?.passages) }
    : turn;
}

// A higher generation starts with an empty text: an earlier attempt is not part of the reply.
function enterGeneration(turn: RuleTurn, gen: number): RuleTurn {
  return gen > turn.gen
    ? { ...turn, gen, text: '', replyId: null, status: null, passages: NO_PLACES }
    : turn;
}

// Offsets are in UTF-16 code units, as in JavaScript strings. A delta may overlap the text (it was
// sent twice, or `resume` repeated the beginning), so only the part beyond the end is appended. One
// that starts beyond the end proves a loss: appending it would join text that does not belong
// together.
function appendDelta(
  turn: RuleTurn,
  { delta, messageId }: Frame,
  offset: number | undefined,
): FrameEffect {
  if (typeof delta !== 'string' || !Number.isSafeInteger(offset) || offset! < 0) return { turn };
  if (offset! > turn.text.length) return { turn, gap: true };
  const news = delta.slice(turn.text.length - offset!);
  return { turn: { ...withReplyId(turn, messageId), text: turn.text + news, status: null } };
}

// Reply ids have the form `<run>.<generation>`, so they also name the run if RUN_STARTED was lost.
function withReplyId(turn: RuleTurn, replyId: string | undefined): RuleTurn {
  if (typeof replyId !== 'string') return turn;
  const suffix = `.${turn.gen}`;
  const runId = replyId.endsWith(suffix) ? replyId.slice(0, -suffix.length) : null;
  return { ...turn, replyId, runId: turn.runId ?? runId };
}

function applyRunFinished(turn: RuleTurn, frame: Frame, metadata: EventMetadata): FrameEffect {
  const runId = frame.runId ?? turn.runId;
  if (!frame.result)
    return { turn: { ...enterGeneration(turn, metadata.gen), runId }, withheld: true };
  const kind = metadata.finishReason === 'cancelled' ? 'cancelled' : 'reply';
  const { text, messageId: replyId } = frame.result;
  return {
    turn: finalize({ ...turn, gen: metadata.gen, runId, replyId }, frame, metadata, {
      kind,
      text,
      ...sourcesOf(frame.result),
      error: null,
    }),
  };
}

function applyRunError(turn: RuleTurn, frame: Frame, metadata: EventMetadata): RuleTurn {
  const runId = metadata.messageId ?? frame.runId ?? turn.runId;
  const error = { code: frame.code ?? 'unavailable', message: frame.message ?? '' };
  return finalize({ ...turn, gen: metadata.gen, runId }, frame, metadata, {
    kind: 'error',
    text: '',
    ...sourcesOf({}),
    error,
  });
}

type FinalOutcome = Pick<TurnFinal, 'kind' | 'text' | 'citations' | 'grounding' | 'error'>;

function sourcesOf({ citations, grounding }: CitedResult) {
  return { citations: parsePlaces<Citation>(citations), grounding: grounding ?? null };
}

function finalize(
  turn: RuleTurn,
  frame: Frame,
  metadata: NonNullable<Frame['metadata']>,
  outcome: FinalOutcome,
): RuleTurn {
  const usage = Array.isArray(frame.usage) ? frame.usage : [];
  const [first] = usage;
  const final: TurnFinal = {
    ...outcome,
    finishReason: metadata.finishReason ?? null,
    provider: first?.provider ?? null,
    model: first?.model ?? null,
    usage: first
      ? {
          inputTokens: sumTokens(usage, 'inputTokens'),
          outputTokens: sumTokens(usage, 'outputTokens'),
        }
      : null,
    costMicroUsd: metadata.costMicroUsd ?? null,
    context: metadata.context ?? null,
    finishedAt: null,
    eventUsage: usage,
  };
  return { ...turn, text: outcome.text, status: null, withheld: false, final };
}

function sumTokens(usage: readonly EventUsage[], what: 'inputTokens' | 'outputTokens'): number {
  return usage.reduce((total, one) => total + (one[what] ?? 0), 0);
}
