/**
 * What a client holds of one turn above its cursor: the text of its highest generation, and its final once known.
 * Values, never changed in place.
 */
import type {
  ContextUse,
  EventMetadata,
  EventUsage,
  TokenUsage,
  TurnError,
  TurnKind,
  TurnStatus,
} from '../types.js';
import { type Frame, parseStatus, type StoredTurn } from '../wire.js';

/** The committed end of a turn. */
export interface Final {
  readonly kind: TurnKind;
  readonly text: string;
  readonly error: TurnError | null;
  readonly finishReason: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly usage: TokenUsage | null;
  readonly costMicroUsd: number | null;
  readonly context: ContextUse | null;
  readonly finishedAt: string | null;
  /** As AG-UI tells it. */
  readonly eventUsage: readonly EventUsage[];
}

/** One turn above the cursor. */
export interface RuleTurn {
  readonly turn: number;
  /** The user's message, once a frame told it. */
  readonly runId: string | null;
  readonly gen: number;
  readonly text: string;
  readonly replyId: string | null;
  readonly status: TurnStatus | null;
  readonly final: Final | null;
  /** Its final exists, but was too large for a frame. */
  readonly withheld: boolean;
  readonly fetchedAt: number | null;
}

/** What became of a turn by a frame. */
export interface Applied {
  readonly turn: RuleTurn;
  /** Text before the frame is missing. */
  readonly gap?: boolean;
  /** The final has to be fetched. */
  readonly withheld?: boolean;
}

/** Gives the record of a turn of which nothing has come yet. */
export function unseen(turn: number): RuleTurn {
  return {
    turn,
    runId: null,
    gen: 0,
    text: '',
    replyId: null,
    status: null,
    final: null,
    withheld: false,
    fetchedAt: null,
  };
}

/** Applies a frame to a turn that is not final. */
export function applyFrame(turn: RuleTurn, frame: Frame, metadata: EventMetadata): Applied {
  switch (frame.type) {
    case 'RUN_FINISHED':
      return finished(turn, frame, metadata);
    case 'RUN_ERROR':
      return { turn: failed(turn, frame, metadata) };
    default:
      return metadata.gen < turn.gen
        ? { turn }
        : advanced(inGeneration(turn, metadata.gen), frame, metadata);
  }
}

/** Applies a turn as the history tells it. */
export function fromHistory(turn: RuleTurn, stored: StoredTurn): RuleTurn {
  const known = { ...turn, runId: stored.message_id };
  if (stored.state !== 'done') return known;
  const final = storedFinal(stored);
  return { ...known, text: final.text, status: null, withheld: false, final };
}

/** Gives the final of a turn of the history that is done. */
export function storedFinal(stored: StoredTurn): Final {
  const { provider, model, usage } = stored;
  const tokens = usage
    ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
    : null;
  return {
    kind: stored.kind ?? 'reply',
    text: stored.text ?? '',
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

function advanced(turn: RuleTurn, frame: Frame, { offset }: EventMetadata): Applied {
  switch (frame.type) {
    case 'RUN_STARTED':
      return { turn: { ...turn, runId: frame.runId ?? turn.runId } };
    case 'TEXT_MESSAGE_START':
      return { turn: named(turn, frame.messageId) };
    case 'TEXT_MESSAGE_CONTENT':
      return appended(turn, frame, offset);
    case 'CUSTOM':
      return {
        turn: frame.name === 'chat.status' ? { ...turn, status: parseStatus(frame.value) } : turn,
      };
    default:
      return { turn };
  }
}

// A higher generation begins with an empty text: what an earlier one said is no part of it.
function inGeneration(turn: RuleTurn, gen: number): RuleTurn {
  return gen > turn.gen ? { ...turn, gen, text: '', replyId: null, status: null } : turn;
}

// Offsets count UTF-16 code units, as JavaScript's strings do.
function appended(
  turn: RuleTurn,
  { delta, messageId }: Frame,
  offset: number | undefined,
): Applied {
  if (typeof delta !== 'string' || !Number.isSafeInteger(offset) || offset! < 0) return { turn };
  if (offset! > turn.text.length) return { turn, gap: true };
  const news = delta.slice(turn.text.length - offset!);
  return { turn: { ...named(turn, messageId), text: turn.text + news, status: null } };
}

// A reply is named after its run and generation, so it tells the run if RUN_STARTED was lost.
function named(turn: RuleTurn, replyId: string | undefined): RuleTurn {
  if (typeof replyId !== 'string') return turn;
  const suffix = `.${turn.gen}`;
  const runId = replyId.endsWith(suffix) ? replyId.slice(0, -suffix.length) : null;
  return { ...turn, replyId, runId: turn.runId ?? runId };
}

function finished(turn: RuleTurn, frame: Frame, metadata: EventMetadata): Applied {
  const runId = frame.runId ?? turn.runId;
  if (!frame.result)
    return { turn: { ...inGeneration(turn, metadata.gen), runId }, withheld: true };
  const kind = metadata.finishReason === 'cancelled' ? 'cancelled' : 'reply';
  const { text, messageId: replyId } = frame.result;
  return {
    turn: frozen({ ...turn, gen: metadata.gen, runId, replyId }, frame, metadata, {
      kind,
      text,
      error: null,
    }),
  };
}

function failed(turn: RuleTurn, frame: Frame, metadata: EventMetadata): RuleTurn {
  const runId = metadata.messageId ?? frame.runId ?? turn.runId;
  const error = { code: frame.code ?? 'unavailable', message: frame.message ?? '' };
  return frozen({ ...turn, gen: metadata.gen, runId }, frame, metadata, {
    kind: 'error',
    text: '',
    error,
  });
}

type Outcome = Pick<Final, 'kind' | 'text' | 'error'>;

function frozen(
  turn: RuleTurn,
  frame: Frame,
  metadata: NonNullable<Frame['metadata']>,
  outcome: Outcome,
): RuleTurn {
  const usage = Array.isArray(frame.usage) ? frame.usage : [];
  const [first] = usage;
  const final: Final = {
    ...outcome,
    finishReason: metadata.finishReason ?? null,
    provider: first?.provider ?? null,
    model: first?.model ?? null,
    usage: first
      ? { inputTokens: sum(usage, 'inputTokens'), outputTokens: sum(usage, 'outputTokens') }
      : null,
    costMicroUsd: metadata.costMicroUsd ?? null,
    context: metadata.context ?? null,
    finishedAt: null,
    eventUsage: usage,
  };
  return { ...turn, text: outcome.text, status: null, withheld: false, final };
}

function sum(usage: readonly EventUsage[], what: 'inputTokens' | 'outputTokens'): number {
  return usage.reduce((total, one) => total + (one[what] ?? 0), 0);
}
