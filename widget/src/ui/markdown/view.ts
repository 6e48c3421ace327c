/**
 * Shows Markdown that grows.
 *
 * Blocks that nothing can change any more are read once; only the end of the text is read again when more comes.
 */
import { Lexer, type Token } from 'marked';
import type { CodeFrame } from './node-specs.js';
import { type DrawnNode, patch } from './patch.js';
import { completePartialMarkdown } from './complete-partial.js';

/** A container and the Markdown that it shows. */
export class MarkdownView {
  #text = '';
  #settled = 0; // the length of the text whose blocks are settled
  #done: DrawnNode[] = []; // what was drawn for it
  #open: DrawnNode[] = [];

  constructor(
    private readonly container: HTMLElement,
    private readonly frame: CodeFrame,
  ) {}

  /** Shows `source`; `final` says that nothing will follow. */
  show(source: string, final: boolean): void {
    const text = source.replace(/\r\n?/g, '\n');
    if (!text.startsWith(this.#text)) this.#clear();
    this.#text = text;
    if (final) this.#showAll(text);
    else this.#showEnd(text.slice(this.#settled));
  }

  #showEnd(end: string): void {
    const tokens = read(completePartialMarkdown(end));
    this.#open = patch(this.container, this.#open, tokens, this.frame);
    this.#settle(end, tokens);
  }

  #showAll(text: string): void {
    const tokens = read(text);
    // A link's address may stand below the block that uses it, which was drawn without it then.
    if ('links' in tokens && Object.keys(tokens.links as object).length > 0) this.#clear();
    this.#open = patch(this.container, [...this.#done, ...this.#open], tokens, this.frame);
    this.#done = [];
    this.#settled = text.length;
    this.#text = text;
  }

  // A block is settled once the first line of a block after it is whole: until then that line may still become a
  // part of it, an underline for example.
  #settle(end: string, tokens: readonly Token[]): void {
    let raw = '';
    let settled: readonly Token[] = [];
    let whole = '';
    tokens.forEach((token, i) => {
      if (token.type !== 'space' && end.includes('\n', raw.length)) {
        settled = tokens.slice(0, i);
        whole = raw;
      }
      raw += token.raw;
    });
    if (settled.length === 0 || !end.startsWith(whole)) return;
    const count = settled.filter(({ type }) => type !== 'space' && type !== 'def').length;
    this.#done.push(...this.#open.slice(0, count));
    this.#open = this.#open.slice(count);
    this.#settled += whole.length;
  }

  #clear(): void {
    this.container.replaceChildren();
    this.#text = '';
    this.#settled = 0;
    this.#done = [];
    this.#open = [];
  }
}

// Markdown that is nested beyond all reason overflows the reader's stack; it is shown as it is written.
function read(text: string): Token[] {
  try {
    return new Lexer({ gfm: true, breaks: false }).lex(text);
  } catch {
    return [{ type: 'html', block: true, raw: text, text } as Token];
  }
}
