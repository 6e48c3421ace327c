/** A client rule with its own clock, and everything that it has produced. */
import { reduce } from '../../src/core/rule/reduce.js';
import { initialState, type RuleAction, type RuleInput } from '../../src/core/rule/state.js';
import type { ChatEvent } from '../../src/core/types.js';
import type { Frame } from '../../src/core/wire.js';
import { resumed } from './frames.js';
import { traceStep, type TraceStep } from './traces.js';

type UntimedInput = RuleInput extends infer One
  ? One extends RuleInput
    ? Omit<One, 'now'>
    : never
  : never;

export class RuleClient {
  state = initialState('s1');
  now = 0;
  finals: [number, string, string][] = [];
  events: ChatEvent[] = [];
  /** Called with each step, if set. */
  static onStep: ((client: RuleClient, step: TraceStep) => void) | null = null;

  /** Applies an input; returns the actions other than finals and events. */
  give(input: UntimedInput): RuleAction[] {
    const timed = { now: this.now, ...input } as RuleInput;
    const { state, actions } = reduce(this.state, timed);
    this.state = state;
    RuleClient.onStep?.(this, traceStep(timed, actions, state));
    const rest: RuleAction[] = [];
    for (const action of actions) {
      if (action.type === 'final')
        this.finals.push([action.turn.turn, action.turn.final!.kind, action.turn.text]);
      else if (action.type === 'event') this.events.push(action.event);
      else rest.push(action);
    }
    return rest;
  }

  frames(...frames: Frame[]): RuleAction[] {
    return frames.flatMap((frame) => this.give({ type: 'frame', frame }));
  }

  at(now: number): RuleAction[] {
    this.now = now;
    return this.give({ type: 'tick' });
  }

  text(turn: number): string | undefined {
    return this.state.turns.get(turn)?.text;
  }
}

/** Returns a client with an open, confirmed connection, after some frames. */
export function openClient(...frames: Frame[]): RuleClient {
  const made = new RuleClient();
  made.give({ type: 'opened' });
  made.frames(resumed(), ...frames);
  return made;
}
