/** One run as AG-UI events, in the order and with the fields that its clients insist on. */
import { EventType, type BaseEvent, type Message } from '@ag-ui/client';
import type { RunListener } from '../adapter/follow-run.js';
import type { TurnStatus, TurnView } from '../core/types.js';

/** What a run is told with. */
export interface RunContext {
  readonly threadId: string;
  readonly runId: string;
  /** What the client shows before the reply. */
  readonly before: readonly Message[];
  /** Whether the client takes `outcome: cancelled`, as 1.0 does and 0.0 does not. */
  readonly knowsOutcome: boolean;
}

/** Writes a run as events to `next`; `done` is called after the last one. */
export class RunWriter implements RunListener {
  #open: string | null = null;
  #isStarted = false;

  constructor(
    private readonly setting: RunContext,
    private readonly next: (event: BaseEvent) => void,
    private readonly done: () => void,
  ) {}

  /** Opens the run; harmless to repeat. */
  started(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { threadId, runId } = this.setting;
    this.#emit({ type: EventType.RUN_STARTED, threadId, runId });
  }

  status(status: TurnStatus): void {
    this.#emit({ type: EventType.CUSTOM, name: 'chat.status', value: { ...status } });
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
    this.snapshot(this.setting.before);
  }

  /** Replaces what the client shows. */
  snapshot(messages: readonly Message[]): void {
    this.#emit({ type: EventType.MESSAGES_SNAPSHOT, messages: [...messages] });
  }

  finished(turn: TurnView): void {
    const messageId = this.#open;
    this.#close();
    const { knowsOutcome } = this.setting;
    const cancelled =
      turn.kind === 'cancelled' && knowsOutcome ? { outcome: { type: 'cancelled' } } : {};
    this.#finish({
      result: { messageId, text: turn.text },
      usage: usageOf(turn),
      metadata: metadataOf(turn),
      ...cancelled,
    });
  }

  /** Ends a run in which nothing was asked. */
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
    const { threadId, runId } = this.setting;
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
