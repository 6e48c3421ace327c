import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reduce } from '../../src/core/rule/reduce.js';
import type { Frame } from '../../src/core/wire.js';
import {
  citation,
  cited,
  delta,
  failed,
  finished,
  opened,
  PASSAGE,
  passages,
  resumed,
  running,
  started,
  status,
  stored,
  withheld,
} from '../support/frames.js';
import { openClient, RuleClient } from '../support/rule-client.js';
import { tracePath, type TraceStep } from '../support/traces.js';

const resume = (after: number) => ({ type: 'resume', after });

// Each test is also a trace that other implementations of the rule are checked with. A change of
// the rule shows as a change of the traces; `npm run unit -- -u` writes them again.
let trace: TraceStep[] = [];

beforeEach(() => {
  trace = [];
  RuleClient.onStep = (_, step) => trace.push(structuredClone(step));
});

afterEach(async ({ task }) => {
  RuleClient.onStep = null;
  if (!task.suite) return;
  const lines = trace.map((step) => `${JSON.stringify(step)}\n`).join('');
  await expect(lines).toMatchFileSnapshot(tracePath(task.suite.name, task.name));
});

describe('provisional text', () => {
  it('grows by deltas', () => {
    expect(
      openClient(
        started('m1', 1),
        opened('m1', 1),
        delta('m1', 1, 'ab', 0),
        delta('m1', 1, 'cd', 2),
      ).text(1),
    ).toEqual('abcd');
  });

  it('ignores the part of a delta that it already has', () => {
    expect(
      openClient(delta('m1', 1, 'abc', 0), delta('m1', 1, 'bcd', 1), delta('m1', 1, 'ab', 0)).text(
        1,
      ),
    ).toEqual('abcd');
  });

  it('counts offsets in UTF-16 code units', () => {
    expect(openClient(delta('m1', 1, '🧘é', 0), delta('m1', 1, 'x', 3)).text(1)).toEqual('🧘éx');
  });

  it('ignores a lower generation and is cleared by a higher one', () => {
    const one = openClient(delta('m1', 1, 'new', 0, 2), delta('m1', 1, 'old', 0, 1));
    expect(one.text(1)).toEqual('new');
    one.frames(opened('m1', 1, 3));
    expect(one.text(1)).toEqual('');
  });

  it('drops a delta after a gap and asks to resume, at most once in 2 s', () => {
    const one = openClient(delta('m1', 1, 'ab', 0));
    one.at(2000);
    expect(one.frames(delta('m1', 1, 'ef', 4))).toEqual([resume(0)]);
    expect(one.frames(delta('m1', 1, 'gh', 6))).toEqual([]);
    expect(one.text(1)).toEqual('ab');
    expect(one.at(3999)).toEqual([]);
    expect(one.at(4000)).toEqual([resume(0)]);
  });

  it('learns its run from the reply id if RUN_STARTED was lost', () => {
    expect(openClient(delta('a.b', 1, 'x', 0, 2)).state.turns.get(1)?.runId).toEqual('a.b');
  });
});

describe('sources', () => {
  const place = { documentId: 'handbook', title: 'Student handbook', version: 'ab'.repeat(32) };
  const passage = {
    ...place,
    sourceUrl: null,
    number: 1,
    ordinal: 3,
    headings: ['Rules', 'Phones'],
  };

  it('of a generation are known until the next one, and told once', () => {
    const one = openClient(started('m1', 1), passages(1), passages(1), opened('m1', 1));
    expect(one.state.turns.get(1)?.passages).toEqual([passage]);
    const told = one.events.filter((event) => event.type === 'CUSTOM');
    expect(told).toEqual([
      {
        type: 'CUSTOM',
        name: 'chat.citations',
        value: { passages: [passage] },
        metadata: { turn: 1, gen: 1 },
      },
    ]);
    one.frames(opened('m1', 1, 2), passages(1, 1));
    expect(one.state.turns.get(1)?.passages).toEqual([]);
  });

  it('that are malformed are left out', () => {
    const one = openClient(started('m1', 1), passages(1, 1, [null, 7, {}, PASSAGE]));
    expect(one.state.turns.get(1)?.passages).toEqual([passage]);
  });

  const text = 'Leave phones at home [1]';
  it.each<[string, () => RuleClient]>([
    ['its frame', () => openClient(cited('m1', 1, text))],
    [
      'the history',
      () => {
        const sources = { citations: [citation(21)], grounding: 'cited' } as const;
        const one = openClient(withheld('m1', 1));
        one.give({ type: 'history', turns: [{ ...stored('m1', 1, text), ...sources }] });
        return one;
      },
    ],
  ])('of a final come with %s', (_, receive) => {
    expect(receive().events.at(-1)).toMatchObject({
      type: 'RUN_FINISHED',
      result: {
        text,
        grounding: 'cited',
        citations: [
          {
            ...place,
            sourceUrl: 'https://school.example/handbook',
            number: 1,
            ordinal: 3,
            offset: 21,
            start: 120,
            end: 139,
            quote: 'Phones stay at home',
          },
        ],
      },
    });
  });

  it('are absent from the final of a reply without a search', () => {
    const one = openClient(finished('m1', 1, 'Hello [1]'));
    expect(one.events.at(-1)).toMatchObject({ type: 'RUN_FINISHED' });
    expect(Object.keys((one.events.at(-1) as { result: object }).result)).toEqual([
      'messageId',
      'text',
    ]);
  });
});

