/**
 * How each Markdown token is drawn: an allow-list of elements and attributes.
 *
 * Replies are untrusted. Raw HTML is shown as text and an image as a link, so that nothing in a
 * reply can load or run.
 */
import type { Token, Tokens } from 'marked';
import { h } from '../dom.js';
import { decodeMarks, type Mark } from './marks.js';
import { decodeEntities, safeUrl } from './entities.js';

/** How a token is drawn. Tokens with the same `key` can be drawn into the same element. */
export interface NodeSpec {
  readonly key: string;
  /** Creates the element; its children go into `inner`. */
  make(): { node: Node; inner: Node };
  /** The child tokens; null if the element has been filled by whoever made it. */
  readonly children?: readonly Token[] | null;
  /** The text, if there are no child tokens. */
  readonly text?: string;
}

/** Creates the elements that do more than show text. */
export interface ActiveElements {
  /** Creates the frame of a code block around `code`. */
  code(code: HTMLElement, language: string): HTMLElement;
  /** Creates the button for a mark of a source. */
  mark(mark: Mark): HTMLElement;
}

type Make = NodeSpec['make'];

/** Returns how a token is drawn; null if it is not drawn at all. */
export function nodeSpecFor(token: Token, active: ActiveElements): NodeSpec | null {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      return textBlock(`h${Math.min(6, token.depth + 2)}` as 'h3', token.tokens);
    case 'paragraph':
      return textBlock('p', token.tokens);
    case 'blockquote':
      return element('blockquote', token.tokens);
    case 'hr':
      return element('hr');
    case 'list':
      return list(token as Tokens.List);
    case 'list_item':
      return token.loose ? element('li', token.tokens, 'loose') : textBlock('li', token.tokens);
    case 'checkbox':
      return text(token.checked ? '☑ ' : '☐ ');
    case 'table':
      return table(token as Tokens.Table);
    case 'thead':
    case 'tbody':
    case 'tr':
      return element(token.type, (token as Tokens.Generic).tokens);
    case 'cell':
      return cell(token as Tokens.Generic);
    case 'code':
      return code(token as Tokens.Code, active);
    case 'mark':
      return mark(token as unknown as Mark, active);
    case 'html':
      return token.block ? block(token.text) : html(token.raw);
    default:
      return inline(token);
  }
}

function inline(token: Token): NodeSpec {
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
      return element(token.type, token.tokens);
    case 'codespan':
      return { key: 'code', make: elementMaker('code'), text: token.text };
    case 'br':
      return element('br');
    case 'link':
      return link(token.href, token.tokens ?? []);
    case 'image':
      return link(token.href, [
        { type: 'text', raw: token.text, text: token.text || token.href } as Token,
      ]);
    case 'text':
      if (token.tokens) return element('span', token.tokens);
  }
  return text('text' in token && typeof token.text === 'string' ? token.text : token.raw);
}

function elementMaker(
  name: keyof HTMLElementTagNameMap,
  attributes: Record<string, string | undefined> = {},
): Make {
  return () => {
    const node = h(name, attributes);
    return { node, inner: node };
  };
}

function element(
  name: keyof HTMLElementTagNameMap,
  children: readonly Token[] = [],
  variant = '',
): NodeSpec {
  return { key: name + variant, make: elementMaker(name), children };
}

// Each block of text has its own direction: a reply in English can contain a paragraph in Arabic.
function textBlock(name: keyof HTMLElementTagNameMap, children: readonly Token[] = []): NodeSpec {
  return { key: name, make: elementMaker(name, { dir: 'auto' }), children };
}

function text(content: string): NodeSpec {
  const make = () => {
    const node = document.createTextNode('');
    return { node, inner: node };
  };
  return { key: '#text', make, text: decodeEntities(content) };
}

function html(raw: string): NodeSpec {
  return /^<br\s*\/?>$/i.test(raw) ? element('br') : text(raw);
}

function block(content: string): NodeSpec {
  return { key: 'p.html', make: elementMaker('p', { dir: 'auto' }), text: content.trimEnd() };
}

function link(href: string, children: readonly Token[]): NodeSpec {
  const address = safeUrl(decodeMarks(href));
  if (address === null) return element('span', children);
  const make = elementMaker('a', {
    href: address,
    target: '_blank',
    rel: 'noopener noreferrer nofollow',
    referrerpolicy: 'no-referrer',
  });
  return { key: `a ${address}`, make, children };
}

function mark(token: Mark, active: ActiveElements): NodeSpec {
  const make = () => {
    const node = active.mark(token);
    return { node, inner: node };
  };
  return { key: `mark ${token.raw}`, make, children: null };
}

function list({ ordered, start, items }: Tokens.List): NodeSpec {
  if (!ordered) return element('ul', items);
  const first = typeof start === 'number' && start !== 1 ? String(start) : undefined;
  return { key: `ol${first ?? ''}`, make: elementMaker('ol', { start: first }), children: items };
}

function code({ text: content, lang }: Tokens.Code, active: ActiveElements): NodeSpec {
  const language = (lang ?? '').split(/\s/)[0]!.slice(0, 30);
  const make = () => {
    const inner = h('code', { dir: 'ltr' });
    return { node: active.code(inner, decodeMarks(language)), inner };
  };
  return { key: `pre ${language}`, make, text: content };
}

function table({ header, rows }: Tokens.Table): NodeSpec {
  const make = () => {
    const inner = h('table');
    return { node: h('div', { class: 'table', tabindex: '0' }, inner), inner };
  };
  const parts = [group('thead', [row(header, true)])];
  if (rows.length > 0)
    parts.push(
      group(
        'tbody',
        rows.map((cells) => row(cells, false)),
      ),
    );
  return { key: 'table', make, children: parts };
}

// The parser has no tokens for rows and row groups. They get an artificial `raw`, made from the
// texts and alignments in them, because a change of `raw` is how patching notices that it has to
// redraw.
function group(type: string, tokens: readonly Token[]): Token {
  return { type, tokens, raw: tokens.map(({ raw }) => raw).join('\n') } as Token;
}

function row(cells: readonly Tokens.TableCell[], header: boolean): Token {
  return group(
    'tr',
    cells.map(
      ({ text: raw, tokens, align }) =>
        ({ type: 'cell', raw: `${raw}|${align}`, tokens, align, header }) as Token,
    ),
  );
}

function cell({ tokens, header, align }: Tokens.Generic): NodeSpec {
  const name = header ? 'th' : 'td';
  const attributes = {
    class: align ? `to-${align}` : undefined,
    scope: header ? 'col' : undefined,
    dir: 'auto',
  };
  return { key: `${name}${align ?? ''}`, make: elementMaker(name, attributes), children: tokens };
}
