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
  readonly started: boolean;
  readonly gen: number;
  /** The message that is open. */
  readonly messageId: string | null;
  readonly text: string;
  readonly restarted: boolean;
  readonly status: unknown;
}

/** Gives the record of a turn of which nothing has been told. */
export function nothingTold(turn: number): Told {
  return { turn, started: false, gen: 0, messageId: null, text: '', restarted: false, status: null };
}

/** Tells what is new of a turn, whose predecessors are all final and told. */
export function tell(state: RuleState, turn: RuleTurn, actions: Action[]): void {
  if (turn.runId === null) return;
  const known = state.told.turn === turn.turn ? state.told : nothingTold(turn.turn);
  const teller = new Teller(state.thread, turn, turn.runId, known, actions);
  teller.start();
  if (turn.final) teller.end(turn.final);
  else teller.advance();
  state.told = teller.told;
}

class Teller {
  constructor(
    private readonly thread: string,
    private readonly turn: RuleTurn,
    private readonly runId: string,
    public told: Told,
    private readonly actions: Action[],
  ) {}

  start(): void {
    if (this.told.started) return;
    this.emit({ type: 'RUN_STARTED', threadId: this.thread, runId: this.runId, metadata: this.metadata() });
    this.note({ started: true });
  }

  advance(): void {
    const { turn } = this;
    if (turn.gen > this.told.gen) this.abandon();
    if (turn.replyId !== null || turn.text !== '') this.say(turn.text);
    if (turn.status === this.told.status) return;
    if (turn.status) this.emit({ type: 'CUSTOM', name: 'chat.status', value: turn.status, metadata: this.metadata() });
    this.note({ status: turn.status });
  }

  end(final: Final): void {
    if (final.kind === 'error') return this.fail(final);
    const { messageId, text: told } = this.told;
    // A final may be another generation's, and its text is what counts.
    if (messageId !== null && (this.gen() > this.told.gen || !final.text.startsWith(told))) this.abandon();
    this.say(final.text);
    this.close();
    const result = { messageId: this.replyId(), text: final.text };
    const metadata = this.finalMetadata(final);
    const run = { threadId: this.thread, runId: this.runId };
    this.emit({ type: 'RUN_FINISHED', ...run, result, usage: final.eventUsage, metadata });
  }

  private fail(final: Final): void {
    this.close();
    const { code, message } = final.error ?? { code: 'unavailable', message: '' };
    const metadata = { ...this.finalMetadata(final), messageId: this.runId };
    this.emit({ type: 'RUN_ERROR', threadId: this.thread, runId: this.runId, message, code, metadata });
  }

  // Ends what an earlier generation said; the next message replaces it.
  private abandon(): void {
    const { messageId, gen } = this.told;
    if (messageId !== null) {
      const metadata = { turn: this.turn.turn, gen, abandoned: true } as const;
      this.emit({ type: 'TEXT_MESSAGE_END', messageId, metadata });
    }
    this.note({ gen: this.gen(), messageId: null, text: '', restarted: this.told.restarted || messageId !== null });
  }

  private say(text: string): void {
    if (this.told.messageId === null) this.open();
    const offset = this.told.text.length;
    if (text.length <= offset) return;
    const metadata = { ...this.metadata(), offset };
    this.emit({ type: 'TEXT_MESSAGE_CONTENT', messageId: this.told.messageId!, delta: text.slice(offset), metadata });
    this.note({ text });
  }

  private open(): void {
    const messageId = this.replyId();
    const metadata = this.told.restarted ? ({ ...this.metadata(), restart: true } as const) : this.metadata();
    this.emit({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant', metadata });
    this.note({ messageId, gen: this.gen() });
  }

  private close(): void {
    const { messageId } = this.told;
    if (messageId === null) return;
    this.emit({ type: 'TEXT_MESSAGE_END', messageId, metadata: this.metadata() });
    this.note({ messageId: null });
  }

  private gen(): number {
    return Math.max(this.turn.gen, this.told.gen, 1);
  }

  private replyId(): string {
    return this.told.messageId ?? this.turn.replyId ?? `${this.runId}.${this.gen()}`;
  }

  private metadata(): EventMetadata {
    return { turn: this.turn.turn, gen: this.gen() };
  }

  private finalMetadata({ finishReason, costMicroUsd }: Final): EventMetadata {
    return {
      ...this.metadata(),
      ...(finishReason !== null && { finishReason }),
      ...(costMicroUsd !== null && { costMicroUsd }),
    };
  }

  private emit(event: ChatEvent): void {
    this.actions.push({ type: 'event', event });
  }

  private note(change: Partial<Told>): void {
    this.told = { ...this.told, ...change };
  }
}
