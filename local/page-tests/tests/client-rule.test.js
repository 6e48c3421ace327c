import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { begin, reduce } from '../page/client-rule.js';
import { delta, failed, finished, opened, resumed, started, status, stored, withheld } from './recordings.js';

/** A client at a clock of its own. */
class Client {
  state = begin();
  now = 0;
  finals = [];

  give(type, input = {}) {
    const { state, actions } = reduce(this.state, { type, now: this.now, ...input });
    this.state = state;
    for (const { type: what, turn } of actions) if (what === 'final') this.finals.push([turn.turn, turn.final.kind, turn.text]);
    return actions.filter((action) => action.type !== 'final');
  }

  frames(...frames) {
    return frames.flatMap((frame) => this.give('frame', { frame }));
  }

  at(now) {
    this.now = now;
    return this.give('tick');
  }

  text(turn) {
    return this.state.turns.get(turn)?.text;
  }
}

function client(...frames) {
  const made = new Client();
  made.give('opened');
  made.frames(resumed(), ...frames);
  return made;
}

const resume = (after) => ({ type: 'resume', after });

describe('provisional text', () => {
  it('grows by deltas at its end', () => {
    assert.equal(client(started('m1', 1), opened('m1', 1), delta('m1', 1, 'ab', 0), delta('m1', 1, 'cd', 2)).text(1), 'abcd');
  });

  it('ignores what it already has of a delta', () => {
    assert.equal(client(delta('m1', 1, 'abc', 0), delta('m1', 1, 'bcd', 1), delta('m1', 1, 'ab', 0)).text(1), 'abcd');
  });

  it('counts offsets in UTF-16 code units', () => {
    assert.equal(client(delta('m1', 1, '🧘é', 0), delta('m1', 1, 'x', 3)).text(1), '🧘éx');
  });

  it('ignores a lower generation and is cleared by a higher one', () => {
    const one = client(delta('m1', 1, 'new', 0, 2), delta('m1', 1, 'old', 0, 1));
    assert.equal(one.text(1), 'new');
    one.frames(opened('m1', 1, 3));
    assert.equal(one.text(1), '');
  });

  it('drops a delta after a gap and asks to resume, at most once in 2 s', () => {
    const one = client(delta('m1', 1, 'ab', 0));
    one.at(2000);
    assert.deepEqual(one.frames(delta('m1', 1, 'ef', 4)), [resume(0)]);
    assert.deepEqual(one.frames(delta('m1', 1, 'gh', 6)), []);
    assert.equal(one.text(1), 'ab');
    assert.deepEqual(one.at(3999), []);
    assert.deepEqual(one.at(4000), [resume(0)]);
  });

  it('knows its run by the name of the reply when the opening was lost', () => {
    assert.equal(client(delta('a.b', 1, 'x', 0, 2)).state.turns.get(1).runId, 'a.b');
  });
});

describe('a final', () => {
  it('replaces the text, freezes the turn and ignores every later frame of it', () => {
    const one = client(delta('m1', 1, 'abc', 0), finished('m1', 1, 'xyz'), delta('m1', 1, 'late', 3, 2), failed('m1', 1, 2));
    assert.deepEqual(one.finals, [[1, 'reply', 'xyz']]);
    assert.equal(one.state.cursor, 1);
    assert.equal(one.state.turns.size, 0);
  });

  it('can be a cancellation or an error', () => {
    const one = client(finished('m1', 1, 'half', 1, 'cancelled'), failed('m2', 2));
    assert.deepEqual(one.finals, [[1, 'cancelled', 'half'], [2, 'error', '']]);
  });

  it('waits for the finals before it, which are asked for', () => {
    const one = client();
    one.at(2000);
    assert.deepEqual(one.frames(finished('m2', 2, 'two')), [resume(0)]);
    assert.deepEqual(one.finals, []);
    one.frames(finished('m1', 1, 'one'), finished('m2', 2, 'two'));
    assert.deepEqual(one.finals, [[1, 'reply', 'one'], [2, 'reply', 'two']]);
  });

  it('without its text freezes nothing and is fetched, again after 5 s', () => {
    const one = client(delta('m1', 1, 'ab', 0));
    assert.deepEqual(one.frames(withheld('m1', 1)), [{ type: 'fetch', after: 0 }]);
    one.frames(delta('m1', 1, 'c', 2), withheld('m1', 1));
    assert.equal(one.text(1), 'abc');
    assert.deepEqual(one.at(4999), []);
    assert.deepEqual(one.at(5000), [{ type: 'fetch', after: 0 }]);
    one.give('history', { turns: [stored('m1', 1, 'abcdef')] });
    assert.deepEqual(one.finals, [[1, 'reply', 'abcdef']]);
  });

  it('without its text, of a higher generation, clears what an earlier one said', () => {
    const one = client(delta('m1', 1, 'old', 0));
    one.frames(withheld('m1', 1, 2));
    assert.equal(one.text(1), '');
    one.frames(delta('m1', 1, ' words', 3));
    assert.equal(one.text(1), '');
  });

  it('that came from the history is not taken twice', () => {
    const one = client();
    one.give('history', { turns: [stored('m1', 1, 'one'), { ...stored('m2', 2), state: 'running' }] });
    one.frames(finished('m1', 1, 'one'), finished('m2', 2, 'two'));
    assert.deepEqual(one.finals, [[1, 'reply', 'one'], [2, 'reply', 'two']]);
  });
});

