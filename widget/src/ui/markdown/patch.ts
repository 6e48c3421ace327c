/** Draws tokens into the document, and touches only what differs from what was drawn before. */
import type { Token } from 'marked';
import { type CodeFrame, nodeSpecFor } from './node-specs.js';

/** What was drawn for one token. */
export interface DrawnNode {
  readonly key: string;
  raw: string;
  readonly node: Node;
  readonly inner: Node;
  children: DrawnNode[];
}

// Far deeper than anything that is meant to be read, and far from what a stack holds.
const MAX_DEPTH = 40;

/** Makes `parent`, whose children are `drawn`, show `tokens`; gives what is drawn then. */
export function patch(
  parent: Node,
  drawn: readonly DrawnNode[],
  tokens: readonly Token[],
  frame: CodeFrame,
  depth = 0,
): DrawnNode[] {
  const wanted = tokens
    .map((token) => ({ token, kind: nodeSpecFor(token, frame) }))
    .filter(({ kind }) => kind !== null);
  const result: DrawnNode[] = [];
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
    const made: DrawnNode = { key: kind!.key, raw: '', children: [], ...kind!.make() };
    result.push(fill(made, token, kind!, frame, depth));
    parent.appendChild(made.node);
  }
  remove(drawn.slice(result.length));
  return result;
}

function fill(
  into: DrawnNode,
  token: Token,
  { children, text }: NonNullable<ReturnType<typeof nodeSpecFor>>,
  frame: CodeFrame,
  depth: number,
): DrawnNode {
  into.raw = token.raw;
  if (text !== undefined) write(into.inner, text);
  else if (depth >= MAX_DEPTH) write(into.inner, token.raw);
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

function remove(drawn: readonly DrawnNode[]): void {
  for (const { node } of drawn) node.parentNode?.removeChild(node);
}
