/** A session on the server, advanced step by step by a test. */
import type { Frame } from '../../src/core/wire.js';
import { delta, failed, finished, opened, resumed, started, status, withheld } from './frames.js';

const BATCH = 20;

/** A step of the server. */
export type SessionStep =
  'begin' | 'write' | 'restart' | 'finish' | 'finish-large' | 'fail' | 'cancel' | 'tell';

interface FinishedTurn {
  readonly kind: 'reply' | 'error' | 'cancelled';
  readonly text: string;
  readonly gen: number;
  readonly large: boolean;
}

/** The turns of a session. Each step returns the frames that the server would push. */
export class ScriptedSession {
  readonly done: FinishedTurn[] = [];
  /** The text of each generation of each turn, as far as it was written. */
  readonly generations = new Map<number, string[]>();
  #running: { gen: number; text: string } | null = null;
  #written = 0;

  get running(): boolean {
    return this.#running !== null;
  }

  step(step: SessionStep): Frame[] {
    if (this.#running === null) return this.#begin();
    switch (step) {
      case 'restart':
        return this.#restart(this.#running.gen + 1);
      case 'finish':
      case 'finish-large':
      case 'fail':
      case 'cancel':
        return this.#end(step);
      case 'tell':
        return [status(this.#turn, this.#running.gen)];
      default:
        return this.#write(this.#running);
    }
  }

  /** Returns the frames in response to `resume`. */
  resume(after: number): Frame[] {
    const finals = this.done.slice(after, after + BATCH).map((_, i) => this.#final(after + i + 1));
    const frames = [resumed(this.done.length + (this.#running ? 2 : 1)), ...finals];
    if (!this.#running || this.#running.text === '') return frames;
    const { gen, text } = this.#running;
    return [
      ...frames,
      started(this.#id, this.#turn, gen),
      opened(this.#id, this.#turn, gen),
      delta(this.#id, this.#turn, text, 0, gen),
    ];
  }

  get #turn(): number {
    return this.done.length + 1;
  }

  get #id(): string {
    return `m${this.#turn}`;
  }

  #begin(): Frame[] {
    this.#running = { gen: 0, text: '' };
    this.generations.set(this.#turn, []);
    return this.#restart(1);
  }

  #restart(gen: number): Frame[] {
    this.#running = { gen, text: '' };
    this.generations.get(this.#turn)!.push('');
    return [started(this.#id, this.#turn, gen), opened(this.#id, this.#turn, gen)];
  }

  #write(running: { gen: number; text: string }): Frame[] {
    const piece = `${running.gen}🧘${(this.#written += 1)} `;
    const offset = running.text.length;
    running.text += piece;
    this.generations.get(this.#turn)![running.gen - 1] = running.text;
    return [delta(this.#id, this.#turn, piece, offset, running.gen)];
  }

  #end(step: SessionStep): Frame[] {
    const turn = this.#turn;
    const { gen, text } = this.#running!;
    const kind = step === 'fail' ? 'error' : step === 'cancel' ? 'cancelled' : 'reply';
    this.done.push({
      kind,
      text: kind === 'error' ? '' : text,
      gen,
      large: step === 'finish-large',
    });
    this.#running = null;
    return [this.#final(turn)];
  }

  #final(turn: number): Frame {
    const { kind, text, gen, large } = this.done[turn - 1]!;
    if (kind === 'error') return failed(`m${turn}`, turn, gen);
    if (large) return withheld(`m${turn}`, turn, gen);
    return finished(`m${turn}`, turn, text, gen, kind === 'cancelled' ? 'cancelled' : 'stop');
  }
}
