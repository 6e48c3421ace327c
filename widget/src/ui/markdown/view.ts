/**
 * Shows Markdown while it is being written.
 *
 * Parsing the whole reply for every piece would take quadratic time. Blocks that no further text
 * can change are settled: they are parsed and drawn once. Only the end of the text is parsed again.
 */
import { Lexer, type Token } from 'marked';
import { ChatTokenizer } from './tokenizer.js';
import type { ActiveElements } from './node-specs.js';
import {
  countMarks,
  encodeNumbers,
  encodePlaces,
  type MarkRule,
  NO_MARKS,
  withoutReserved,
} from './marks.js';
import { type DrawnNode, patch } from './patch.js';
import { completePartialMarkdown } from './complete-partial.js';

/** Shows Markdown in a container. */
export class MarkdownView {
  #text = '';
  #settled = 0; // the length of the text in settled blocks
  #marks = 0; // how many marks are in them
  #done: DrawnNode[] = []; // the nodes of the settled blocks
  #open: DrawnNode[] = []; // the nodes of the rest

  constructor(
    private readonly container: HTMLElement,
    private readonly active: ActiveElements,
  ) {}

  /** Shows `source`; `final` means that no more text will follow. */
  show(source: string, final: boolean, marks: MarkRule = NO_MARKS): void {
    const own = withoutReserved(source);
    const text = withPlainBreaks(own);
    if (!text.startsWith(this.#text)) this.#clear();
    this.#text = text;
    if (final) this.#showAll(withPlainBreaks(encodePlaces(own, marks)));
    else this.#showEnd(encodeNumbers(text.slice(this.#settled), marks, this.#marks));
  }

  #showEnd(end: string): void {
    const tokens = parse(completePartialMarkdown(end));
    this.#open = patch(this.container, this.#open, tokens, this.active);
    this.#settle(end, tokens);
  }

  // The final text is parsed as a whole, so that the result is exactly what it would have been at
  // once. Nodes whose source is the same are reused, which is nearly all of them.
  #showAll(text: string): void {
    const tokens = parse(text);
    // A link definition may follow the block that refers to it, which was drawn without the link.
    if ('links' in tokens && Object.keys(tokens.links as object).length > 0) this.#clear();
    this.#open = patch(this.container, [...this.#done, ...this.#open], tokens, this.active);
    this.#done = [];
    this.#settled = text.length;
  }

  // A block is settled once the first line of the next block is complete. Until then that line may
  // still turn out to belong to the block before it: `---` makes it a heading, an indented line
  // continues a list item, a row of pipes turns a paragraph into a table.
  //
  // Parsing the rest separately gives the same result, because Markdown blocks do not depend on
  // what precedes them, except for link definitions, which `#showAll` takes care of.
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
    // The tokens come from the completed text. If completing has changed anything before the end of
    // the blocks to settle, their length does not apply to the original text.
    if (settled.length === 0 || !end.startsWith(whole)) return;
    const count = settled.filter(({ type }) => type !== 'space' && type !== 'def').length;
    this.#done.push(...this.#open.slice(0, count));
    this.#open = this.#open.slice(count);
    this.#settled += whole.length;
    this.#marks += countMarks(whole);
  }

  #clear(): void {
    this.container.replaceChildren();
    this.#text = '';
    this.#settled = 0;
    this.#marks = 0;
    this.#done = [];
    this.#open = [];
  }
}

function withPlainBreaks(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

// Absurdly deep nesting overflows the stack of the parser; such a text is shown as it is written.
function parse(text: string): Token[] {
  try {
    return new Lexer({ gfm: true, breaks: true, tokenizer: new ChatTokenizer() }).lex(text);
  } catch {
    return [{ type: 'html', block: true, raw: text, text } as Token];
  }
}
