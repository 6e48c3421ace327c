/**
 * Completes Markdown that is still being written, so that what it will become is what is shown from the start: no
 * asterisks that vanish, no row of pipes that turns into a table. Only the end of the text is touched.
 */

/** Gives `source` with what is open at its end closed, or held back where it says nothing yet. */
export function completePartialMarkdown(source: string): string {
  const fence = openFence(source);
  if (fence) return source.replace(/\n[`~]{1,2}$/, '');
  const start = source.includes('\n\n') ? source.lastIndexOf('\n\n') + 2 : 0;
  const before = source.slice(0, start);
  const block = withoutBareMarker(source.slice(start));
  return before + (/^ {0,3}\|/.test(block) ? completeTable(block) : completeInline(block));
}

function openFence(source: string): boolean {
  let open: string | null = null;
  for (const [, mark] of source.matchAll(/^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})/gm)) {
    if (open === null) open = mark!;
    else if (mark![0] === open[0] && mark!.length >= open.length) open = null;
  }
  return open !== null;
}

// A line of which only the marker has come: a bullet could still be a rule, a number the start of a list.
function withoutBareMarker(block: string): string {
  const start = block.lastIndexOf('\n') + 1;
  const isBare = /^[ \t]*(?:[-*+=]+|\d{1,9}[.)]?|#{1,6}|>)[ \t]*$/.test(block.slice(start));
  return isBare ? block.slice(0, Math.max(0, start - 1)) : block;
}

function completeTable(block: string): string {
  const [header = '', delimiter, ...rows] = block.split('\n');
  if (rows.length > 0) return block;
  const cells = header
    .replace(/^\s*\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/);
  const whole = header.trimEnd().endsWith('|') ? header : `${header} |`;
  if (delimiter !== undefined && !/^[\s|:-]*$/.test(delimiter)) return block;
  return `${whole}\n|${'---|'.repeat(cells.length)}`;
}

function completeInline(block: string): string {
  const start = lastInline(block);
  const text = withoutOpenLink(block.slice(start));
  return block.slice(0, start) + closeOpenMarks(text);
}

// Emphasis does not reach over list items, headings and quotes.
function lastInline(block: string): number {
  let start = 0;
  for (const match of block.matchAll(/(?:^|\n)[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6}|>)[ \t]+)+/g)) {
    start = match.index + match[0].length;
  }
  return start;
}

function withoutOpenLink(text: string): string {
  // Only the last bracket can be open; looking no further keeps this short, whatever was written before.
  const start = Math.max(0, text.lastIndexOf('[') - 1);
  return (
    text.slice(0, start) +
    text.slice(start).replace(/!?\[([^[\]`]*)(?:\](?:\([^()\s]*(?:\s+"[^"]*"?)?)?)?$/, '$1')
  );
}

interface OpenMark {
  readonly mark: string;
  readonly end: number;
}

const INLINE_MARKS = /\\.|(`+)|(\*{1,3}|~~|(?<![\p{L}\p{N}_])_{1,3}|_{1,3}(?![\p{L}\p{N}_]))/gu;

// Follows the marks from left to right; those that are still open at the end are closed, innermost first.
function closeOpenMarks(text: string): string {
  const open: OpenMark[] = [];
  INLINE_MARKS.lastIndex = 0;
  for (let match = INLINE_MARKS.exec(text); match; match = INLINE_MARKS.exec(text)) {
    const [all, ticks, mark] = match;
    const end = match.index + all.length;
    if (ticks) {
      const close = closingTicks(text, ticks, end);
      if (close === -1)
        return end === text.length
          ? closeMarks(text.slice(0, match.index), open)
          : closeMarks(text + ticks, open);
      INLINE_MARKS.lastIndex = close;
    } else if (mark) {
      trackMark(open, { mark, end }, text[match.index - 1], text[end]);
    }
  }
  return closeMarks(text, open);
}

function closingTicks(text: string, ticks: string, from: number): number {
  const found = new RegExp(`(?<!\`)${ticks}(?!\`)`, 'g');
  found.lastIndex = from;
  return found.exec(text) ? found.lastIndex : -1;
}

function trackMark(
  open: OpenMark[],
  one: OpenMark,
  before: string | undefined,
  after: string | undefined,
): void {
  const last = open.at(-1);
  if (last?.mark === one.mark && before !== undefined && !/\s/.test(before)) open.pop();
  else if (after === undefined || !/\s/.test(after)) open.push(one);
}

// A mark with nothing after it opens nothing yet, so it is held back.
function closeMarks(text: string, open: OpenMark[]): string {
  let result = text;
  const closers: string[] = [];
  for (const { mark, end } of open.reverse()) {
    if (end >= result.length) result = result.slice(0, end - mark.length);
    else closers.push(mark);
  }
  return closers.length > 0 ? result.trimEnd() + closers.join('') : result;
}