describe('a final', () => {
  it('replaces the text and ends the turn', () => {
    const one = openClient(
      delta('m1', 1, 'abc', 0),
      finished('m1', 1, 'xyz'),
      delta('m1', 1, 'late', 3, 2),
      failed('m1', 1, 2),
    );
    expect(one.finals).toEqual([[1, 'reply', 'xyz']]);
    expect(one.state.cursor).toEqual(1);
    expect(one.state.turns.size).toEqual(0);
  });

  it('can be a cancellation or an error', () => {
    const one = openClient(finished('m1', 1, 'half', 1, 'cancelled'), failed('m2', 2));
    expect(one.finals).toEqual([
      [1, 'cancelled', 'half'],
      [2, 'error', ''],
    ]);
  });

  it('waits for the missing finals before it', () => {
    const one = openClient();
    one.at(2000);
    expect(one.frames(finished('m2', 2, 'two'))).toEqual([resume(0)]);
    expect(one.finals).toEqual([]);
    one.frames(finished('m1', 1, 'one'), finished('m2', 2, 'two'));
    expect(one.finals).toEqual([
      [1, 'reply', 'one'],
      [2, 'reply', 'two'],
    ]);
  });

  it('without text is fetched, again after 5 s', () => {
    const one = openClient(delta('m1', 1, 'ab', 0));
    expect(one.frames(withheld('m1', 1))).toEqual([{ type: 'fetch', after: 0 }]);
    one.frames(delta('m1', 1, 'c', 2), withheld('m1', 1));
    expect(one.text(1)).toEqual('abc');
    expect(one.at(4999)).toEqual([]);
    expect(one.at(5000)).toEqual([{ type: 'fetch', after: 0 }]);
    one.give({ type: 'history', turns: [stored('m1', 1, 'abcdef')] });
    expect(one.finals).toEqual([[1, 'reply', 'abcdef']]);
  });

  it('without text of a higher generation clears the earlier text', () => {
    const one = openClient(delta('m1', 1, 'old', 0));
    one.frames(withheld('m1', 1, 2));
    expect(one.text(1)).toEqual('');
    one.frames(delta('m1', 1, ' words', 3));
    expect(one.text(1)).toEqual('');
  });

  it('from the history is not taken twice', () => {
    const one = openClient();
    one.give({
      type: 'history',
      turns: [stored('m1', 1, 'one'), running('m2', 2)],
    });
    one.frames(finished('m1', 1, 'one'), finished('m2', 2, 'two'));
    expect(one.finals).toEqual([
      [1, 'reply', 'one'],
      [2, 'reply', 'two'],
    ]);
  });
});

