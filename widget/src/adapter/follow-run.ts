/** Follows one run of a conversation; the base of the adapters for other front ends. */
import { ChatError } from '../core/index.js';
import type { ChatClient, Passage, TurnStatus, TurnView } from '../core/types.js';

/** Receives the progress of a run. It ends with exactly one call of `finished` or `failed`. */
export interface RunListener {
  /** The server has the message. Called at most once, and before anything but `failed`. */
  started(turn: TurnView): void;
  status(status: TurnStatus): void;
  /** What the numbers in the marks of the reply mean, before the text that contains them. */
  passages?(passages: readonly Passage[]): void;
  /** More text of the reply `id`; the first piece with a new id opens it. */
  text(id: string, delta: string): void;
  /** The text so far is discarded; what follows has another id. */
  restarted(): void;
  /** The reply is final, whether complete or cancelled; all of its text has been passed on. */
  finished(turn: TurnView): void;
  failed(error: { readonly code: string; readonly message: string }): void;
}

/**
 * Follows the run of `messageId` from its beginning, even if it started earlier.
 *
 * Returns a function that stops following; it does not stop the reply.
 */
export function followRun(
  client: ChatClient,
  messageId: string,
  listener: RunListener,
): () => void {
  const follower = new RunFollower(client, messageId, listener);
  return () => follower.leave();
}

/** Returns the AG-UI id of the reply to a turn. */
export function replyId({ messageId, gen }: TurnView): string {
  return `${messageId}.${Math.max(gen, 1)}`;
}

class RunFollower {
  #isStarted = false;
  #isOver = false;
  #id: string | null = null; // the id of the open reply
  #text = '';
  #status: TurnStatus | null = null;
  #passages: readonly Passage[] = [];
  readonly #unfollow: (() => void)[];

  constructor(
    private readonly client: ChatClient,
    private readonly messageId: string,
    private readonly listener: RunListener,
  ) {
    // Events are emitted only once all earlier turns are final, so they say when this run may be
    // shown. What to show is taken from the state, which also has what came before following began.
    const events = client.onEvent((event) => {
      if (event.type === 'CUSTOM' && event.name === 'chat.forgotten') return this.#sessionEnded();
      const turn = this.#turn();
      if (turn && event.metadata.turn === turn.turn) this.#catchUp(turn);
    });
    this.#unfollow = [events, client.subscribe(() => this.#changed())];
    const turn = this.#turn();
    if (turn?.state === 'running') this.#catchUp(turn);
    else this.#changed();
  }

  leave(): void {
    this.#isOver = true;
    // Not set yet if the run turns out to be over while the constructor is still running.
    for (const unfollow of this.#unfollow ?? []) unfollow();
  }

  #changed(): void {
    const turn = this.#turn();
    if (!turn) return this.#isStarted ? this.#sessionEnded() : undefined;
    if (turn.state === 'done') this.#catchUp(turn);
    if (turn.state === 'failed' && turn.error) this.#fail(turn.error);
  }

  #catchUp(turn: TurnView): void {
    if (this.#isOver) return;
    this.#start(turn);
    const id = replyId(turn);
    if (this.#id !== null && (this.#id !== id || !turn.text.startsWith(this.#text)))
      this.#restart();
    if (turn.passages.length > 0 && turn.passages !== this.#passages)
      this.listener.passages?.(turn.passages);
    this.#passages = turn.passages;
    if (turn.text.length > this.#text.length) this.#extend(id, turn.text);
    if (turn.state === 'done') return this.#end(turn);
    if (turn.status && turn.status !== this.#status) this.listener.status(turn.status);
    this.#status = turn.status;
  }

  #start(turn: TurnView): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.listener.started(turn);
  }

  #restart(): void {
    this.#id = null;
    this.#text = '';
    this.listener.restarted();
  }

  #extend(id: string, text: string): void {
    const delta = text.slice(this.#text.length);
    this.#id = id;
    this.#text = text;
    this.listener.text(id, delta);
  }

  #end(turn: TurnView): void {
    if (turn.kind === 'error')
      return this.#fail(turn.error ?? { code: 'unavailable', message: 'The reply failed.' });
    this.leave();
    this.listener.finished(turn);
  }

  #fail(error: { readonly code: string; readonly message: string }): void {
    if (this.#isOver) return;
    this.leave();
    this.listener.failed(error);
  }

  #sessionEnded(): void {
    this.#fail(new ChatError(404, 'not_found', 'The conversation has ended.'));
  }

  #turn(): TurnView | undefined {
    return this.client.getState().turns.find((turn) => turn.messageId === this.messageId);
  }
}