describe('a client asks to resume', () => {
  it('on every open, and every 5 s until chat.resumed came', () => {
    const one = new Client();
    assert.deepEqual(one.give('opened'), [resume(0)]);
    assert.deepEqual(one.at(4999), []);
    assert.deepEqual(one.at(5000), [resume(0)]);
    one.frames(resumed());
    assert.deepEqual(one.at(10_000), []);
    one.give('closed');
    assert.deepEqual(one.at(400_000), []);
    assert.deepEqual(one.give('opened'), [resume(0)]);
  });

  it('when a turn that it knows of is silent for 10 s', () => {
    const one = client(started('m1', 1));
    assert.deepEqual(one.at(9999), []);
    assert.deepEqual(one.at(10_000), [resume(0)]);
    assert.deepEqual(one.at(19_999), []);
    one.frames(status(1));
    assert.deepEqual(one.at(20_000), []);
    assert.deepEqual(one.at(29_999), [resume(0)]);
  });

  it('when a message that it sent is silent for 10 s, and not when that failed', () => {
    const one = client();
    one.give('sending', { messageId: 'm1' });
    one.give('sending', { messageId: 'm2' });
    one.give('unsent', { messageId: 'm2' });
    assert.deepEqual(one.at(10_000), [resume(0)]);
    one.frames(finished('m1', 1, 'one'));
    assert.deepEqual(one.at(30_000), []);
  });

  it('every 5 minutes', () => {
    const one = client();
    assert.deepEqual(one.at(299_999), []);
    assert.deepEqual(one.at(300_000), [resume(0)]);
  });

  it('at once after a full batch of finals that was not the last', () => {
    const one = new Client();
    one.give('opened');
    const finals = Array.from({ length: 20 }, (_, i) => finished(`m${i + 1}`, i + 1, 'x'));
    assert.deepEqual(one.frames(resumed(31), ...finals), [resume(20)]);
  });

  it('after a smaller batch as soon as nothing follows, but not when it brought nothing', () => {
    const one = new Client();
    one.give('opened');
    one.frames(resumed(9), finished('m1', 1, 'x'));
    assert.deepEqual(one.at(200), [resume(1)]);
    one.frames(resumed(9));
    assert.deepEqual(one.at(1000), []);
  });
});

describe('chat.resumed', () => {
  it('moves a cursor that is below the oldest stored turn', () => {
    const one = new Client();
    one.give('opened');
    one.frames(resumed(8, 'a', 6), finished('m6', 6, 'six'));
    assert.deepEqual(one.finals, [[6, 'reply', 'six']]);
  });

  for (const [why, again] of [['another birth', resumed(5, 'b')], ['a cursor at next', resumed(2, 'a')]]) {
    it(`with ${why} means that everything is forgotten and asked for from the start`, () => {
      const one = new Client();
      one.give('opened');
      one.frames(resumed(3, 'a'), finished('m1', 1, 'one'), finished('m2', 2, 'two'));
      one.give('closed');
      one.give('opened');
      assert.deepEqual(one.frames(again), [{ type: 'forget' }, resume(0)]);
      assert.equal(one.state.cursor, 0);
    });
  }

  it('that was overtaken by a final on the same connection does not forget it', () => {
    const one = client(finished('m1', 1, 'one'));
    assert.deepEqual(one.frames(resumed(1)), []);
    assert.equal(one.state.cursor, 1);
  });

  it('is what the first frames of a connection wait for', () => {
    const one = new Client();
    one.give('opened');
    one.frames(finished('m1', 1, 'of an earlier session'), resumed());
    assert.deepEqual(one.finals, []);
  });
});

describe('a frame that makes no sense', () => {
  for (const metadata of [undefined, {}, { turn: 0, gen: 1 }, { turn: 1.5, gen: 1 }, { turn: 1, gen: '1' }, { turn: 1, gen: 1, offset: 'x' }]) {
    it(`is ignored: ${JSON.stringify(metadata)}`, () => {
      const one = client();
      one.frames({ ...delta('m1', 1, 'x', 0), metadata });
      assert.equal(one.text(1) ?? '', '');
    });
  }
});

it('reduce never changes the state that it was given', () => {
  const before = client(delta('m1', 1, 'ab', 0)).state;
  const frozen = structuredClone(before);
  reduce(before, { type: 'frame', frame: delta('m1', 1, 'c', 2), now: 1 });
  reduce(before, { type: 'frame', frame: finished('m1', 1, 'abc'), now: 1 });
  reduce(before, { type: 'gone', now: 1 });
  assert.deepEqual(before, frozen);
});
