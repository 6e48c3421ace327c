/** The actions on a reply: copy it, ask again, rate it, see its model and cost. */
import { cleanText } from './clean-text.js';
import type { Rating, TurnView } from '../core/index.js';
import type { WindowContext } from './window-context.js';
import { copyText, h, icon, iconButton, setText, textButton } from './dom.js';
import { describeDetails } from './descriptions.js';

/** The buttons below a reply. */
export class ReplyActions {
  readonly element = h('div', { class: 'reply-footer' });
  readonly #copy: HTMLButtonElement;
  readonly #up: HTMLButtonElement;
  readonly #down: HTMLButtonElement;
  readonly #info: HTMLButtonElement;
  #details: HTMLElement | null = null;
  #form: HTMLElement | null = null;
  #turn: TurnView | null = null;

  constructor(
    private readonly context: WindowContext,
    again: () => void,
  ) {
    const { texts } = context;
    this.#copy = iconButton('copy', texts.copy, () => void this.#copyReply());
    this.#up = iconButton('up', texts.good, () => void this.#rate('up'));
    this.#down = iconButton('down', texts.bad, () => this.#ask());
    this.#info = iconButton('info', texts.details, () => this.#toggleDetails());
    this.#info.setAttribute('aria-expanded', 'false');
    const regenerate = iconButton('again', texts.regenerate, again);
    this.element.append(
      h('div', { class: 'actions' }, this.#copy, regenerate, this.#up, this.#down, this.#info),
    );
  }

  show(turn: TurnView): void {
    this.#turn = turn;
    this.#up.setAttribute('aria-pressed', String(turn.feedback === 'up'));
    this.#down.setAttribute('aria-pressed', String(turn.feedback === 'down'));
    this.#copy.hidden = turn.text === '';
  }

  async #copyReply(): Promise<void> {
    const { texts, announce } = this.context;
    const isCopied = await copyText(this.#turn?.text ?? '');
    if (!isCopied) return this.context.showError(texts.copyFailed);
    announce(texts.copied);
    this.#copy.replaceChildren(icon('check'));
    setTimeout(() => this.#copy.replaceChildren(icon('copy')), 2000);
  }

  async #rate(rating: Rating, comment?: string): Promise<void> {
    const { client, texts, announce, showError } = this.context;
    if (this.#turn?.turn == null) return;
    try {
      await client.feedback(this.#turn.turn, rating, comment);
      announce(texts.thanks);
    } catch (error) {
      showError(error);
    }
  }

  // The rating is sent at once; the comment is optional and follows as a second rating.
  #ask(): void {
    if (this.#form) return;
    void this.#rate('down');
    const { texts } = this.context;
    const box = h('textarea', {
      rows: '2',
      maxlength: '2000',
      'aria-label': texts.comment,
      placeholder: texts.comment,
    });
    const done = () => {
      this.#form?.remove();
      this.#form = null;
      this.#down.focus();
    };
    const send = textButton(texts.sendComment, () => {
      const comment = cleanText(box.value).trim();
      if (comment !== '') void this.#rate('down', comment);
      done();
    });
    box.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      done();
    });
    this.#form = h('div', { class: 'comment' }, box, send, textButton(texts.skipComment, done));
    this.element.append(this.#form);
    this.element.scrollIntoView({ block: 'nearest' });
    box.focus();
  }

  #toggleDetails(): void {
    if (this.#details) {
      this.#details.remove();
      this.#details = null;
    } else if (this.#turn) {
      const rows = describeDetails(this.#turn, this.context.texts, this.context.locale);
      this.#details = h('dl', { class: 'details' });
      for (const [name, value] of rows)
        this.#details.append(h('div', {}, h('dt', {}, name), detail(value)));
      this.element.append(this.#details);
      this.element.scrollIntoView({ block: 'nearest' });
    }
    this.#info.setAttribute('aria-expanded', String(this.#details !== null));
  }
}

function detail(value: string): HTMLElement {
  const element = h('dd');
  setText(element, value);
  return element;
}
