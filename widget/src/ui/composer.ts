/** The input for messages, and the choice of a document. */
import { cleanText } from './clean-text.js';
import type { DocumentInfo } from '../core/index.js';
import { h, iconButton, setText } from './dom.js';
import { formatText, type Texts } from './texts.js';

const MAX_LENGTH = 16_000; // code points

/** Callbacks of the composer. */
export interface ComposerEvents {
  send(text: string): void;
  stop(): void;
  choose(documentId: string | null): void;
}

/** The form at the bottom of the window. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #box: HTMLTextAreaElement;
  readonly #tooLong = h('p', { class: 'too-long', role: 'status', id: 'too-long' });
  readonly #send: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #picker: HTMLSelectElement;
  readonly #pickerBox: HTMLElement;

  constructor(
    private readonly texts: Texts,
    private readonly on: ComposerEvents,
  ) {
    this.#box = h('textarea', {
      rows: '1',
      dir: 'auto',
      'aria-label': texts.message,
      'aria-describedby': 'hint too-long',
      placeholder: texts.placeholder,
      enterkeyhint: 'send',
      autocomplete: 'off',
    });
    this.#send = iconButton('send', texts.send, () => {}, 'send');
    this.#send.type = 'submit';
    this.#stop = iconButton('stop', texts.stop, () => this.#stopped(), 'stop');
    this.#picker = h('select', { 'aria-label': texts.document });
    this.#pickerBox = h('div', { class: 'picker' }, this.#picker);
    this.#pickerBox.hidden = true;
    this.#stop.hidden = true;
    this.#tooLong.hidden = true;
    const hint = h('p', { class: 'visually-hidden', id: 'hint' }, texts.hint);
    const row = h('div', { class: 'row' }, this.#box, this.#stop, this.#send);
    this.element = h(
      'form',
      { class: 'composer', novalidate: true },
      this.#pickerBox,
      row,
      this.#tooLong,
      hint,
    );
    this.#listen();
    this.#changed();
  }

  get text(): string {
    return this.#box.value;
  }

  /** Returns whether the user is writing. */
  get hasFocus(): boolean {
    return this.#box.matches(':focus');
  }

  /** Replaces the text of the input. */
  write(text: string): void {
    this.#box.value = text;
    this.#changed();
  }

  focus(): void {
    this.#box.focus();
  }

  setRunning(running: boolean): void {
    if (this.#stop.hidden === !running) return;
    // Hiding the focused button would lose the keyboard focus to the page.
    const hadFocus = this.#stop.matches(':focus');
    this.#stop.hidden = !running;
    if (hadFocus) this.focus();
  }

  /** Sets the documents to choose from; an empty list hides the choice. */
  setDocuments(documents: readonly DocumentInfo[], chosen: string | null): void {
    const option = (value: string, label: string) => h('option', { value }, label);
    this.#picker.replaceChildren(
      option('', this.texts.noDocument),
      ...documents.map(({ id, title }) => option(id, title || id)),
    );
    this.#picker.value = documents.some(({ id }) => id === chosen) ? chosen! : '';
    this.#pickerBox.hidden = documents.length === 0;
  }

  #listen(): void {
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('input', () => this.#changed());
    this.#box.addEventListener('keydown', (event) => {
      // During composition (Japanese, Chinese, …) Enter confirms the word and must not send.
      // Safari reports that Enter after the composition, recognizable only by its key code.
      const isComposing = event.isComposing || event.keyCode === 229;
      if (event.key !== 'Enter' || event.shiftKey || isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#picker.addEventListener('change', () => this.on.choose(this.#picker.value || null));
  }

  #submit(): void {
    const text = cleanText(this.#box.value).trim();
    if (text === '' || excessCharacters(text) > 0) return;
    this.write('');
    this.on.send(text);
    this.focus();
  }

  #stopped(): void {
    this.on.stop();
    this.focus();
  }

  #changed(): void {
    const text = cleanText(this.#box.value);
    const excess = excessCharacters(text);
    this.#send.disabled = text.trim() === '' || excess > 0;
    this.#box.setAttribute('aria-invalid', String(excess > 0));
    this.#tooLong.hidden = excess <= 0;
    setText(this.#tooLong, excess > 0 ? formatText(this.texts.tooLong, { count: excess }) : '');
    this.#box.style.height = 'auto';
    if (this.#box.scrollHeight > 0) this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}

// Counting code points is slow, so it is done only for texts that may be too long.
function excessCharacters(text: string): number {
  return text.length > MAX_LENGTH ? [...text].length - MAX_LENGTH : 0;
}
