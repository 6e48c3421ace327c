/**
 * The traces of the client rule in `contracts/traces`: what a client is given, and what it must do.
 *
 * They are recorded from the tests of the rule, and checked by every implementation of it; their
 * format is described beside them.
 */
import { fileURLToPath } from 'node:url';
import type { RuleAction, RuleInput, RuleState } from '../../src/core/rule/state.js';

const FOLDER = fileURLToPath(new URL('../../../contracts/traces/', import.meta.url));

/** One line of a trace. */
export interface TraceStep {
  readonly at: number;
  readonly input: object;
  readonly actions: readonly object[];
  readonly cursor: number;
  /** The provisional texts after the step, by turn. */
  readonly texts: Readonly<Record<number, string>>;
}

/** Returns the line for a step. */
export function traceStep(
  input: RuleInput,
  actions: readonly RuleAction[],
  state: RuleState,
): TraceStep {
  const provisional = [...state.turns.values()].filter(({ final }) => final === null);
  return {
    at: input.now,
    input: traceInput(input),
    actions: actions.flatMap(traceAction),
    cursor: state.cursor,
    texts: Object.fromEntries(provisional.map(({ turn, text }) => [turn, text])),
  };
}

/** Returns the path of the trace that a test records. */
export function tracePath(suite: string, test: string): string {
  const slug = `${suite} ${test}`.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${FOLDER}${slug.toLowerCase()}.jsonl`;
}

function traceInput(input: RuleInput): object {
  switch (input.type) {
    case 'frame':
      return { step: 'frame', frame: input.frame };
    case 'history':
      return { step: 'history', turns: input.turns };
    case 'sending':
    case 'unsent':
      return { step: input.type, message_id: input.messageId };
    default:
      return { step: input.type };
  }
}

// Events for consumers are left out: only this package has them.
function traceAction(action: RuleAction): object[] {
  switch (action.type) {
    case 'event':
      return [];
    case 'final': {
      const { turn, text, final } = action.turn;
      return [{ type: 'final', turn, kind: final!.kind, text }];
    }
    default:
      return [action];
  }
}
