/** The chat window: assembles its parts, and draws changes at most once per frame. */
import {
  type ChatClient,
  ChatError,
  type ChatState,
  type DocumentInfo,
  type TurnView,
} from '../core/index.js';
import { Announcer } from './announcer.js';
import { cleanText } from './clean-text.js';
import { Composer } from './composer.js';
import { confirmDialog } from './confirm.js';
import type { WindowContext } from './window-context.js';
import { h, iconButton, setText, textButton } from './dom.js';
import { ConversationView } from './conversation.js';
import { openSource, type Source } from './source-panel.js';
import { formatText, type Texts } from './texts.js';
import { describeConnection, describeError } from './descriptions.js';

const DOCUMENTS_RETRY_MS = 15_000;
const CLOCK_MS = 1_000;
// Drawing a block that is expensive, such as a table of hundreds of rows that grows by a cell per
// frame, could occupy the page completely. If drawing took longer than SLOW_DRAW_MS, the next draw
// starts no sooner than SLOW_DRAW_PAUSE_FACTOR times that after its start. At least three quarters
// of the time thus stay free for input and scrolling, and the text catches up with fewer, larger
// steps.
const SLOW_DRAW_MS = 8;
const SLOW_DRAW_PAUSE_FACTOR = 4;
const BANNER_DELAY_MS = 1_500; // a connection that is lost for less is not mentioned

/** Options of the window, set by the host page. */
export interface WindowOptions {
  readonly client: ChatClient;
  readonly texts: Texts;
  readonly locale: string;
  readonly title: string;
  readonly suggestions: readonly string[];
  /** Lets the user choose one of their documents. */
  readonly picksDocuments: boolean;
  /** The document that messages refer to, unless the user chooses another. */
  readonly documentId: string | null;
  /** Where the choice of a document survives a reload. */
  readonly remember: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Closes the window; absent if it cannot be closed. */
  readonly close?: () => void;
  /** Called before a source is shown; returns whether the window shows it. */
  readonly cite?: (source: Source) => boolean;
  /** Called after each draw. */
  readonly drawn?: (state: ChatState) => void;
}

/** A chat window in its own element. */
export class ChatWindow {
  readonly element: HTMLElement;
  readonly #client: ChatClient;
  readonly #composer: Composer;
  readonly #conversation: ConversationView;
  readonly #announcer = new Announcer();
  readonly #dot = h('span', { class: 'dot' });
  readonly #banner = h('p', { class: 'banner', role: 'status' });
  readonly #bannerText = h('span');
  readonly #reconnect: HTMLButtonElement;
  readonly #notice = h('p', { class: 'banner notice', role: 'alert' });
  readonly #noticeText = h('span');
  readonly #delete: HTMLButtonElement;
  readonly #welcome: HTMLElement;
  readonly #resizes: ResizeObserver;
  readonly #clock: ReturnType<typeof setInterval>;
  readonly #unsubscribe: () => void;
  #documents: readonly DocumentInfo[] = [];
  #documentId: string | null;
  #errorText = '';
  #frame = 0;
  #notBefore = 0;
  #disconnectedSince: number | null = null;
  #isDestroyed = false;
  #wasOpened = false;

