/** One run of a conversation, told as it goes: what every adapter for somebody else's front end builds on. */
import { ChatError } from '../core/index.js';
import type { ChatClient, TurnStatus, TurnView } from '../core/types.js';

/** What becomes of a run. Exactly one of `finished` and `failed` is called, once, and nothing after it. */
export interface RunListener {
  /** The server has the message; called at most once, before everything else but `failed`. */
  started(turn: TurnView): void;
  status(status: TurnStatus): void;
  /** More text of the reply `id`; the first piece of an id opens it. */
  text(id: string, delta: string): void;
  /** The text so far does not count any more; what follows has another id. */
  restarted(): void;
  /** The reply is final, cancelled or not; its whole text has been told. */
  finished(turn: TurnView): void;
  failed(error: { readonly code: string; readonly message: string }): void;
}

/**
 * Follows the run of `messageId` from its beginning, also when it began before, and returns how to leave it.
 *
 * Leaving does not stop the reply.
 */
export function followRun(
  client: ChatClient,
  messageId: string,
  listener: RunListener,
): () => void {
  const follower = new RunFollower(client, messageId, listener);
  return () => follower.leave();
}

/** Gives the AG-UI id of a turn's reply. */
export function replyId({ messageId, gen }: TurnView): string {
  return `${messageId}.${Math.max(gen, 1)}`;
}

class RunFollower {
  #isStarted = false;
  #isOver = false;
  #id: string | null = null; // the reply that is open
  #text = '';
  #status: TurnStatus | null = null;
  readonly #unfollow: (() => void)[];

  constructor(
    private readonly client: ChatClient,
    private readonly messageId: string,
    private readonly listener: RunListener,
  ) {
    // Events come only once every turn before is final; what they stand for is in the state.
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
    // Absent while the constructor runs.
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
      return this.#fail(turn.error ?? { code: 'unavailable', message: 'There is no answer.' });
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
