/**
 * Announces complete replies and the results of actions to assistive technology.
 *
 * A reply that is being written is not in a live region: a screen reader would start over with
 * every piece. It is announced once, when it is complete.
 */
import type { TurnView } from '../core/index.js';
import { describeError } from './descriptions.js';
import { h } from './dom.js';
import type { Texts } from './texts.js';

const MAX_LENGTH = 1_000; // the rest of a longer reply can be read in the conversation

/** A live region that is visible to assistive technology only. */
export class Announcer {
  readonly element = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  readonly #open = new Set<string>();

  say(text: string): void {
    // Setting the same text again would not be announced; a trailing space makes it different.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }

  /** Announces the replies that were completed since the last call. */
  follow(turns: readonly TurnView[], texts: Texts): void {
    for (let i = turns.length - 1; i >= 0; i -= 1) {
      const turn = turns[i]!;
      if (turn.state !== 'done') this.#open.add(turn.messageId);
      else if (this.#open.delete(turn.messageId))
        this.say(`${texts.replied} ${plain(turn, texts)}`);
      else if (this.#open.size === 0) return;
    }
  }
}

function plain({ text, error }: TurnView, texts: Texts): string {
  const words = (error ? describeError(error, texts) : text)
    .replace(/[*_`#>|~]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH)}…` : words;
}
