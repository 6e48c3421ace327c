/** The turns of one session as they are shown, from the moment the user sends a message until its final stands. */
import { type RuleTurn, storedFinal, type Final } from './rule/turn.js';
import type { TurnView } from './types.js';
import type { StoredTurn } from './wire.js';

/** The turns by message, and in order. */
export class Turns {
  readonly #byId = new Map<string, { view: TurnView; order: number }>();
  #made = 0;
  #list: readonly TurnView[] | null = [];

  /** Gives the turns: first those with a number, in order, then those without, in the order in which they were sent. */
  list(): readonly TurnView[] {
    this.#list ??= [...this.#byId.values()]
      .sort((a, b) => (a.view.turn ?? Infinity) - (b.view.turn ?? Infinity) || a.order - b.order)
      .map(({ view }) => view);
    return this.#list;
  }

  get(messageId: string): TurnView | undefined {
    return this.#byId.get(messageId)?.view;
  }

  /** Gives the turn before the first one whose message is not known here, or null. */
  missingAfter(): number | null {
    const first = this.list().find(({ message, turn }) => message === null && turn !== null);
    return first ? first.turn! - 1 : null;
  }

  change(messageId: string, change: Partial<TurnView>): void {
    const known = this.#byId.get(messageId);
    const view = known?.view ?? blank(messageId);
    if (known && isSame(view, change)) return;
    this.#byId.set(messageId, {
      view: { ...view, ...change },
      order: known?.order ?? (this.#made += 1),
    });
    this.#list = null;
  }

  remove(messageId: string): void {
    this.#byId.delete(messageId);
    this.#list = null;
  }

  clear(): void {
    this.#byId.clear();
    this.#list = [];
  }

  /** Takes what only the history knows: the users' messages, the times, and what context was used. */
  learn(turns: readonly StoredTurn[]): void {
    for (const { message_id: id, turn, message, context, created_at, finished_at } of turns) {
      const known = this.get(id);
      this.change(id, {
        turn,
        message,
        createdAt: created_at ?? null,
        finishedAt: finished_at ?? known?.finishedAt ?? null,
        ...(context && { context }),
        ...(known?.state !== 'done' && RUNNING),
        ...ACCEPTED,
      });
    }
  }

  /** Takes turns of the history as they are; their finals stand. */
  restore(turns: readonly StoredTurn[]): void {
    this.learn(turns);
    for (const stored of turns) {
      if (stored.state === 'done') this.change(stored.message_id, ended(storedFinal(stored)));
    }
  }

  /** Takes a turn that is not final, or may not be shown as final yet. */
  advance({ turn, runId, gen, text, status, final }: RuleTurn): void {
    if (runId === null) return;
    const shown = final ? {} : { text, gen, status };
    this.change(runId, { turn, ...shown, ...RUNNING, ...ACCEPTED });
  }

  /** Takes a turn whose final, and those of all turns before it, are known. */
  finish({ turn, runId, gen, final }: RuleTurn): void {
    if (runId === null || final === null) return;
    const known = this.get(runId);
    this.change(runId, {
      turn,
      gen: Math.max(gen, known?.gen ?? 0, 1),
      ...ended(final),
      context: final.context ?? known?.context ?? null,
      finishedAt: final.finishedAt ?? known?.finishedAt ?? null,
      ...ACCEPTED,
    });
  }

  /** Forgets what the server has; what it does not have yet is still the user's. */
  forget(): void {
    for (const [id, { view }] of this.#byId) {
      if (view.turn !== null) this.#byId.delete(id);
    }
    this.#list = null;
  }
}

// The server has the message, so whatever hindered it on its way is over.
const ACCEPTED = { retryAt: null } as const;
const RUNNING = { state: 'running', error: null } as const;

function ended(final: Final): Partial<TurnView> {
  const { eventUsage: _, ...shown } = final;
  return { ...shown, state: 'done', status: null };
}

function isSame(view: TurnView, change: Partial<TurnView>): boolean {
  return Object.entries(change).every(([name, value]) => view[name as keyof TurnView] === value);
}

function blank(messageId: string): TurnView {
  return {
    messageId,
    turn: null,
    message: null,
    documentId: null,
    state: 'waiting',
    kind: null,
    text: '',
    gen: 0,
    status: null,
    error: null,
    retryAt: null,
    finishReason: null,
    provider: null,
    model: null,
    usage: null,
    costMicroUsd: null,
    context: null,
    feedback: null,
    createdAt: null,
    finishedAt: null,
  };
}
