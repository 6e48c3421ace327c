/** The figures of one day, provider or document. */

import type { Turn } from './events.js';

export type By = 'day' | 'provider' | 'document';

/** The sums, in the order of the output; the README defines each. */
export interface Counts {
  messages: number;
  failed: number;
  cancelled: number;
  cached: number;
  synthetic: number;
  input_tokens: number;
  output_tokens: number;
  cost_micro_usd: number;
  unpriced: number;
  thumbs_up: number;
  thumbs_down: number;
  sessions_expired: number;
  sessions_deleted: number;
}

/** A line of the output. */
export interface Row extends Counts {
  by: By;
  key: string;
  first_token_ms_p50: number | null;
  first_token_ms_p95: number | null;
  total_ms_p50: number | null;
  total_ms_p95: number | null;
}

/** The running figures of one day, provider or document. */
export class Tally {
  readonly counts: Counts = {
    messages: 0,
    failed: 0,
    cancelled: 0,
    cached: 0,
    synthetic: 0,
    input_tokens: 0,
    output_tokens: 0,
    cost_micro_usd: 0,
    unpriced: 0,
    thumbs_up: 0,
    thumbs_down: 0,
    sessions_expired: 0,
    sessions_deleted: 0,
  };
  private readonly firstTokenMs: number[] = [];
  private readonly totalMs: number[] = [];

  constructor(
    readonly by: By,
    readonly key: string,
  ) {}

  addTurn(turn: Turn, failed: boolean): void {
    const { counts } = this;
    counts.messages += 1;
    counts.failed += Number(failed);
    counts.cancelled += Number(turn.finish_reason === 'cancelled');
    counts.cached += Number(turn.cached);
    counts.synthetic += Number(turn.synthetic);
    counts.input_tokens += turn.input_tokens;
    counts.output_tokens += turn.output_tokens;
    counts.cost_micro_usd += turn.cost_micro_usd ?? 0;
    counts.unpriced += Number(turn.cost_micro_usd === null && turn.output_tokens > 0);
    this.totalMs.push(turn.total_ms);
    if (turn.first_token_ms !== null) this.firstTokenMs.push(turn.first_token_ms);
  }

  addRating(rating: string): void {
    this.counts.thumbs_up += Number(rating === 'up');
    this.counts.thumbs_down += Number(rating === 'down');
  }

  row(): Row {
    const byValue = (a: number, b: number) => a - b;
    const first = this.firstTokenMs.sort(byValue);
    const total = this.totalMs.sort(byValue);
    return {
      by: this.by,
      key: this.key,
      ...this.counts,
      first_token_ms_p50: percentile(first, 50),
      first_token_ms_p95: percentile(first, 95),
      total_ms_p50: percentile(total, 50),
      total_ms_p95: percentile(total, 95),
    };
  }
}

/** Returns a percentile by the nearest-rank method, or null if there are no values. */
function percentile(sorted: number[], percent: number): number | null {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? null;
}
