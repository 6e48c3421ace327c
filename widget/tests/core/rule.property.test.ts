/** However the network loses, repeats and reorders frames, the client shows what the server has. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ChatEvent } from '../../src/core/types.js';
import type { Frame } from '../../src/core/wire.js';
import { resumed, stored } from '../support/frames.js';
import { ScriptedSession, type SessionStep } from '../support/scripted-session.js';
import { RuleClient } from '../support/rule-client.js';

const STEP_MS = 250;
const HEALING_STEP_MS = 1_000;
const HEALING_STEPS = 330; // a turn of which no frame came is asked for within five minutes

/** What the network does to the frames of a step. */
type Delivery = 'arrives' | 'lost' | 'twice' | 'late' | 'cut';

const steps = fc.array(
  fc.record({
    step: fc.constantFrom<SessionStep>(
      'write',
      'write',
      'write',
      'restart',
      'finish',
      'finish-large',
      'fail',
      'cancel',
      'tell',
    ),
    delivery: fc.constantFrom<Delivery>(
      'arrives',
      'arrives',
      'arrives',
      'lost',
      'twice',
      'late',
      'cut',
    ),
  }),
  { maxLength: 80 },
);

class LossyNetwork {
  readonly client = new RuleClient();
  readonly session = new ScriptedSession();
  #late: Frame[] = [];
  #isOpen = false;

  /** Lets the server take a step, and the network deliver its frames in some way. */
  run(step: SessionStep, delivery: Delivery): void {
    const frames = this.session.step(step);
    if (delivery === 'cut') this.#cut();
    else if (!this.#isOpen) this.#open();
    else if (delivery === 'twice') this.#arrive([...frames, ...frames, ...this.#late.reverse()]);
    else if (delivery === 'late') this.#late.push(...frames);
    else if (delivery === 'arrives') this.#arrive(frames);
    this.#pass(delivery !== 'lost');
  }

  /** Lets the network work from now on. */
  heal(): void {
    if (!this.#isOpen) this.#open();
    for (let i = 0; i < HEALING_STEPS; i += 1) this.#pass(true, HEALING_STEP_MS);
  }

  #pass(isWhole: boolean, ms = STEP_MS): void {
    this.client.now += ms;
    this.#perform(this.client.at(this.client.now), isWhole);
  }

  #open(): void {
    this.#isOpen = true;
    this.#perform(this.client.give({ type: 'opened' }), true);
  }

  #cut(): void {
    if (this.#isOpen) this.client.give({ type: 'closed' });
    this.#isOpen = false;
    this.#late = [];
  }

  #arrive(frames: Frame[]): void {
    for (const frame of frames) {
      this.#perform(this.client.frames(frame), true);
      this.check();
    }
  }

  #perform(actions: ReturnType<RuleClient['give']>, isWhole: boolean): void {
    for (const action of actions) {
      if (!isWhole) continue;
      if (action.type === 'resume') this.#arrive(this.session.resume(action.after));
      if (action.type === 'fetch') this.#fetch(action.after);
    }
  }

  #fetch(after: number): void {
    const turns = this.session.done
      .slice(after)
      .map(({ kind, text }, i) => ({ ...stored(`m${after + i + 1}`, after + i + 1, text), kind }));
    this.#perform(this.client.give({ type: 'history', turns }), true);
  }

  /** The provisional text is a prefix of one generation, and finals are the server's, in order. */
  check(): void {
    const { client, session } = this;
    for (const [n, { text, final }] of client.state.turns) {
      if (final || text === '') continue;
      expect(session.generations.get(n)?.some((generation) => generation.startsWith(text))).toBe(
        true,
      );
    }
    expect(client.finals).toEqual(
      session.done.slice(0, client.finals.length).map(({ kind, text }, i) => [i + 1, kind, text]),
    );
  }
}

it('any loss, repeat, reorder and restart heals, and nothing wrong is shown meanwhile', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const network = new LossyNetwork();
      for (const { step, delivery } of script) network.run(step, delivery);
      network.heal();
      expect(network.client.finals.length).toBe(network.session.done.length);
      network.check();
      checkEvents(network.client.events, network.session);
    }),
    { numRuns: 400 },
  );
});

it('the events of every run are whole, in order, and say what the final says', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const network = new LossyNetwork();
      for (const { step, delivery } of script) {
        network.run(step, delivery);
        checkEvents(network.client.events, network.session);
      }
    }),
    { numRuns: 100 },
  );
});

it('a frame with any metadata at all changes no turn but its own, and never throws', () => {
  const junk = fc.record(
    {
      type: fc.constantFrom(
        'RUN_STARTED',
        'TEXT_MESSAGE_CONTENT',
        'RUN_FINISHED',
        'RUN_ERROR',
        'CUSTOM',
        'NEW_EVENT',
      ),
      name: fc.constantFrom('chat.status', 'chat.resumed', 'chat.new'),
      runId: fc.anything(),
      messageId: fc.string(),
      delta: fc.anything(),
      usage: fc.anything(),
      value: fc.anything(),
      metadata: fc.anything(),
    },
    { requiredKeys: ['type'] },
  );
  fc.assert(
    fc.property(fc.array(junk), (frames) => {
      const client = new RuleClient();
      client.give({ type: 'opened' });
      client.frames(resumed(), ...(frames as unknown as Frame[]));
      expect(client.state.cursor).toBeGreaterThanOrEqual(0);
    }),
  );
});

/** Checks the events like a strict AG-UI consumer, and the texts against those of the server. */
function checkEvents(events: readonly ChatEvent[], session: ScriptedSession): void {
  let run: string | null = null;
  let message: { id: string; text: string } | null = null;
  let runs = 0;
  for (const event of events) {
    switch (event.type) {
      case 'RUN_STARTED':
        expect([run, event.metadata.turn]).toEqual([null, runs + 1]);
        run = event.runId;
        break;
      case 'TEXT_MESSAGE_START':
        expect(message).toBeNull();
        message = { id: event.messageId, text: '' };
        break;
      case 'TEXT_MESSAGE_CONTENT':
        expect([event.messageId, event.metadata.offset]).toEqual([
          message!.id,
          message!.text.length,
        ]);
        message!.text += event.delta;
        break;
      case 'TEXT_MESSAGE_END':
        expect(event.messageId).toBe(message!.id);
        if (!event.metadata.abandoned && session.done[runs]?.kind !== 'error')
          expect(message!.text).toBe(session.done[runs]!.text);
        message = null;
        break;
      case 'RUN_FINISHED':
      case 'RUN_ERROR':
        expect([run, message]).toEqual([event.runId, null]);
        if (event.type === 'RUN_FINISHED') expect(event.result.text).toBe(session.done[runs]!.text);
        run = null;
        runs += 1;
    }
  }
}
