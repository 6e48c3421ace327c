import { describe, expect, it } from 'vitest';
import { cleanText } from '../../src/ui/clean-text.js';

/** Each case: what it is, the text, and what is sent. */
const CASES: [string, string, string][] = [
  ['a soft line break of slides', 'Title\vsubtitle', 'Title\nsubtitle'],
  ['a page break of a PDF', 'one\ftwo', 'one\ntwo'],
  ['line ends of other systems', 'a\r\nb\rc', 'a\nb\nc'],
  ['half an emoji', 'a\ud83d b \ude00', 'a b '],
  ['control characters', 'a\0b\x1bc\uffffd', 'abcd'],
  ['everything else', 'tab\t, 😀, é, עברית', 'tab\t, 😀, é, עברית'],
];

describe('a message is sent as the server accepts it', () => {
  it.each(CASES)('%s', (_, text, sent) => {
    expect(cleanText(text)).toBe(sent);
  });
});
