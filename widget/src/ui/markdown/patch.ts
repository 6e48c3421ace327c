/**
 * Draws tokens into the document, touching only what differs from the previous draw.
 *
 * A reply is drawn up to sixty times a second while it grows. Replacing its elements each time
 * would lose the selection of the reader and cost more with every word. It would also restart
 * scrolling inside tables and code.
 */
import type { Token } from 'marked';
import { decodeMarks } from './marks.js';
import { type ActiveElements, nodeSpecFor } from './node-specs.js';

/** What was drawn for a token. */
export interface DrawnNode {
  readonly key: string;
  raw: string;
  readonly node: Node;
  readonly inner: Node;
  children: DrawnNode[];
}

// Deeper than any text that is meant to be read, and far below what overflows the call stack.
const MAX_DEPTH = 40;

/** Updates `parent`, which shows `drawn`, to show `tokens`; returns what it shows then. */
export function patch(
  parent: Node,
  drawn: readonly DrawnNode[],
  tokens: readonly Token[],
  active: ActiveElements,
  depth = 0,
): DrawnNode[] {
  const wanted = tokens
    .map((token) => ({ token, spec: nodeSpecFor(token, active) }))
    .filter(({ spec }) => spec !== null);
  const result: DrawnNode[] = [];
  let inPlace = true;
  for (const { token, spec } of wanted) {
    const old = inPlace ? drawn[result.length] : undefined;
    if (old && old.key === spec!.key) {
      // A token whose source is unchanged is reused as it is. The first one that changed is updated
      // in place; everything after it is made new. Text grows at its end, so this is the last token
      // in all but rare cases, and looking for moved tokens would not pay.
      if (old.raw !== token.raw) inPlace = false;
      result.push(old.raw === token.raw ? old : fill(old, token, spec!, active, depth));
      continue;
    }
    inPlace = false;
    remove(drawn.slice(result.length));
    drawn = drawn.slice(0, result.length);
    const made: DrawnNode = { key: spec!.key, raw: '', children: [], ...spec!.make() };
    result.push(fill(made, token, spec!, active, depth));
    parent.appendChild(made.node);
  }
  remove(drawn.slice(result.length));
  return result;
}

function fill(
  into: DrawnNode,
  token: Token,
  { children, text }: NonNullable<ReturnType<typeof nodeSpecFor>>,
  active: ActiveElements,
  depth: number,
): DrawnNode {
  into.raw = token.raw;
  if (children === null) return into;
  if (text !== undefined) write(into.inner, decodeMarks(text));
  else if (depth >= MAX_DEPTH) write(into.inner, decodeMarks(token.raw));
  else into.children = patch(into.inner, into.children, children ?? [], active, depth + 1);
  return into;
}

// Appending to a text node keeps a selection in it, and its cost does not depend on the length of
// the text. Setting `data` would do neither.
function write(node: Node, text: string): void {
  const target =
    node instanceof Text
      ? node
      : (node.firstChild ?? node.appendChild(document.createTextNode('')));
  if (!(target instanceof Text)) return;
  if (text.startsWith(target.data)) target.appendData(text.slice(target.data.length));
  else target.data = text;
}

function remove(drawn: readonly DrawnNode[]): void {
  for (const { node } of drawn) node.parentNode?.removeChild(node);
}
