/** Writes one run as message chunks of the AI SDK. */
import type { FinishReason, UIMessageChunk } from 'ai';
import type { RunListener } from '../adapter/follow-run.js';
import type { TurnStatus, TurnView } from '../core/types.js';
import type { ChatbotMetadata } from './messages.js';
import { metadataOf, sourcesOf, uiReplyId } from './messages.js';

const FINISH_REASONS: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  refusal: 'content-filter',
  content_filter: 'content-filter',
  error: 'error',
};

/** A chunk of a message of the chatbot. */
export type ChatbotChunk = UIMessageChunk<ChatbotMetadata, { status: TurnStatus }>;

/** Passes the chunks of a run to `next`, and calls `done` after the last one. */
export class ChunkWriter implements RunListener {
  #open: string | null = null;

  constructor(
    private readonly next: (chunk: ChatbotChunk) => void,
    private readonly done: () => void,
  ) {}

  started(turn: TurnView): void {
    this.next({ type: 'start', messageId: uiReplyId(turn) });
    this.next({ type: 'start-step' });
  }

  status(data: TurnStatus): void {
    this.next({ type: 'data-status', data, transient: true });
  }

  text(id: string, delta: string): void {
    if (this.#open === null) this.next({ type: 'text-start', id });
    this.#open = id;
    this.next({ type: 'text-delta', id, delta });
  }

  restarted(): void {
    this.#close();
    this.next({ type: 'reset-step' });
    this.next({ type: 'start-step' });
  }

  finished(turn: TurnView): void {
    this.#close();
    for (const source of sourcesOf(turn)) this.next(source);
    this.next({ type: 'message-metadata', messageMetadata: metadataOf(turn) });
    if (turn.kind === 'cancelled') {
      this.next({ type: 'abort' });
    } else {
      this.next({ type: 'finish-step' });
      this.next({
        type: 'finish',
        finishReason: FINISH_REASONS[turn.finishReason ?? ''] ?? 'other',
      });
    }
    this.done();
  }

  failed({ message }: { readonly message: string }): void {
    this.#close();
    this.next({ type: 'error', errorText: message });
    this.done();
  }

  #close(): void {
    if (this.#open !== null) this.next({ type: 'text-end', id: this.#open });
    this.#open = null;
  }
}
