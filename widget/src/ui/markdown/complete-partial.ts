/**
 * Completes Markdown that is still being written.
 *
 * A reply arrives in pieces, and a piece may end anywhere: after `**`, inside a link, between two
 * lines of a table. Parsed as it stands, `**bo` is plain text with two asterisks, which vanish a
 * moment later; a table is a row of pipes until its second line is there. The reader would see the
 * text flicker and jump. So the text is completed to what it most likely becomes: open marks are
 * closed, and marks that mean nothing yet are held back until more text tells.
 *
 * A wrong guess is harmless, because the next piece is completed from the source again, and the
 * final text is parsed as it is. What must hold is that only the end of the text is changed: the
 * view settles everything before it, and looks no further back than the last block.
 */

/** Returns `source` with its open constructs closed, and trailing marks without meaning removed. */
export function completePartialMarkdown(source: string): string {
  // Inside a code block nothing is Markdown, so there is nothing to complete. One or two ticks at
  // the start of the last line are about to become the closing fence, and would be shown as code.
  if (hasOpenFence(source)) return source.replace(/\n[`~]{1,2}$/, '');
  // Only the last block can be incomplete: a blank line ends emphasis, links and tables.
  const start = source.includes('\n\n') ? source.lastIndexOf('\n\n') + 2 : 0;
  const before = source.slice(0, start);
  const block = withoutBareMarker(source.slice(start));
  return before + (/^ {0,3}\|/.test(block) ? completeTable(block) : completeInline(block));
}

// Counts through the fences, as only an unclosed one makes the rest code. By CommonMark, a fence is
// closed by one of the same character that is at least as long; an info string of a fence of
// backticks contains no backtick, or else the line would be inline code.
function hasOpenFence(source: string): boolean {
  let open: string | null = null;
  for (const [, mark] of source.matchAll(/^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})/gm)) {
    if (open === null) open = mark!;
    else if (mark![0] === open[0] && mark!.length >= open.length) open = null;
  }
  return open !== null;
}

// Removes a last line of which only the marker is there. It is not known yet what it will be: `-`
// may become a list item, a rule, or the underline that turns the previous line into a heading, and
// `1` may start a list or just a sentence.
function withoutBareMarker(block: string): string {
  const start = block.lastIndexOf('\n') + 1;
  const isBare = /^[ \t]*(?:[-*+=]+|\d{1,9}[.)]?|#{1,6}|>)[ \t]*$/.test(block.slice(start));
  return isBare ? block.slice(0, Math.max(0, start - 1)) : block;
}

// A table is one only with its delimiter row. Until that is there, the header gets one to its
// measure: as many columns as it has cells so far. Once a body row has started, the table is
// complete enough.
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
  const start = lastInlineStart(block);
  const text = withoutOpenLink(block.slice(start));
  return block.slice(0, start) + closeOpenMarks(text);
}

// Returns where the last list item, heading or quote of a block begins. Emphasis does not extend
// beyond it, so a mark that is open in an earlier item is plain text and must not be closed here.
function lastInlineStart(block: string): number {
  let start = 0;
  for (const match of block.matchAll(/(?:^|\n)[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6}|>)[ \t]+)+/g)) {
    start = match.index + match[0].length;
  }
  return start;
}

// Shows the text of an unfinished link or image without its brackets and half of its address. The
// mark of a source (see `marks.ts`) is no link.
function withoutOpenLink(text: string): string {
  // Only the last bracket can be open. Starting the expression there avoids trying it at every
  // earlier bracket, which would take quadratic time on a text full of them.
  const start = Math.max(0, text.lastIndexOf('[') - 1);
  return (
    text.slice(0, start) +
    text
      .slice(start)
      .replace(/!?\[(?![\ue000-\ue2ff])([^[\]`]*)(?:\](?:\([^()\s]*(?:\s+"[^"]*"?)?)?)?$/, '$1')
  );
}

interface OpenMark {
  readonly mark: string;
  /** Where the mark ends in the text. */
  readonly end: number;
}

// Matches, in this order: an escaped character, which is skipped; a run of backticks; a mark of
// emphasis or strikethrough. An underscore inside a word, as in `snake_case`, is not a mark.
const INLINE_MARKS = /\\.|(`+)|(\*{1,3}|~~|(?<![\p{L}\p{N}_])_{1,3}|_{1,3}(?![\p{L}\p{N}_]))/gu;

// Tracks the marks from left to right and closes those that are open at the end, innermost first.
// This is simpler than the rules of CommonMark for emphasis; it has to be right only for text as
// models write it, and only for the moment.
function closeOpenMarks(text: string): string {
  const open: OpenMark[] = [];
  INLINE_MARKS.lastIndex = 0;
  for (let match = INLINE_MARKS.exec(text); match; match = INLINE_MARKS.exec(text)) {
    const [all, ticks, mark] = match;
    const end = match.index + all.length;
    if (ticks) {
      const close = closingTicks(text, ticks, end);
      // Code that is open to the end contains no marks, so the search ends here. Ticks at the very
      // end are held back: closing them would show an empty piece of code.
      if (close === -1) {
        return end === text.length
          ? closeMarks(text.slice(0, match.index), open)
          : closeMarks(text + ticks, open);
      }
      INLINE_MARKS.lastIndex = close;
    } else if (mark) {
      trackMark(open, { mark, end }, text[match.index - 1], text[end]);
    }
  }
  return closeMarks(text, open);
}

// Returns the position after the run of backticks that closes the code, which must have the same
// length as the one that opened it, or -1.
function closingTicks(text: string, ticks: string, from: number): number {
  const found = new RegExp(`(?<!\`)${ticks}(?!\`)`, 'g');
  found.lastIndex = from;
  return found.exec(text) ? found.lastIndex : -1;
}

// A mark closes the innermost open one if it is the same and follows a character; otherwise it
// opens one, unless a space follows: `2 * 3` has no emphasis. At the end of the text it is taken as
// opening.
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

// Closes the open marks. One at the very end has nothing to emphasize yet, and is removed instead.
// Spaces at the end are removed too, because `**bold **` is not emphasis.
function closeMarks(text: string, open: OpenMark[]): string {
  let result = text;
  const closers: string[] = [];
  for (const { mark, end } of open.reverse()) {
    if (end >= result.length) result = result.slice(0, end - mark.length);
    else closers.push(mark);
  }
  return closers.length > 0 ? result.trimEnd() + closers.join('') : result;
}
