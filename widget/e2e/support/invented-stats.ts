/** Invented responses of the operator API, for screenshots of the admin page. */
import { seeded } from './random.js';

const MINUTE = 60_000;
const SEED = 7;
const NO_LATENCY = { count: 0, sum_ms: 0 };

const random = seeded(SEED);

/** Returns an integer around `typical`, up to `spread` times higher or lower. */
function around(typical: number, spread: number): number {
  return Math.round(typical * spread ** (2 * random() - 1));
}

function latency(count: number, typicalMs: number) {
  const p50 = around(typicalMs, 1.3);
  const p95 = around(p50 * 2.2, 1.3);
  return { count, sum_ms: count * p50, p50, p95, p99: around(p95 * 1.4, 1.2) };
}

function figures(turns: number) {
  const failed = random() < turns / 90 ? 1 : 0;
  return {
    turns,
    synthetic: around(turns / 8, 2),
    ...(failed > 0 && { errors: { providers_unavailable: failed } }),
    cancelled: random() < 0.2 ? 1 : 0,
    refused: 0,
    restarted: random() < 0.3 ? 1 : 0,
    without_document: random() < 0.1 ? 1 : 0,
    cached: 0,
    input_tokens: turns * around(620, 1.2),
    output_tokens: turns * around(130, 1.3),
    cost_micro_usd: turns * around(950, 1.3),
    unpriced: 0,
    up: around(turns / 12, 2),
    down: random() < 0.3 ? 1 : 0,
    expired: 0,
    deleted: 0,
    queue: latency(turns, 14),
    context: NO_LATENCY,
    first_token: latency(turns, 480),
    total: latency(turns, 2_100),
  };
}

/** Returns the statistics of an hour with typical traffic that ends at `to`. */
export function inventedStats(to: number) {
  const from = to - 60 * MINUTE;
  const series = Array.from({ length: 57 }, (_, n) => ({
    at: from + (n + 2) * MINUTE,
    figures: figures(around(11, 1.8)),
  }));
  const sum = (pick: (one: ReturnType<typeof figures>) => number) =>
    series.reduce((total, { figures }) => total + pick(figures), 0);
  const turns = sum((one) => one.turns);
  const totals = {
    ...figures(turns),
    synthetic: sum((one) => one.synthetic),
    errors: { providers_unavailable: sum((one) => one.errors?.providers_unavailable ?? 0) },
    cancelled: sum((one) => one.cancelled),
    restarted: sum((one) => one.restarted),
    without_document: sum((one) => one.without_document),
    input_tokens: sum((one) => one.input_tokens),
    output_tokens: sum((one) => one.output_tokens),
    cost_micro_usd: sum((one) => one.cost_micro_usd),
    up: sum((one) => one.up),
    down: sum((one) => one.down),
    expired: 3,
    deleted: 1,
  };
  const group = { provider: 'claude', model: 'claude-sonnet', synthetic: false, figures: totals };
  return { from, to, step: MINUTE, totals, series, groups: [group], documents: [] };
}

/** Returns the status of a server that has been up for nine days. */
export function inventedStatus(now: number) {
  const idle = { waiting: 0, in_flight: 2, oldest_ms: 40, dead: 0 };
  return {
    version: '0.1.0',
    now,
    started_at: now - 9 * 24 * 60 * MINUTE,
    connections: 42,
    database_bytes: 31_400_000,
    free_bytes: 84_000_000_000,
    providers: [{ provider: 'claude', model: 'claude-sonnet', breaker: 'closed' }],
    queues: [
      { queue: 'requests', ...idle },
      { queue: 'replies', ...idle },
    ],
  };
}
