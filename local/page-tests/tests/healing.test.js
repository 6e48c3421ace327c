// Seeded runs of a session over a network that loses, repeats and reorders
// frames and drops connections. A client that follows the rule shows every final
// once and in order, and never a text that no generation had. Clients that break
// one part of the rule are found out, so the check is known to see.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { begin, reduce } from '../page/client-rule.js';
import * as frames from './recordings.js';

const SEEDS = 150;
const TURNS = 25;
const STEP_MS = 250;
const FAULTY_STEPS = 160;
const HEALING_STEPS = 400;

function generator(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A session as the server has it: each step writes a piece, restarts or ends a turn. */
class Server {
  done = [];
  generations = new Map(); // turn to the texts of its generations, as far as they went
  running = null;

  constructor(random) {
    this.random = random;
  }

  step() {
    if (this.running === null) return this.done.length < TURNS ? this.begin() : [];
    const { n, id, gen } = this.running;
    const dice = this.random();
    if (dice < 0.1 && gen < 4) return this.restart();
    if (dice < 0.3) return this.end();
    const text = `${gen}${Math.floor(dice * 1000)} `;
    const offset = this.running.text.length;
    this.running.text += text;
    this.note();
    return [frames.delta(id, n, text, offset, gen)];
  }

  begin() {
    const n = this.done.length + 1;
    this.running = { n, id: `m${n}`, gen: 1, text: '' };
    this.note();
    return [frames.started(`m${n}`, n), frames.opened(`m${n}`, n)];
  }

  restart() {
    this.running = { ...this.running, gen: this.running.gen + 1, text: '' };
    this.note();
    return [frames.opened(this.running.id, this.running.n, this.running.gen)];
  }

  end() {
    this.done.push(this.running);
    this.running = null;
    return [this.final(this.done.at(-1))];
  }

  final({ n, id, gen, text }) {
    if (n % 7 === 0) return frames.failed(id, n, gen);
    return n % 5 === 0 ? frames.withheld(id, n, gen) : frames.finished(id, n, text, gen);
  }

  textOf({ n, text }) {
    return n % 7 === 0 ? '' : text;
  }

  note() {
    const { n, gen, text } = this.running;
    this.generations.set(n, { ...this.generations.get(n), [gen]: text });
  }

  resume(after) {
    const next = this.done.length + (this.running ? 2 : 1);
    const finals = this.done.filter(({ n }) => n > after).slice(0, 20).map((turn) => this.final(turn));
    const { id, n, text, gen } = this.running ?? {};
    const partial = this.running ? [frames.started(id, n, gen), frames.opened(id, n, gen), frames.delta(id, n, text || ' ', 0, gen)] : [];
    return [frames.resumed(next), ...finals, ...(text ? partial : partial.slice(0, 2))];
  }

  history(after) {
    return this.done.filter(({ n }) => n > after).map((turn) => ({
      ...frames.stored(turn.id, turn.n, this.textOf(turn)),
      ...(turn.n % 7 === 0 && { kind: 'error' }),
    }));
  }
}

/** Runs one seed with a client's `step`; throws when the client shows what it must not. */
function run(seed, step) {
  const random = generator(seed);
  const server = new Server(random);
  let state = begin();
  let wire = [];
  let now = 0;
  const shown = [];

  function give(input) {
    const { state: after, actions } = step(state, { ...input, now });
    state = after;
    for (const action of actions) perform(action);
    for (const { turn, text } of state.turns.values()) checkDraft(server, turn, text);
  }
  function perform({ type, after, turn }) {
    if (type === 'resume') wire.push(...server.resume(after));
    if (type === 'fetch') wire.push({ history: server.history(after) });
    if (type === 'final') {
      shown.push([turn.turn, turn.text]);
      assert.equal(turn.turn, shown.length, 'finals come in order, none skipped or doubled');
    }
  }

  give({ type: 'opened' });
  for (let i = 0; i < FAULTY_STEPS + HEALING_STEPS; i += 1) {
    const faulty = i < FAULTY_STEPS;
    now += STEP_MS;
    wire.push(...server.step());
    if (faulty && random() < 0.03) {
      wire = [];
      give({ type: 'closed' });
      give({ type: 'opened' });
    }
    const arriving = faulty ? mistreat(wire, random) : { now: wire, later: [] };
    wire = arriving.later;
    for (const frame of arriving.now) give(frame.history ? { type: 'history', turns: frame.history } : { type: 'frame', frame });
    give({ type: 'tick' });
  }
  assert.deepEqual(shown, server.done.map((turn) => [turn.n, server.textOf(turn)]), 'every final is shown');
  assert.equal(shown.length, TURNS);
}

function mistreat(wire, random) {
  const now = [];
  const later = [];
  for (const frame of wire) {
    const dice = random();
    if (dice < 0.12) continue;
    if (dice < 0.24) later.push(frame);
    if (dice < 0.18) continue;
    if (dice > 0.9) now.unshift(frame);
    else now.push(frame);
  }
  return { now, later };
}

function checkDraft(server, turn, text) {
  const known = Object.values(server.generations.get(turn) ?? { 1: '' });
  const isPrefix = text === '' || known.some((generation) => generation.startsWith(text));
  assert.ok(isPrefix, `a text is shown that no generation had: ${text}`);
}

const broken = {
  'that takes lower generations too': (state, input) => {
    if (input.frame?.type !== 'TEXT_MESSAGE_CONTENT') return reduce(state, input);
    const metadata = { ...input.frame.metadata, gen: state.turns.get(input.frame.metadata.turn)?.gen || 1 };
    return reduce(state, { ...input, frame: { ...input.frame, metadata } });
  },
  'that appends every delta': (state, input) => {
    if (input.frame?.type !== 'TEXT_MESSAGE_CONTENT') return reduce(state, input);
    const metadata = { ...input.frame.metadata, offset: state.turns.get(input.frame.metadata.turn)?.text.length ?? 0 };
    return reduce(state, { ...input, frame: { ...input.frame, metadata } });
  },
  'that shows finals as they come': (state, input) => {
    const result = reduce(state, input);
    const { turn } = input.frame?.metadata ?? {};
    const early = result.state.turns.get(turn);
    return early?.final ? { ...result, actions: [...result.actions, { type: 'final', turn: early }] } : result;
  },
  'that never asks again': (state, input) => {
    const result = reduce(state, input);
    return input.type === 'opened' ? result : { ...result, actions: result.actions.filter(({ type }) => type !== 'resume') };
  },
  'that never fetches': (state, input) => {
    const result = reduce(state, input);
    return { ...result, actions: result.actions.filter(({ type }) => type !== 'fetch') };
  },
};

describe('over a network that loses, repeats and reorders', () => {
  it(`a client heals, in ${SEEDS} seeded runs`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      assert.doesNotThrow(() => run(seed, reduce), `seed ${seed}`);
    }
  });

  for (const [what, step] of Object.entries(broken)) {
    it(`a client ${what} is found out`, () => {
      const caught = Array.from({ length: SEEDS }, (_, i) => i + 1).some((seed) => {
        try {
          run(seed, step);
          return false;
        } catch (error) {
          if (error.code === 'ERR_ASSERTION') return true;
          throw error;
        }
      });
      assert.ok(caught);
    });
  }
});
