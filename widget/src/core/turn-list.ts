/** The turns of one session as the user sees them, from sending a message to its final reply. */
import { type RuleTurn, finalFromHistory, type TurnFinal } from './rule/turn.js';
import type { TurnView } from './types.js';
import { NO_PLACES, type StoredTurn } from './wire.js';

/** Creates an empty list: turns by message id, and in display order. */
export function createTurnList() {
  const byId = new Map<string, { view: TurnView; order: number }>();
  let made = 0;
  let sorted: readonly TurnView[] | null = [];

  /** Returns the turns: numbered ones in order, then the others in the order they were sent. */
  const list = (): readonly TurnView[] =>
    (sorted ??= [...byId.values()]
      .sort((a, b) => (a.view.turn ?? Infinity) - (b.view.turn ?? Infinity) || a.order - b.order)
      .map(({ view }) => view));

  const get = (messageId: string): TurnView | undefined => byId.get(messageId)?.view;

  const change = (messageId: string, change: Partial<TurnView>): void => {
    const known = byId.get(messageId);
    const view = known?.view ?? emptyView(messageId);
    if (known && hasAll(view, change)) return;
    byId.set(messageId, { view: { ...view, ...change }, order: known?.order ?? (made += 1) });
    sorted = null;
  };

  const mergeHistory = (turns: readonly StoredTurn[]): void => {
    for (const { message_id: id, turn, message, context, created_at, finished_at } of turns) {
      const known = get(id);
      change(id, {
        turn,
        message,
        createdAt: created_at ?? null,
        finishedAt: finished_at ?? known?.finishedAt ?? null,
        ...(context && { context }),
        ...(known?.state !== 'done' && RUNNING),
        ...ACCEPTED,
      });
    }
  };

  return {
    list,
    get,
    change,
    /**
     * Merges what only the history knows: the texts of messages, the times, and whether the
     * document was used. Finals in it are not shown yet; the client rule decides when they may be.
     */
    mergeHistory,

    /** Returns the turn before the first one whose message text is unknown, or null. */
    beforeUnknown(): number | null {
      const first = list().find(({ message, turn }) => message === null && turn !== null);
      return first ? first.turn! - 1 : null;
    },

    remove(messageId: string): void {
      byId.delete(messageId);
      sorted = null;
    },

    clear(): void {
      byId.clear();
      sorted = [];
    },

    /** Adds turns of the history as they are, with their finals. */
    restore(turns: readonly StoredTurn[]): void {
      mergeHistory(turns);
      for (const stored of turns) {
        if (stored.state === 'done')
          change(stored.message_id, finalFields(finalFromHistory(stored)));
      }
    },

    /** Updates a turn that is not final, or whose final has to wait for those before it. */
    advance({ turn, runId, gen, text, status, passages, final }: RuleTurn): void {
      if (runId === null) return;
      const shown = final ? {} : { text, gen, status, passages };
      change(runId, { turn, ...shown, ...RUNNING, ...ACCEPTED });
    },

    /** Completes a turn whose final, and the finals of all turns before it, are known. */
    finish({ turn, runId, gen, final }: RuleTurn): void {
      if (runId === null || final === null) return;
      const known = get(runId);
      change(runId, {
        turn,
        gen: Math.max(gen, known?.gen ?? 0, 1),
        ...finalFields(final),
        context: final.context ?? known?.context ?? null,
        finishedAt: final.finishedAt ?? known?.finishedAt ?? null,
        ...ACCEPTED,
      });
    },

    /** Removes the turns that the server had; messages that never reached it stay. */
    forget(): void {
      for (const [id, { view }] of byId) {
        if (view.turn !== null) byId.delete(id);
      }
      sorted = null;
    },
  };
}

/** See `createTurnList`. */
export type TurnList = ReturnType<typeof createTurnList>;

// The server has the message, so an earlier failure to send it no longer matters.
const ACCEPTED = { retryAt: null } as const;
const RUNNING = { state: 'running', error: null } as const;

function finalFields(final: TurnFinal): Partial<TurnView> {
  const { eventUsage: _, ...shown } = final;
  return { ...shown, state: 'done', status: null };
}

function hasAll(view: TurnView, change: Partial<TurnView>): boolean {
  return Object.entries(change).every(([name, value]) => view[name as keyof TurnView] === value);
}

function emptyView(messageId: string): TurnView {
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
    passages: NO_PLACES,
    citations: NO_PLACES,
    grounding: null,
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
