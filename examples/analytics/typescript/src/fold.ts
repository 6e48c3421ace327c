/** Aggregates events to rows; the order of the events does not matter. */

import type { Event, Feedback, Session, Turn } from './events.js';
import { type By, type Row, Tally } from './figures.js';

/** The key for events without a provider or document. */
const NONE = 'none';
/** The dimensions of the rows, in the order of the output. */
const BY: readonly By[] = ['day', 'provider', 'document'];

/** The events so far. The ids of all events and the times of all turns are kept in memory. */
export class Fold {
  private readonly seen = new Set<string>();
  private readonly tallies = new Map<string, Tally>();
  /** By message: a rating finds its document here, and a later rating the one it replaces. */
  private readonly turns = new Map<string, Turn>();
  private readonly ratings = new Map<string, Feedback>();

  /** Counts an event, unless it was counted before. */
  add(event: Event): void {
    const { type, detail } = event;
    if (this.seen.has(detail.metadata.id)) return;
    this.seen.add(detail.metadata.id);
    switch (type) {
      case 'Chat Message':
      case 'Chat Failed':
        this.each(detail, detail.provider, detail.document_id, (tally) => {
          tally.addTurn(detail, type === 'Chat Failed');
        });
        keepLatest(this.turns, detail);
        break;
      case 'Chat Feedback':
        keepLatest(this.ratings, detail);
        break;
      case 'Session Expired':
        this.each(detail, null, null, (tally) => (tally.counts.sessions_expired += 1));
        break;
      case 'Session Deleted':
        this.each(detail, null, null, (tally) => (tally.counts.sessions_deleted += 1));
    }
  }

  /** Returns the rows: days, providers, documents, each in the order of their keys. */
  rows(): Row[] {
    for (const [message, rating] of this.ratings) {
      const document = this.turns.get(message)?.document_id ?? null;
      this.each(rating, rating.provider, document, (tally) => tally.addRating(rating.rating));
    }
    this.ratings.clear();
    const inOrder = (a: Tally, b: Tally) =>
      BY.indexOf(a.by) - BY.indexOf(b.by) || compare(a.key, b.key);
    return [...this.tallies.values()].sort(inOrder).map((tally) => tally.row());
  }

  private each(
    detail: Session,
    provider: string | null,
    document: string | null,
    count: (tally: Tally) => void,
  ): void {
    const keys = { day: detail.timestamp.toISOString().slice(0, 10), provider, document };
    for (const by of BY) count(this.tally(by, keys[by] ?? NONE));
  }

  private tally(by: By, key: string): Tally {
    const place = `${by} ${key}`;
    const tally = this.tallies.get(place) ?? new Tally(by, key);
    this.tallies.set(place, tally);
    return tally;
  }
}

/** Keeps the latest detail of each message. */
function keepLatest<T extends Turn | Feedback>(kept: Map<string, T>, detail: T): void {
  const message = JSON.stringify([detail.session_key, detail.message_id]);
  const other = kept.get(message);
  if (!other || isLater(detail, other)) kept.set(message, detail);
}

function isLater(one: Session, other: Session): boolean {
  const apart = one.timestamp.getTime() - other.timestamp.getTime();
  return (apart || compare(one.metadata.id, other.metadata.id)) > 0;
}

/** Compares by code points. `<` compares UTF-16 units, which differs above U+FFFF. */
function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
