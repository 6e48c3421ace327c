/** Draws tokens into the document, and touches only what differs from what was drawn before. */
import type { Token } from 'marked';
import { type CodeFrame, kindOf } from './kinds.js';

/** What was drawn for one token. */
export interface Drawn {
  readonly key: string;
  raw: string;
  readonly node: Node;
  readonly inner: Node;
  children: Drawn[];
}

// Far deeper than anything that is meant to be read, and far from what a stack holds.
const DEEPEST = 40;

/** Makes `parent`, whose children are `drawn`, show `tokens`; gives what is drawn then. */
export function patch(
  parent: Node,
  drawn: readonly Drawn[],
  tokens: readonly Token[],
  frame: CodeFrame,
  depth = 0,
): Drawn[] {
  const wanted = tokens
    .map((token) => ({ token, kind: kindOf(token, frame) }))
    .filter(({ kind }) => kind !== null);
  const result: Drawn[] = [];
  let inPlace = true;
  for (const { token, kind } of wanted) {
    const old = inPlace ? drawn[result.length] : undefined;
    if (old && old.key === kind!.key) {
      // After the first one that changed, everything is new: text grows at its end.
      if (old.raw !== token.raw) inPlace = false;
      result.push(old.raw === token.raw ? old : fill(old, token, kind!, frame, depth));
      continue;
    }
    inPlace = false;
    remove(drawn.slice(result.length));
    drawn = drawn.slice(0, result.length);
    const made: Drawn = { key: kind!.key, raw: '', children: [], ...kind!.make() };
    result.push(fill(made, token, kind!, frame, depth));
    parent.appendChild(made.node);
  }
  remove(drawn.slice(result.length));
  return result;
}

function fill(
  into: Drawn,
  token: Token,
  { children, text }: NonNullable<ReturnType<typeof kindOf>>,
  frame: CodeFrame,
  depth: number,
): Drawn {
  into.raw = token.raw;
  if (text !== undefined) write(into.inner, text);
  else if (depth >= DEEPEST) write(into.inner, token.raw);
  else into.children = patch(into.inner, into.children, children ?? [], frame, depth + 1);
  return into;
}

// Appending keeps what the reader has selected, and costs the same however long the text is.
function write(node: Node, text: string): void {
  const target =
    node instanceof Text
      ? node
      : (node.firstChild ?? node.appendChild(document.createTextNode('')));
  if (!(target instanceof Text)) return;
  if (text.startsWith(target.data)) target.appendData(text.slice(target.data.length));
  else target.data = text;
}

function remove(drawn: readonly Drawn[]): void {
  for (const { node } of drawn) node.parentNode?.removeChild(node);
}
