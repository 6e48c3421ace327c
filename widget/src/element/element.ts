/** The custom element `<yogi-chatbot>`: the chat window for any page. */
import {
  type ChatClient,
  type ChatOptions,
  createChatClient,
  type ChatState,
} from '../core/index.js';
import { h, icon } from '../ui/dom.js';
import { styleSheet } from '../ui/style.js';
import { type Texts, textsFor } from '../ui/texts.js';
import { ChatWindow } from '../ui/window.js';

/** Where the window is: floating in a corner of the page behind a button, or inline. */
export type Position = 'bottom-right' | 'bottom-left' | 'inline';

// Scripts can set these before the element is defined.
const PROPERTIES = ['client', 'options', 'texts', 'suggestions', 'open'] as const;

const ATTRIBUTES = [
  'api-url',
  'position',
  'locale',
  'heading',
  'suggestions',
  'documents',
  'document-id',
  'provider',
  'session-id',
  'open',
] as const;

// Importing the package must not fail on a server, where there is no `HTMLElement`.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/**
 * The chat window as an element.
 *
 * Attributes: `api-url`, `position` (`bottom-right`, `bottom-left`, `inline`), `theme` (`light`,
 * `dark`; by default that of the user), `locale`, `heading`, `suggestions` (one per line),
 * `documents` (lets the user choose one), `document-id`, `provider`, `session-id`, `open`. Events:
 * `yogi-open`, `yogi-close`, `yogi-state` with the state in `detail`, and `yogi-cite` with a
 * citation in `detail` when the user opens a source; if it is cancelled the window does not show it.
 */
export class YogiChatbotElement extends Base {
  static readonly observedAttributes: readonly string[] = ATTRIBUTES;

  #window: ChatWindow | null = null;
  #client: ChatClient | null = null;
  #ownClient: ChatClient | null = null;
  #launcher: HTMLButtonElement | null = null;
  #badge = false;
  #seen = new Set<string>();
  #pending = false;
  #options: Partial<ChatOptions> = {};
  #texts: Partial<Texts> = {};
  #suggestions: readonly string[] | null = null;

  /**
   * The client of the window, created from the attributes unless one was set.
   *
   * Null until the element is in a document.
   */
  get client(): ChatClient | null {
    return this.#client;
  }

  set client(client: ChatClient | null) {
    this.#ownClient?.close();
    this.#ownClient = null;
    this.#client = client;
    this.#rebuild();
  }

  /** The options that have no attribute: `token`, `storage`, `fetch`, `WebSocket`. */
  get options(): Partial<ChatOptions> {
    return this.#options;
  }

