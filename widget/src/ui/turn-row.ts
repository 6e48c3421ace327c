/** One message with its reply. */
import type { TurnView } from '../core/index.js';
import { codeFrame } from './code-frame.js';
import type { WindowContext } from './window-context.js';
import { h, setText, textButton } from './dom.js';
import { type Mark, validPlaces } from './markdown/marks.js';
import { MarkdownView } from './markdown/view.js';
import { ReplyActions } from './reply-actions.js';
import { labelOf, type Source } from './source-panel.js';
import { formatText } from './texts.js';
import {
  canHelpToRetry,
  describeError,
  describeNote,
  describeProgress,
  describeSending,
} from './descriptions.js';

/** The element of a turn. Only what has changed in the turn is drawn again. */
export class TurnRow {
  readonly element: HTMLElement;
  readonly #user = h('p', { class: 'text', dir: 'auto' });
  readonly #userBox: HTMLElement;
  readonly #sending = h('p', { class: 'sending' });
  readonly #sendingText = h('span');
  readonly #reply = h('div', { class: 'reply' });
  readonly #markdown = h('div', { class: 'markdown' });
  readonly #status = h('p', { class: 'status' });
  readonly #statusText = h('span');
  readonly #error = h('p', { class: 'error' });
  readonly #errorText = h('span');
  readonly #retry: HTMLButtonElement;
  readonly #note = h('p', { class: 'note' });
  readonly #view: MarkdownView;
  #actions: ReplyActions | null = null;
  #shown: TurnView | null = null;

  constructor(
    private readonly context: WindowContext,
    private readonly messageId: string,
  ) {
    const { texts, client } = context;
    this.#view = new MarkdownView(this.#markdown, {
      code: codeFrame(context),
      mark: (mark) => this.#makeMark(mark),
    });
    this.#userBox = h(
      'div',
      { class: 'user' },
      h('h3', { class: 'visually-hidden' }, texts.you),
      this.#user,
    );
    const again = textButton(texts.retry, () => client.resend(messageId).catch(() => {}));
    const edit = textButton(texts.edit, () => this.#shown && context.edit(this.#shown));
    this.#sending.append(this.#sendingText, h('span', { class: 'choices' }, again, edit));
    this.#status.append(h('span', { class: 'pulse', 'aria-hidden': 'true' }), this.#statusText);
    this.#retry = textButton(texts.retry, () => this.#again());
    this.#error.append(this.#errorText, this.#retry);
    const title = h('h3', { class: 'visually-hidden' }, texts.assistant);
    this.#reply.append(title, this.#markdown, this.#status, this.#error, this.#note);
    this.element = h('article', { class: 'turn' }, this.#userBox, this.#sending, this.#reply);
  }

  /** Shows a turn; returns whether anything had to be drawn. */
  show(turn: TurnView): boolean {
    if (turn === this.#shown) return false;
    const before = this.#shown;
    this.#shown = turn;
    this.#showMessage(turn);
    this.#reply.hidden = turn.state === 'sending' || turn.state === 'failed';
    if (!this.#reply.hidden) this.#showReply(turn, before);
    return true;
  }

  #showMessage(turn: TurnView): void {
    this.#userBox.hidden = turn.message === null;
    setText(this.#user, turn.message ?? '');
    const words = describeSending(turn, this.context.texts);
    this.#sending.hidden = words === '';
    this.#sending.classList.toggle('failed', turn.state === 'failed');
    setText(this.#sendingText, words);
  }

  #showReply(turn: TurnView, before: TurnView | null): void {
    const { texts } = this.context;
    const isDone = turn.state === 'done';
    this.#keepHeight(turn, before);
    this.#view.show(turn.text, isDone, {
      numbers: new Set(turn.passages.map(({ number }) => number)),
      places: turn.citations,
    });
    const progress = isDone
      ? ''
      : describeProgress(turn, this.context.titleOf(turn.documentId), texts);
    this.#status.hidden = isDone || progress === '';
    this.#reply.classList.toggle('writing', !isDone && progress === '');
    setText(this.#statusText, progress);
    this.#reply.setAttribute('aria-busy', String(!isDone));
    this.#error.hidden = turn.kind !== 'error';
    this.#retry.hidden = turn.error !== null && !canHelpToRetry(turn.error);
    setText(
      this.#errorText,
      turn.error ? formatText(texts.failed, { message: describeError(turn.error, texts) }) : '',
    );
    const note = isDone ? describeNote(turn, texts) : '';
    this.#note.hidden = note === '';
    setText(this.#note, note);
    if (isDone && turn.kind !== 'error') this.#showActions(turn);
  }

  // The brackets are not seen, but a copy of the reply contains the mark as it was written.
  #makeMark({ number, index }: Mark): HTMLElement {
    const source = this.#sourceOf(number, index);
    const label = source ? labelOf(source, this.context.texts) : `[${number}]`;
    const bracket = (text: string) => h('span', { class: 'bracket' }, text);
    const button = h(
      'button',
      {
        type: 'button',
        class: 'mark',
        'aria-label': label,
        title: label,
        'aria-haspopup': 'dialog',
      },
      bracket('['),
      String(number),
      bracket(']'),
    );
    button.addEventListener('click', () => {
      const now = this.#sourceOf(number, index);
      if (now) this.context.openSource(now);
    });
    return button;
  }

  // The marks of a final reply have a citation each. While the reply is being written, only the
  // passage that a number stands for is known.
  #sourceOf(number: number, index: number): Source | undefined {
    const { text, citations, passages } = this.#shown!;
    const citation = validPlaces(text, citations)[index];
    return citation?.number === number
      ? citation
      : passages.find((passage) => passage.number === number);
  }

  // When a reply is restarted its text disappears. Keeping the height until the new one is complete
  // prevents everything below from jumping up and down again.
  #keepHeight(turn: TurnView, before: TurnView | null): void {
    const { style } = this.#markdown;
    if (before && turn.state !== 'done' && turn.gen > before.gen && before.text !== '') {
      style.minHeight = `${this.#markdown.offsetHeight}px`;
    } else if (turn.state === 'done' && style.minHeight !== '') {
      style.minHeight = '';
    }
  }

  #showActions(turn: TurnView): void {
    if (this.#actions === null) {
      this.#actions = new ReplyActions(this.context, () => this.#again());
      this.#reply.append(this.#actions.element);
    }
    this.#actions.show(turn);
  }

  #again(): void {
    this.context.scrollToEnd();
    this.context.client.regenerate(this.messageId).catch(() => {});
  }
}