  constructor(private readonly options: WindowOptions) {
    const { client, texts } = options;
    this.#client = client;
    this.#documentId = options.documentId;
    this.#composer = new Composer(texts, {
      send: (text) => this.ask(text),
      stop: () => void client.stop().catch((error) => this.#showError(error)),
      choose: (id) => this.#choose(id),
    });
    this.#welcome = this.#makeWelcome();
    this.#conversation = new ConversationView(this.#context(), this.#welcome);
    this.#reconnect = textButton(texts.reconnect, () => void client.connect().catch(() => {}));
    this.#delete = iconButton('trash', texts.delete, () => void this.#askDelete());
    this.#banner.append(this.#bannerText, this.#reconnect);
    this.#notice.append(
      this.#noticeText,
      textButton(texts.dismiss, () => this.#dismiss()),
    );
    const body = h('div', { class: 'body' }, this.#conversation.element, this.#conversation.latest);
    const parts = [this.#makeHeader(), this.#banner, this.#notice, body, this.#composer.element];
    this.element = h('section', { class: 'window' }, ...parts, this.#announcer.element);
    this.element.addEventListener('keydown', (event) => this.#onEscape(event));
    this.#resizes = new ResizeObserver(() => this.#conversation.resized());
    this.#resizes.observe(this.#conversation.element);
    this.#clock = setInterval(() => this.#showConnection(client.getState()), CLOCK_MS);
    this.#unsubscribe = client.subscribe(() => this.#drawSoon());
    this.#draw();
  }

  /** Tells the window that the user sees it. Nothing is asked of the server before. */
  opened(): void {
    if (this.#wasOpened) return;
    this.#wasOpened = true;
    if (this.options.picksDocuments) void this.#loadDocuments();
  }

  /** Sends a message as if the user had written it. */
  ask(text: string): void {
    this.#errorText = '';
    this.#conversation.scrollToEnd();
    // A failure is shown at the message itself.
    this.#client.send(cleanText(text), { documentId: this.#documentId }).catch(() => {});
  }

  /** The message that the user is writing. */
  get draft(): { readonly text: string; readonly hasFocus: boolean } {
    const { text, hasFocus } = this.#composer;
    return { text, hasFocus };
  }

  set draft({ text, hasFocus }) {
    this.#composer.write(text);
    if (hasFocus) this.#composer.focus();
  }

  /** Sets the document that the next messages refer to. */
  setDocument(documentId: string | null): void {
    this.#documentId = documentId;
    this.#composer.setDocuments(this.#documents, documentId);
  }

  focus(): void {
    this.#composer.focus();
    this.#conversation.resized();
  }

  /** Stops the window; the client stays connected. */
  destroy(): void {
    this.#isDestroyed = true;
    cancelAnimationFrame(this.#frame);
    clearInterval(this.#clock);
    this.#resizes.disconnect();
    this.#unsubscribe();
    this.element.remove();
  }

  #context(): WindowContext {
    const { client, texts, locale } = this.options;
    return {
      client,
      texts,
      locale,
      titleOf: (id) => this.#documents.find((document) => document.id === id)?.title,
      openSource: (source) => this.#openSource(source),
      announce: (text) => this.#announcer.say(text),
      showError: (error) => this.#showError(error),
      scrollToEnd: () => this.#conversation.scrollToEnd(),
      edit: (turn) => this.#edit(turn),
    };
  }

  #makeHeader(): HTMLElement {
    const { texts, title, close } = this.options;
    const start = iconButton(
      'plus',
      texts.newConversation,
      () => void this.#startNewConversation(),
    );
    const heading = h('h2', {}, title);
    const header = h('header', {}, this.#dot, heading, start, this.#delete);
    if (close) header.append(iconButton('close', texts.close, close));
    return header;
  }

  #makeWelcome(): HTMLElement {
    const { texts, suggestions } = this.options;
    const welcome = h('div', { class: 'welcome' }, h('p', { class: 'greeting' }, texts.greeting));
    if (suggestions.length === 0) return welcome;
    const list = h('ul', { 'aria-label': texts.suggestions });
    for (const text of suggestions) {
      const button = textButton(text, () => this.#suggest(text), 'suggestion');
      button.dir = 'auto';
      list.append(h('li', {}, button));
    }
    welcome.append(list);
    return welcome;
  }

  #suggest(text: string): void {
    this.ask(text);
    this.#composer.focus();
  }

  // ---- drawing

  #drawSoon(): void {
    if (this.#frame !== 0 || this.#isDestroyed) return;
    this.#frame = requestAnimationFrame(() => this.#drawPaced());
  }

  #drawPaced(): void {
    this.#frame = 0;
    const began = performance.now();
    if (began < this.#notBefore) return this.#drawSoon();
    this.#draw();
    const cost = performance.now() - began;
    this.#notBefore = cost > SLOW_DRAW_MS ? began + cost * SLOW_DRAW_PAUSE_FACTOR : 0;
  }

  #draw(): void {
    const state = this.#client.getState();
    this.#welcome.hidden = state.turns.length > 0 || state.loading;
    this.#conversation.show(state);
    this.#composer.setRunning(state.running);
    this.#delete.disabled = state.turns.length === 0;
    this.#showConnection(state);
    this.#showNotice(state);
    this.#announcer.follow(state.turns, this.options.texts);
    this.options.drawn?.(state);
  }

  #showConnection({ connection }: ChatState): void {
    const { texts } = this.options;
    const { status } = connection;
    if (this.#dot.dataset.status !== status) {
      this.#dot.dataset.status = status;
      this.#dot.title = ['open', 'polling'].includes(status)
        ? texts.connected
        : describeConnection(connection, texts) || texts.connecting;
    }
    const words = describeConnection(connection, texts);
    this.#disconnectedSince = words === '' ? null : (this.#disconnectedSince ?? Date.now());
    const isBrief =
      status === 'waiting' && Date.now() - (this.#disconnectedSince ?? 0) < BANNER_DELAY_MS;
    this.#banner.hidden = words === '' || isBrief;
    this.#reconnect.hidden = !['waiting', 'closed', 'signed-out'].includes(status);
    setText(this.#bannerText, this.#banner.hidden ? '' : words);
  }

  #showNotice({ notice }: ChatState): void {
    const { texts } = this.options;
    let words = this.#errorText;
    if (notice?.code === 'session-ended') words = texts.sessionEnded;
    if (notice?.code === 'refused')
      words = formatText(texts.refused, { message: notice.message ?? '' });
    this.#notice.hidden = words === '';
    setText(this.#noticeText, words);
  }

  // ---- what the user does

  #dismiss(): void {
    this.#errorText = '';
    this.#client.dismissNotice();
    this.#composer.focus();
  }

  #showError(error: unknown): void {
    this.#errorText =
      error instanceof ChatError ? describeError(error, this.options.texts) : String(error);
    this.#drawSoon();
  }

  #edit(turn: TurnView): void {
    const text = this.#client.discard(turn.messageId);
    if (text === null) return;
    this.#composer.write(this.#composer.text === '' ? text : `${text}\n${this.#composer.text}`);
    this.#composer.focus();
  }

  #openSource(source: Source): void {
    const { cite, client, texts } = this.options;
    if (cite?.(source) ?? true) openSource(this.element, client, texts, source);
  }

