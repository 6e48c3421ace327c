import { describe, expect, it } from 'vitest';
import { completePartialMarkdown } from '../../src/ui/markdown/complete-partial.js';

/** Each case: its name, the partial text, and the completed one. */
const CASES: [string, string, string][] = [
  ['plain text stays', 'Hello there', 'Hello there'],
  ['open strong text is closed', 'Period **three', 'Period **three**'],
  ['a mark that says nothing yet is withheld', 'Period **', 'Period '],
  ['open emphasis is closed', 'a *b c', 'a *b c*'],
  ['nested marks are closed from the inside', '**a *b', '**a *b***'],
  ['struck text is closed', '~~no', '~~no~~'],
  ['closed marks stay', '**a** and *b*', '**a** and *b*'],
  ['an asterisk between spaces is none', '2 * 3', '2 * 3'],
  ['an underscore in a word is none', 'snake_case', 'snake_case'],
  ['open code is closed', 'run `cargo', 'run `cargo`'],
  ['marks in code are none', '`a ** b` c', '`a ** b` c'],
  ['a tick that says nothing yet is withheld', 'run `', 'run '],
  [
    'a link shows its text before its address is there',
    'see [the page](https://exa',
    'see the page',
  ],
  ['a link shows its text before it is closed', 'see [the pa', 'see the pa'],
  ['a whole link stays', '[a](https://b.example)', '[a](https://b.example)'],
  ['an image shows its text', '![a cat](htt', 'a cat'],
  ['a bare bullet is withheld', 'Text\n- ', 'Text'],
  ['a bare number is withheld', 'Text\n\n1.', 'Text\n\n'],
  ['a line that may be an underline is withheld', 'Text\n--', 'Text'],
  ['a bare heading mark is withheld', '##', ''],
  ['marks do not reach over list items', '- **a\n- b', '- **a\n- b'],
  ['a table begins as one', '| a | b', '| a | b |\n|---|---|'],
  ['a table keeps its form while its second line comes', '| a | b |\n|-', '| a | b |\n|---|---|'],
  ['a table with rows stays', '| a |\n|---|\n| 1', '| a |\n|---|\n| 1'],
  ['code in a fence stays', '```js\na ** b', '```js\na ** b'],
  ['a fence that is being closed loses its first ticks', '```js\na\n``', '```js\na'],
];

describe('Markdown that is still being written', () => {
  it.each(CASES)('%s', (_, source, shown) => {
    expect(completePartialMarkdown(source)).toBe(shown);
  });
});
