/** Writes one run as AG-UI events, in the order and with the fields that AG-UI clients require. */
import { EventType, type BaseEvent, type Message } from '@ag-ui/client';
import type { RunListener } from '../adapter/follow-run.js';
import type { Passage, TurnStatus, TurnView } from '../core/types.js';

/** The context of a run. */
export interface RunContext {
  readonly threadId: string;
  readonly runId: string;
  /** The messages that the client shows before the reply. */
  readonly before: readonly Message[];
  /** Whether the client accepts `outcome: cancelled`, as 1.0 does and 0.0 does not. */
  readonly knowsOutcome: boolean;
}

/** Passes the events of a run to `next`, and calls `done` after the last one. */
export class RunWriter implements RunListener {
  #open: string | null = null;
  #isStarted = false;

  constructor(
    private readonly context: RunContext,
    private readonly next: (event: BaseEvent) => void,
    private readonly done: () => void,
  ) {}

  /** Opens the run; calling it again does nothing. */
  started(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { threadId, runId } = this.context;
    this.#emit({ type: EventType.RUN_STARTED, threadId, runId });
  }

  status(status: TurnStatus): void {
    this.#emit({ type: EventType.CUSTOM, name: 'chat.status', value: { ...status } });
  }

  passages(passages: readonly Passage[]): void {
    this.#emit({ type: EventType.CUSTOM, name: 'chat.citations', value: { passages } });
  }

  text(id: string, delta: string): void {
    if (this.#open !== id) {
      this.#close();
      this.#emit({ type: EventType.TEXT_MESSAGE_START, messageId: id, role: 'assistant' });
      this.#open = id;
    }
    this.#emit({ type: EventType.TEXT_MESSAGE_CONTENT, messageId: id, delta });
  }

  restarted(): void {
    this.#close();
    this.snapshot(this.context.before);
  }

  /** Replaces the messages that the client shows. */
  snapshot(messages: readonly Message[]): void {
    this.#emit({ type: EventType.MESSAGES_SNAPSHOT, messages: [...messages] });
  }

  finished(turn: TurnView): void {
    const messageId = this.#open;
    this.#close();
    const { knowsOutcome } = this.context;
    const { text, citations, grounding } = turn;
    const cancelled =
      turn.kind === 'cancelled' && knowsOutcome ? { outcome: { type: 'cancelled' } } : {};
    this.#finish({
      result: { messageId, text, ...(grounding && { citations, grounding }) },
      usage: usageOf(turn),
      metadata: metadataOf(turn),
      ...cancelled,
    });
  }

  /** Finishes a run without a reply. */
  finishedEmpty(): void {
    this.#finish({});
  }

  failed({ code, message }: { readonly code: string; readonly message: string }): void {
    this.started();
    this.#close();
    this.#emit({ type: EventType.RUN_ERROR, message, code });
    this.done();
  }

  #finish(more: object): void {
    const { threadId, runId } = this.context;
    this.#emit({ type: EventType.RUN_FINISHED, threadId, runId, ...more });
    this.done();
  }

  #close(): void {
    if (this.#open === null) return;
    this.#emit({ type: EventType.TEXT_MESSAGE_END, messageId: this.#open });
    this.#open = null;
  }

  #emit(event: { readonly type: EventType; readonly [field: string]: unknown }): void {
    this.next(event as BaseEvent);
  }
}

function usageOf({ provider, model, usage }: TurnView): object[] {
  if (!usage) return [];
  const { inputTokens, outputTokens } = usage;
  return [
    {
      ...(provider !== null && { provider }),
      ...(model !== null && { model }),
      inputTokens,
      outputTokens,
    },
  ];
}

function metadataOf(view: TurnView): object {
  const { turn, gen, messageId, finishReason, costMicroUsd, context } = view;
  const known = Object.entries({ turn, gen, messageId, finishReason, costMicroUsd, context });
  return Object.fromEntries(known.filter(([, value]) => value !== null));
}