  set options(options: Partial<ChatOptions>) {
    if (isShallowEqual(this.#options, options)) return;
    this.#options = options;
    this.#resetClient();
  }

  /** Texts of the host that replace the built-in ones. */
  get texts(): Partial<Texts> {
    return this.#texts;
  }

  set texts(texts: Partial<Texts>) {
    if (isShallowEqual(this.#texts, texts)) return;
    this.#texts = texts;
    this.#rebuild();
  }

  /** Suggested questions; the attribute has one per line. */
  get suggestions(): readonly string[] {
    return this.#suggestions ?? lines(this.getAttribute('suggestions'));
  }

  set suggestions(suggestions: readonly string[] | null) {
    if (JSON.stringify(suggestions) === JSON.stringify(this.#suggestions)) return;
    this.#suggestions = suggestions;
    this.#rebuild();
  }

  /** Whether the window is open; an inline window always is. */
  get open(): boolean {
    return this.#isInline || this.hasAttribute('open');
  }

  set open(open: boolean) {
    this.toggleAttribute('open', open);
  }

  /** Opens the window, and sends a message as if the user had written it. */
  ask(text: string): void {
    this.open = true;
    this.#flush();
    this.#window?.ask(text);
  }

  connectedCallback(): void {
    this.#takeEarlyProperties();
    this.#rebuild();
  }

  disconnectedCallback(): void {
    // Moving the element within the page disconnects it for a moment only.
    queueMicrotask(() => {
      if (!this.isConnected) this.#dispose();
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now || !this.isConnected) return;
    if (name === 'open') return this.#setOpen(now !== null);
    if (name === 'document-id') return this.#window?.setDocument(now);
    if (['api-url', 'provider', 'session-id'].includes(name)) return this.#resetClient();
    this.#rebuild();
  }

  // A property that was set before the element was defined is an own one, which hides the accessor.
  #takeEarlyProperties(): void {
    for (const name of PROPERTIES) {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (!early) continue;
      delete (this as Record<string, unknown>)[name];
      Object.assign(this, { [name]: early.value as unknown });
    }
  }

  get #isInline(): boolean {
    return this.getAttribute('position') === 'inline';
  }

  get #locale(): string {
    return (
      this.getAttribute('locale') ||
      (this.closest('[lang]') as HTMLElement | null)?.lang ||
      navigator.language ||
      'en'
    );
  }

  // Replaces the client, because the server, the session or the user is another one.
  #resetClient(): void {
    if (this.#client !== this.#ownClient) return;
    this.#ownClient?.close();
    this.#client = null;
    this.#ownClient = null;
    this.#rebuild();
  }

  // Frameworks set attributes and properties one by one. Rebuilding in a microtask does it once for
  // all of them.
  #rebuild(): void {
    if (this.#pending || !this.isConnected) return;
    this.#pending = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (!this.#pending) return;
    this.#pending = false;
    if (this.isConnected) this.#build();
  }

  #build(): void {
    const draft = this.#window?.draft;
    this.#window?.destroy();
    this.#window = null;
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet()];
    root.replaceChildren();
    const client = this.#makeClient();
    if (client === null) return;
    const frame = this.#isInline ? h('div', { class: 'frame' }) : this.#makeFrame();
    for (const name of ['keydown', 'keypress', 'keyup'] as const)
      frame.addEventListener(name, keepFromPage);
    root.append(frame);
    this.#window = this.#makeWindow(client);
    frame.append(this.#window.element);
    if (!this.#isInline) root.append(this.#makeLauncher());
    this.#setOpen(this.open, false);
    if (draft) this.#window.draft = draft;
  }

  #makeClient(): ChatClient | null {
    const apiUrl = this.getAttribute('api-url') ?? this.#options.apiUrl;
    if (this.#client === null && apiUrl != null) {
      this.#ownClient = createChatClient({
        ...this.#options,
        apiUrl,
        sessionId: this.getAttribute('session-id') ?? this.#options.sessionId,
        provider: this.getAttribute('provider') ?? this.#options.provider,
      });
      this.#client = this.#ownClient;
    }
    return this.#client;
  }

  #makeWindow(client: ChatClient): ChatWindow {
    const locale = this.#locale;
    const texts = textsFor(locale, this.#texts);
    return new ChatWindow({
      client,
      texts,
      locale,
      title: this.getAttribute('heading') ?? texts.title,
      suggestions: this.suggestions,
      picksDocuments: this.hasAttribute('documents'),
      documentId: this.getAttribute('document-id') ?? this.#options.documentId ?? null,
      remember: this.#options.storage === undefined ? storage() : this.#options.storage,
      ...(!this.#isInline && { close: () => this.#close() }),
      cite: (detail) =>
        this.dispatchEvent(new CustomEvent('yogi-cite', { detail, cancelable: true })),
      drawn: (state) => this.#onDraw(state),
    });
  }

  get #side(): 'left' | 'right' {
    return this.getAttribute('position') === 'bottom-left' ? 'left' : 'right';
  }

  #makeFrame(): HTMLElement {
    const texts = textsFor(this.#locale, this.#texts);
    const label = this.getAttribute('heading') ?? texts.title;
    return h('div', { class: `floating frame ${this.#side}`, role: 'dialog', 'aria-label': label });
  }

  #makeLauncher(): HTMLButtonElement {
    const { open } = textsFor(this.#locale, this.#texts);
    const launcher = h('button', {
      type: 'button',
      class: `launcher ${this.#side}`,
      'aria-label': open,
      title: open,
    });
    launcher.addEventListener('click', () => (this.open = !this.hasAttribute('open')));
    this.#launcher = launcher;
    return launcher;
  }

  #close(): void {
    this.open = false;
    this.#launcher?.focus();
  }

  #setOpen(open: boolean, isNews = true): void {
    const frame = this.shadowRoot?.querySelector<HTMLElement>('.floating');
    if (open) {
      void this.#client?.connect().catch(() => {});
      this.#window?.opened();
    }
    if (frame) {
      frame.hidden = !open;
      frame.classList.toggle('open', open);
      this.#drawLauncher(open);
    }
    if (open && isNews) this.#window?.focus();
    if (isNews) this.dispatchEvent(new CustomEvent(open ? 'yogi-open' : 'yogi-close'));
  }

  #drawLauncher(open: boolean): void {
    const launcher = this.#launcher;
    if (!launcher) return;
    if (open) this.#badge = false;
    const { open: toOpen, close, unread } = textsFor(this.#locale, this.#texts);
    const label = open ? close : this.#badge ? `${toOpen} (${unread})` : toOpen;
    launcher.replaceChildren(
      icon(open ? 'close' : 'chat'),
      ...(this.#badge ? [h('span', { class: 'badge' })] : []),
    );
    launcher.setAttribute('aria-label', label);
    launcher.setAttribute('aria-expanded', String(open));
    launcher.title = label;
  }

  // A reply that is completed while the window is closed puts a badge on the button.
  #onDraw(state: ChatState): void {
    for (const { messageId, state: at } of state.turns.slice(-5)) {
      if (at !== 'done') this.#seen.add(messageId);
      else if (this.#seen.delete(messageId) && !this.open) {
        this.#badge = true;
        this.#drawLauncher(false);
      }
    }
    this.dispatchEvent(new CustomEvent('yogi-state', { detail: state }));
  }

  #dispose(): void {
    this.#window?.destroy();
    this.#window = null;
    this.#ownClient?.close();
    if (this.#client === this.#ownClient) this.#client = null;
    this.#ownClient = null;
  }
}

// Outside the shadow root the target of a key is the element, not the field in it. A page with
// shortcuts of a single key would take what is typed here for them. Combinations with Ctrl or
// Command stay the page's, unless they type a character, as AltGr does.
function keepFromPage(event: KeyboardEvent): void {
  const isCombination = event.ctrlKey || event.metaKey;
  if (!isCombination || event.getModifierState('AltGraph')) event.stopPropagation();
}

function storage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

function lines(text: string | null): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

function isShallowEqual(a: object, b: object): boolean {
  const entries = Object.entries(a);
  return (
    entries.length === Object.keys(b).length &&
    entries.every(([key, value]) => (b as Record<string, unknown>)[key] === value)
  );
}