describe('resume is sent', () => {
  it('on every open, and every 5 s until chat.resumed arrives', () => {
    const one = new RuleClient();
    expect(one.give({ type: 'opened' })).toEqual([resume(0)]);
    expect(one.at(4999)).toEqual([]);
    expect(one.at(5000)).toEqual([resume(0)]);
    one.frames(resumed());
    expect(one.at(10_000)).toEqual([]);
    one.give({ type: 'closed' });
    expect(one.at(400_000)).toEqual([]);
    expect(one.give({ type: 'opened' })).toEqual([resume(0)]);
  });

  it('when a known turn is silent for 10 s', () => {
    const one = openClient(started('m1', 1));
    expect(one.at(9999)).toEqual([]);
    expect(one.at(10_000)).toEqual([resume(0)]);
    expect(one.at(19_999)).toEqual([]);
    one.frames(status(1));
    expect(one.at(20_000)).toEqual([]);
    expect(one.at(29_999)).toEqual([resume(0)]);
  });

  it('when a sent message is silent for 10 s, unless it failed', () => {
    const one = openClient();
    one.give({ type: 'sending', messageId: 'm1' });
    one.give({ type: 'sending', messageId: 'm2' });
    one.give({ type: 'unsent', messageId: 'm2' });
    expect(one.at(10_000)).toEqual([resume(0)]);
    one.frames(finished('m1', 1, 'one'));
    expect(one.at(30_000)).toEqual([]);
  });

  it('every 5 minutes', () => {
    const one = openClient();
    expect(one.at(299_999)).toEqual([]);
    expect(one.at(300_000)).toEqual([resume(0)]);
  });

  it('at once after a full batch of finals', () => {
    const one = new RuleClient();
    one.give({ type: 'opened' });
    const finals = Array.from({ length: 20 }, (_, i) => finished(`m${i + 1}`, i + 1, 'x'));
    expect(one.frames(resumed(31), ...finals)).toEqual([resume(20)]);
  });

  it('after a smaller batch, unless it brought nothing', () => {
    const one = new RuleClient();
    one.give({ type: 'opened' });
    one.frames(resumed(9), finished('m1', 1, 'x'));
    expect(one.at(200)).toEqual([resume(1)]);
    one.frames(resumed(9));
    expect(one.at(1000)).toEqual([]);
  });
});

describe('chat.resumed', () => {
  it('moves a cursor that is below the oldest stored turn', () => {
    const one = new RuleClient();
    one.give({ type: 'opened' });
    one.frames(resumed(8, 1, 6), finished('m6', 6, 'six'));
    expect(one.finals).toEqual([[6, 'reply', 'six']]);
  });

  for (const [why, again] of [
    ['another born', resumed(5, 2)],
    ['a next that is not above the cursor', resumed(2, 1)],
  ]) {
    it(`with ${why} resets the client`, () => {
      const one = new RuleClient();
      one.give({ type: 'opened' });
      one.frames(resumed(3, 1), finished('m1', 1, 'one'), finished('m2', 2, 'two'));
      one.give({ type: 'closed' });
      one.give({ type: 'opened' });
      expect(one.frames(again as Frame)).toEqual([{ type: 'forget' }, resume(0)]);
      expect(one.state.cursor).toEqual(0);
    });
  }

  it('overtaken by a final does not reset the client', () => {
    const one = openClient(finished('m1', 1, 'one'));
    expect(one.frames(resumed(1))).toEqual([]);
    expect(one.state.cursor).toEqual(1);
  });

  it('has to arrive before any other frame of a connection', () => {
    const one = new RuleClient();
    one.give({ type: 'opened' });
    one.frames(finished('m1', 1, 'of an earlier session'), resumed());
    expect(one.finals).toEqual([]);
  });
});

describe('a malformed frame', () => {
  for (const metadata of [
    undefined,
    {},
    { turn: 0, gen: 1 },
    { turn: 1.5, gen: 1 },
    { turn: 1, gen: '1' },
    { turn: 1, gen: 1, offset: 'x' },
  ]) {
    it(`is ignored: ${JSON.stringify(metadata)}`, () => {
      const one = openClient();
      one.frames({ ...delta('m1', 1, 'x', 0), metadata: metadata as Frame['metadata'] });
      expect(one.text(1) ?? '').toEqual('');
    });
  }
});

it('reduce never changes the state that it was given', () => {
  const before = openClient(delta('m1', 1, 'ab', 0)).state;
  const frozen = structuredClone(before);
  reduce(before, { type: 'frame', frame: delta('m1', 1, 'c', 2), now: 1 });
  reduce(before, { type: 'frame', frame: finished('m1', 1, 'abc'), now: 1 });
  expect(before).toEqual(frozen);
});
