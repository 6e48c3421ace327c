/**
 * The tabs of the simulation follow the Rust rule. Given the same inputs, the rule of this package
 * must show what they showed.
 */
import { expect, it } from 'vitest';
import { initialState } from '../../src/core/rule/state.js';
import type { Frame, StoredTurn } from '../../src/core/wire.js';
import { backendIsMissing, simulate } from '../support/backend.js';
import { RuleClient } from '../support/rule-client.js';

const SEEDS = 100;

/** An input or an output of one tab, as `client/src/recording.rs` writes it. */
type Record = { readonly tab: number; readonly at: number } & (
  | { readonly step: 'opened' | 'closed' | 'tick' | 'gone' | 'forgot' }
  | { readonly step: 'frame'; readonly frame: Frame }
  | { readonly step: 'history'; readonly turns: readonly StoredTurn[] }
  | { readonly step: 'sending' | 'unsent'; readonly message_id: string }
  | {
      readonly step: 'text';
      readonly turn: number;
      readonly generation: number;
      readonly text: string;
    }
  | { readonly step: 'final'; readonly turn: number; readonly kind: string; readonly text: string }
  | { readonly step: 'moved'; readonly cursor: number }
);

/** How often each kind of record was compared. */
const seen = new Map<Record['step'], number>();

/** Follows the records of one tab with the rule of this package. */
class ReplayedTab {
  readonly #client = new RuleClient();
  #forgotten = 0;
  #shown = 0;

  follow(record: Record): void {
    seen.set(record.step, (seen.get(record.step) ?? 0) + 1);
    this.#client.now = record.at;
    switch (record.step) {
      case 'opened':
      case 'closed':
      case 'tick':
        return this.#give({ type: record.step });
      case 'frame':
        return this.#give({ type: 'frame', frame: record.frame });
      case 'history':
        return this.#give({ type: 'history', turns: record.turns });
      case 'sending':
      case 'unsent':
        return this.#give({ type: record.step, messageId: record.message_id });
      // In this package the driver, not the rule, resets the state of a lost session.
      case 'gone':
        this.#client.state = { ...initialState(), link: this.#client.state.link };
        this.#forgotten += 1;
        return;
      case 'forgot':
        expect(this.#forgotten).toBeGreaterThan(0);
        this.#forgotten = 0;
        return;
      case 'text':
        return this.#checkText(record.turn, record.generation, record.text);
      case 'final':
        expect(this.#client.finals[this.#shown]).toEqual([record.turn, record.kind, record.text]);
        this.#shown += 1;
        return;
      case 'moved':
        expect(this.#client.state.cursor).toBeGreaterThanOrEqual(record.cursor);
    }
  }

  /** Checks that the rule showed no final which the tab did not show. */
  end(): void {
    expect(this.#client.finals.length).toBe(this.#shown);
    expect(this.#forgotten).toBe(0);
  }

  #give(input: Parameters<RuleClient['give']>[0]): void {
    this.#forgotten += this.#client.give(input).filter(({ type }) => type === 'forget').length;
  }

  #checkText(n: number, generation: number, text: string): void {
    const turn = this.#client.state.turns.get(n);
    expect([turn?.gen, turn?.text]).toEqual([generation, text]);
  }
}

it.skipIf(backendIsMissing())(
  'the rule shows what the tabs of the simulation showed for the same input',
  async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const twins = new Map<number, ReplayedTab>();
      for (const [i, line] of (await simulate(seed)).entries()) {
        const record = JSON.parse(line) as Record;
        const twin = twins.get(record.tab) ?? new ReplayedTab();
        twins.set(record.tab, twin);
        try {
          twin.follow(record);
        } catch (error) {
          throw new Error(`seed ${seed}, line ${i + 1}: ${line.slice(0, 300)}`, { cause: error });
        }
      }
      for (const twin of twins.values()) twin.end();
    }
    // Without this, comparing nothing at all would succeed.
    for (const step of ['frame', 'text', 'final', 'history', 'forgot', 'closed'] as const) {
      expect(seen.get(step) ?? 0, step).toBeGreaterThan(0);
    }
  },
  120_000,
);
