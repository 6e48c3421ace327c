/** The conversation: the list of turns, and its scrolling. */
import type { ChatState, TurnView } from '../core/index.js';
import type { WindowContext } from './window-context.js';
import { h, iconButton, textButton } from './dom.js';
import { TurnRow } from './turn-row.js';

const NEAR_END_PX = 48;
const NEAR_START_PX = 160;

/** The list of turns. Only those that changed are drawn again. */
export class ConversationView {
  readonly element = h('div', { class: 'scroll', tabindex: '0' });
  readonly latest: HTMLButtonElement;
  readonly #list: HTMLElement;
  readonly #earlier: HTMLButtonElement;
  readonly #rows = new Map<string, TurnRow>();
  #turns: readonly TurnView[] = [];
  #follows = true;
  #hasOlder = false;

  constructor(
    private readonly context: WindowContext,
    welcome: HTMLElement,
  ) {
    const { texts } = context;
    this.element.setAttribute('aria-label', texts.conversation);
    this.element.setAttribute('role', 'region');
    // Not live: the announcer reads a reply once it is complete, instead of piece by piece.
    this.#list = h('div', {
      class: 'list',
      role: 'log',
      'aria-live': 'off',
      'aria-label': texts.conversation,
    });
    this.#earlier = textButton(texts.earlier, () => void this.#loadOlder(), 'secondary earlier');
    this.latest = iconButton('latest', texts.latest, () => this.scrollToEnd(), 'latest');
    this.latest.hidden = true;
    this.element.append(this.#earlier, welcome, this.#list);
    this.element.addEventListener('scroll', () => this.#scrolled(), { passive: true });
  }

  show({ turns, hasOlder }: ChatState): void {
    this.#hasOlder = hasOlder;
    this.#earlier.hidden = !hasOlder;
    if (turns === this.#turns) return;
    const isSame =
      turns.length === this.#turns.length &&
      turns.every(({ messageId }, i) => messageId === this.#turns[i]!.messageId);
    if (!isSame) this.#arrange(turns);
    let drawn = !isSame;
    for (const turn of turns) drawn = this.#rows.get(turn.messageId)!.show(turn) || drawn;
    this.#turns = turns;
    if (drawn && this.#follows) this.#toEnd();
  }

  /** Scrolls to the end, and keeps it in view. */
  scrollToEnd(): void {
    this.#follows = true;
    this.latest.hidden = true;
    this.#toEnd();
  }

  /** Keeps the end in view, if it was, after the size of the window has changed. */
  resized(): void {
    if (this.#follows) this.#toEnd();
  }

  // Inserts, moves and removes rows so that they match the turns. Rows that are in place already
  // are not touched: moving an element in the document would lose the selection and the focus in
  // it.
  #arrange(turns: readonly TurnView[]): void {
    const wanted = new Set(turns.map(({ messageId }) => messageId));
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    let next = this.#list.firstChild;
    for (const { messageId } of turns) {
      const row = this.#rows.get(messageId) ?? this.#make(messageId);
      if (row.element === next) next = next.nextSibling;
      else this.#list.insertBefore(row.element, next);
    }
  }

  #make(messageId: string): TurnRow {
    const row = new TurnRow(this.context, messageId);
    this.#rows.set(messageId, row);
    return row;
  }

  async #loadOlder(): Promise<void> {
    const anchor = this.#list.firstElementChild;
    const before = anchor?.getBoundingClientRect().top ?? 0;
    try {
      await this.context.client.loadOlder();
    } catch (error) {
      return this.context.showError(error);
    }
    // The older turns push down what the user was reading; scrolling by the same distance keeps it
    // in place. The window draws in the next frame, so the new position can be measured in the one
    // after.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        const after = anchor?.getBoundingClientRect().top ?? 0;
        if (!this.#follows) this.element.scrollTop += after - before;
      });
    });
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.latest.hidden = this.#follows;
    if (this.#hasOlder && !this.#follows && scrollTop < NEAR_START_PX) void this.#loadOlder();
  }

  // A value beyond the end is clamped by the browser. Reading `scrollHeight` instead would force a
  // layout on every frame of a reply.
  #toEnd(): void {
    this.element.scrollTop = 1e9;
  }
}
