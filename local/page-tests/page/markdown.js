// Markdown as a tree of a few harmless elements. The text comes from a model
// and is not trusted: nothing of it is ever parsed as HTML, no image is loaded,
// and a link shows where it leads and opens only when the user clicks on it.
//
// A node is a string or {tag, href?, children}.

import { inline } from './markdown-inline.js';

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*[\w+-]*\s*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBER = /^\s*\d{1,9}[.)]\s+(.*)$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Gives the blocks of a text. */
export function parse(text) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    const { block, next } = blockAt(lines, at);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

function blockAt(lines, at) {
  const line = lines[at];
  if (line.trim() === '') return { block: null, next: at + 1 };
  if (FENCE.test(line)) return code(lines, at);
  if (RULE.test(line)) return { block: { tag: 'hr', children: [] }, next: at + 1 };
  const heading = HEADING.exec(line);
  if (heading) return { block: element('h3', inline(heading[2])), next: at + 1 };
  if (isTable(lines, at)) return table(lines, at);
  if (QUOTE.test(line)) return quote(lines, at);
  if (BULLET.test(line)) return list('ul', BULLET, lines, at);
  if (NUMBER.test(line)) return list('ol', NUMBER, lines, at);
  return paragraph(lines, at);
}

function code(lines, at) {
  const [, mark] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  const text = lines.slice(at + 1, end).join('\n');
  return { block: element('pre', [element('code', [text])]), next: end + 1 };
}

function list(tag, mark, lines, start) {
  const items = [];
  let at = start;
  for (; at < lines.length; at += 1) {
    const item = mark.exec(lines[at]);
    if (item) items.push([item[1]]);
    else if (/^\s+\S/.test(lines[at])) items.at(-1).push(lines[at].trim());
    else if (lines[at].trim() !== '' || !mark.test(lines[at + 1] ?? '')) break;
  }
  return { block: element(tag, items.map((item) => element('li', wrapped(item)))), next: at };
}

function quote(lines, start) {
  let at = start;
  const inside = [];
  for (; at < lines.length && QUOTE.test(lines[at]); at += 1) inside.push(QUOTE.exec(lines[at])[1]);
  return { block: element('blockquote', wrapped(inside)), next: at };
}

function isTable(lines, at) {
  return lines[at].includes('|') && at + 1 < lines.length && lines[at + 1].includes('-') && TABLE_RULE.test(lines[at + 1]);
}

function table(lines, start) {
  const head = element('tr', cells(lines[start]).map((cell) => element('th', inline(cell))));
  const rows = [];
  let at = start + 2;
  for (; at < lines.length && lines[at].includes('|'); at += 1) {
    rows.push(element('tr', cells(lines[at]).map((cell) => element('td', inline(cell)))));
  }
  return { block: element('table', [element('thead', [head]), element('tbody', rows)]), next: at };
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());
}

function paragraph(lines, start) {
  let at = start + 1;
  while (at < lines.length && lines[at].trim() !== '' && !startsBlock(lines, at)) at += 1;
  return { block: element('p', wrapped(lines.slice(start, at))), next: at };
}

function startsBlock(lines, at) {
  return [FENCE, HEADING, BULLET, NUMBER, QUOTE].some((mark) => mark.test(lines[at])) || isTable(lines, at);
}

// Line breaks are kept: models use them where Markdown would join the lines.
function wrapped(lines) {
  return lines.flatMap((line, i) => (i === 0 ? inline(line) : [element('br', []), ...inline(line)]));
}

function element(tag, children) {
  return { tag, children };
}
