/** Tells assistive technology what happens: replies once they are whole, and what became of an action. */
import type { TurnView } from '../core/index.js';
import { h } from './dom.js';
import type { Texts } from './texts.js';

const MAX_LENGTH = 1_000; // a reply that is longer is read in the conversation itself

/** A live region that only assistive technology sees. */
export class Announcer {
  readonly element = h('p', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
  readonly #open = new Set<string>();

  say(text: string): void {
    // The same words twice are an event twice.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }

  /** Says the replies that became whole since the last call. */
  follow(turns: readonly TurnView[], texts: Texts): void {
    for (let i = turns.length - 1; i >= 0; i -= 1) {
      const turn = turns[i]!;
      if (turn.state !== 'done') this.#open.add(turn.messageId);
      else if (this.#open.delete(turn.messageId)) this.say(`${texts.replied} ${plain(turn)}`);
      else if (this.#open.size === 0) return;
    }
  }
}

function plain({ text, error }: TurnView): string {
  const words = (error ? error.message : text)
    .replace(/[*_`#>|~]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH)}…` : words;
}
