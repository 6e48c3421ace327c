/** The conversation: the list of turns, and its scrolling. */
import type { ChatState, TurnView } from '../core/index.js';
import type { WindowContext } from './window-context.js';
import { h, iconButton, textButton } from './dom.js';
import { TurnRow } from './turn-row.js';

const NEAR_END_PX = 48;
const NEAR_START_PX = 160;
const KEYS_UP = new Set(['ArrowUp', 'PageUp', 'Home']);

/** The list of turns. Only those that changed are drawn again. */
export class ConversationView {
  readonly element = h('div', { class: 'scroll', tabindex: '0' });
  readonly latest: HTMLButtonElement;
  readonly #list: HTMLElement;
  readonly #earlier: HTMLButtonElement;
  readonly #rows = new Map<string, TurnRow>();
  #turns: readonly TurnView[] = [];
  #follows = true;
  #top = 0; // the scroll position at the last event
  #touchY = 0;
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
    this.latest = iconButton('latest', texts.latest, () => this.#showLatest(), 'latest');
    this.latest.hidden = true;
    this.element.append(this.#earlier, welcome, this.#list);
    this.#listen();
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

  // Any movement upwards ends following at once. The distance from the end does not tell: the first
  // small steps of a trackpad stay near it, and the next piece of the reply would undo each of them.
  #listen(): void {
    const on = <Name extends keyof HTMLElementEventMap>(
      name: Name,
      listener: (event: HTMLElementEventMap[Name]) => void,
    ) => this.element.addEventListener(name, listener, { passive: true });
    on('scroll', () => this.#scrolled());
    on('wheel', ({ deltaY, ctrlKey }) => {
      if (deltaY < 0 && !ctrlKey) this.#leaveEnd();
    });
    on('touchstart', ({ touches }) => {
      this.#touchY = touches[0]!.clientY;
    });
    on('touchmove', ({ touches }) => {
      const { clientY } = touches[0]!;
      if (clientY > this.#touchY) this.#leaveEnd();
      this.#touchY = clientY;
    });
    on('keydown', ({ key, shiftKey, target }) => {
      if (target instanceof HTMLTextAreaElement) return;
      if (KEYS_UP.has(key) || (key === ' ' && shiftKey)) this.#leaveEnd();
    });
  }

  #leaveEnd(): void {
    const { scrollTop } = this.element;
    if (!this.#follows || scrollTop <= 0) return;
    this.#follows = false;
    this.latest.hidden = false;
    // The event of an earlier jump to the end may still come; it must not look like a movement.
    this.#top = scrollTop;
  }

  #showLatest(): void {
    // The button disappears; the focus would be lost to the page.
    if (this.latest.matches(':focus')) this.element.focus({ preventScroll: true });
    this.scrollToEnd();
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
    const distance = scrollHeight - scrollTop - clientHeight;
    // If the content shrinks, the browser moves up too, but then there is no distance to the end.
    if (scrollTop < this.#top && distance > 1) this.#follows = false;
    else if (scrollTop > this.#top && distance < NEAR_END_PX) this.#follows = true;
    this.#top = scrollTop;
    this.latest.hidden = this.#follows;
    if (this.#hasOlder && !this.#follows && scrollTop < NEAR_START_PX) void this.#loadOlder();
  }

  // A value beyond the end is clamped by the browser. Reading `scrollHeight` instead would force a
  // layout on every frame of a reply.
  #toEnd(): void {
    this.element.scrollTop = 1e9;
  }
}