  async #startNewConversation(): Promise<void> {
    this.#errorText = '';
    this.#composer.focus();
    await this.#client.newSession().catch((error) => this.#showError(error));
  }

  async #askDelete(): Promise<void> {
    if (await confirmDialog(this.element, this.options.texts)) {
      await this.#client.deleteSession().catch((error) => this.#showError(error));
    }
    this.#composer.focus();
  }

  #onEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.stopPropagation();
    if (this.options.close) this.options.close();
    else if (this.#client.getState().running)
      void this.#client.stop().catch((error) => this.#showError(error));
  }

  // ---- documents

  #choose(id: string | null): void {
    this.#documentId = id;
    try {
      this.options.remember?.setItem('learning-yogi:document', id ?? '');
    } catch {
      // Storage is blocked: the choice lasts until the page is left.
    }
  }

  async #loadDocuments(): Promise<void> {
    try {
      this.#documents = await this.#client.documents();
    } catch {
      if (!this.#isDestroyed) setTimeout(() => void this.#loadDocuments(), DOCUMENTS_RETRY_MS);
      return;
    }
    this.#documentId = this.#initialDocument();
    this.#composer.setDocuments(this.#documents, this.#documentId);
  }

  // What the user chose last, or what the host set, or all of them.
  #initialDocument(): string | null {
    let kept: string | null = null;
    try {
      kept = this.options.remember?.getItem('learning-yogi:document') ?? null;
    } catch {
      kept = null;
    }
    if (kept === '' || this.#documents.some(({ id }) => id === kept)) return kept || null;
    return this.#documentId;
  }
}
