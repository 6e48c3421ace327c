// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { h } from '../../src/ui/dom.js';
import type { MarkRule } from '../../src/ui/markdown/marks.js';
import { MarkdownView } from '../../src/ui/markdown/view.js';

function view() {
  const container = h('div');
  const made = new MarkdownView(container, {
    code: (code) => h('pre', {}, code),
    mark: ({ number, index }) => h('button', { class: `${index}` }, `[${number}]`),
  });
  return { container, view: made };
}

/** Reads a text in which `⟦1⟧` stands for the mark `[1]`. */
function marked(notation: string): { text: string; rule: MarkRule } {
  let text = '';
  const places = [];
  for (const [part, digits] of notation.matchAll(/⟦(\d+)⟧|[^⟦]+/g)) {
    if (digits) places.push({ number: Number(digits), offset: text.length });
    text += digits ? `[${digits}]` : part;
  }
  return { text, rule: { numbers: new Set(places.map(({ number }) => number)), places } };
}

function render(notation: string): string {
  const { container, view: one } = view();
  const { text, rule } = marked(notation);
  one.show(text, true, rule);
  return container.innerHTML.replaceAll(' dir="auto"', '').replaceAll(' dir="ltr"', '');
}

const first = '<button class="0">[1]</button>';

describe('a mark', () => {
  it.each([
    ['stands after a sentence', 'At home.⟦1⟧', `<p>At home.${first}</p>`],
    [
      'counts on',
      'A⟦2⟧⟦2⟧',
      '<p>A<button class="0">[2]</button><button class="1">[2]</button></p>',
    ],
    ['may have two digits', 'A⟦12⟧.', '<p>A<button class="0">[12]</button>.</p>'],
    ['is no link', 'A⟦1⟧(https://x.example)', `<p>A${first}(`],
    ['is no image', 'A!⟦1⟧(https://x.example)', `<p>A!${first}(`],
    ['is no definition', '⟦1⟧: https://x.example', `<p>${first}: <a `],
    ['refers to no definition', '[1]: https://x.example\n\nA⟦1⟧', `<p>A${first}</p>`],
    ['ends a bare link', 'https://x.example/a⟦1⟧', `x.example/a</a>${first}</p>`],
    ['leaves bold text bold', '**At home.**⟦1⟧', `<p><strong>At home.</strong>${first}</p>`],
    ['may be inside of bold text', '**A⟦1⟧ b**', `<p><strong>A${first} b</strong></p>`],
    ['may be in a list', '- A⟦1⟧\n- B', `<ul><li><span>A${first}</span></li><li>`],
    ['may be in a table', '|a|\n|-|\n|b⟦1⟧|', `<td>b${first}</td>`],
    ['is text in a link', '[a⟦1⟧](https://x.example)', '>a[1]</a></p>'],
    ['is text in code', '`a⟦1⟧`', '<p><code>a[1]</code></p>'],
    ['is text in a code block', '```\na⟦1⟧⟦12⟧\n```', '<code>a[1][12]</code>'],
    ['counts line breaks as they came', 'A\r\nB⟦1⟧', `<p>A<br>B${first}</p>`],
  ])('%s', (_, notation, html) => expect(render(notation)).toContain(html));

  it('is only where the server says', () => {
    expect(render('A[1] b⟦1⟧ [1]')).toBe(`<p>A[1] b${first} [1]</p>`);
    expect(render('[1](https://x.example)⟦1⟧')).toContain(`>1</a>${first}`);
  });

  it('is left out where the text does not have it', () => {
    const { container, view: one } = view();
    const places = [
      { number: 1, offset: 0 },
      { number: 2, offset: 1 },
      { number: 1, offset: 1 },
      { number: 1, offset: 1 },
      { number: 1, offset: -3 },
      { number: 1, offset: 99 },
    ];
    one.show('A[1]', true, { numbers: new Set(), places });
    expect(container.innerHTML).toBe(`<p dir="auto">A${first}</p>`);
  });

  it('cannot be forged with the characters that stand for one', () => {
    expect(render('A[\ue021] \ufdef⟦1⟧')).toBe(`<p>A[\ufffd] \ufffd${first}</p>`);
  });
});

describe('a reply that is being written', () => {
  it('has its marks at once, and keeps their elements when it is final', () => {
    const { container, view: one } = view();
    const { text, rule } = marked('One.⟦1⟧\n\nTwo.⟦2⟧ Three');
    one.show(text, false, { ...rule, places: [] });
    const buttons = [...container.querySelectorAll('button')];
    expect(buttons.map(({ className }) => className)).toEqual(['0', '1']);
    one.show(text, true, rule);
    expect([...container.querySelectorAll('button')]).toEqual(buttons);
    expect(container.contains(buttons[0]!)).toBe(true);
  });

  it('shows a number without a passage as text', () => {
    const { container, view: one } = view();
    one.show('A[3] b', false, { numbers: new Set([1]), places: [] });
    expect(container.innerHTML).toBe('<p dir="auto">A[3] b</p>');
  });

  it('ends as if it had come at once, however it is cut', () => {
    const piece = fc.constantFrom(
      'Words ',
      '⟦1⟧',
      '⟦12⟧',
      '[1]',
      '[2](https://x.example) ',
      '**',
      '`',
      '\n',
      '\n\n',
      '- ',
      '| a | b |\n|---|---|\n| c⟦1⟧ | d |\n\n',
      '\n```\n',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 14 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (pieces, sizes) => {
          const { text, rule } = marked(pieces.join(''));
          const { container, view: one } = view();
          for (let end = 0, i = 0; end < text.length; i += 1) {
            end = Math.min(text.length, end + sizes[i % sizes.length]!);
            one.show(text.slice(0, end), false, { ...rule, places: [] });
            expect(container.textContent).not.toMatch(/[\ue000-\ue2ff\ufdef]/);
          }
          one.show(text, true, rule);
          const atOnce = view();
          atOnce.view.show(text, true, rule);
          expect(container.innerHTML).toBe(atOnce.container.innerHTML);
        },
      ),
      { numRuns: 300 },
    );
  });
});
