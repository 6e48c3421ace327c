// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { h } from '../../src/ui/dom.js';
import { MarkdownView } from '../../src/ui/markdown/view.js';

const active = {
  code: (code: HTMLElement, language: string) =>
    h('div', { class: 'code' }, language, h('pre', {}, code)),
  mark: ({ number }: { readonly number: number }) => h('button', {}, String(number)),
};

function view() {
  const container = h('div');
  return { container, view: new MarkdownView(container, active) };
}

function render(text: string): string {
  const { container, view: one } = view();
  one.show(text, true);
  return container.innerHTML;
}

/** Renders a text piece by piece. */
function stream(
  text: string,
  sizes: readonly number[],
  each: (container: HTMLElement) => void = () => {},
): HTMLElement {
  const { container, view: one } = view();
  for (let end = 0, i = 0; end < text.length; i += 1) {
    end = Math.min(text.length, end + (sizes[i % sizes.length] ?? 1));
    one.show(text.slice(0, end), false);
    each(container);
  }
  one.show(text, true);
  return container;
}

const RICH = `# Timetable

In **period 3** class *7B* has \`Science\`; see [the page](https://example.org/t "t").

| Day | Lesson | Room |
|:---|:---:|---:|
| Tue | Science | 21 |
| Wed | Maths &amp; more | 4<br>5 |

1. one
2. two
   - nested **deep**
   - again

   loose text
3. three

- [x] done
- [ ] open

> a quote
> with two lines

\`\`\`js
const a = "<b>";
\`\`\`

---
Setext
======
Last line with https://example.org and a break  
here.`;

describe('Markdown becomes elements', () => {
  const cases: [string, string][] = [
    ['# A', '<h3 dir="auto">A</h3>'],
    [
      'a **b** *c* ~~d~~ `e`',
      '<p dir="auto">a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code></p>',
    ],
    ['- a\n- b', '<ul><li dir="auto"><span>a</span></li><li dir="auto"><span>b</span></li></ul>'],
    ['3. a', '<ol start="3"><li dir="auto"><span>a</span></li></ol>'],
    ['a &amp; b &lt;', '<p dir="auto">a &amp; b &lt;</p>'],
    ['x  \ny', '<p dir="auto">x<br>y</p>'],
    ['x\ny', '<p dir="auto">x<br>y</p>'],
    ['> q', '<blockquote><p dir="auto">q</p></blockquote>'],
  ];
  it.each(cases)('%j', (source, expected) => {
    expect(render(source)).toBe(expected);
  });

  it('a table has a head, rows and directions', () => {
    expect(render('| a | b |\n|---|---:|\n| 1 | 2 |')).toBe(
      '<div class="table" tabindex="0"><table>' +
        '<thead><tr><th scope="col" dir="auto">a</th><th class="to-right" scope="col" dir="auto">b</th></tr></thead>' +
        '<tbody><tr><td dir="auto">1</td><td class="to-right" dir="auto">2</td></tr></tbody></table></div>',
    );
  });
});

describe('what models write often is shown as they mean it', () => {
  const cases: [string, string][] = [
    ['takes ~5~6 h, ~100~200 €', 'takes ~5~6 h, ~100~200 €'],
    [
      '**「強調」**します。これは**"重要"**です。',
      '<strong>「強調」</strong>します。これは<strong>"重要"</strong>です。',
    ],
    ['これは**太字**です', 'これは<strong>太字</strong>です'],
    ['a **"b"**c', 'a **"b"**c'],
    ['Area: \\( \\pi r^2 \\) and \\[a_1 * b_2\\]', 'Area: \\( \\pi r^2 \\) and \\[a_1 * b_2\\]'],
    ['\\[not a link\\](x)', '[not a link](x)'],
  ];
  it.each(cases)('%j', (source, expected) => {
    expect(render(source)).toBe(`<p dir="auto">${expected}</p>`);
  });

  it.each([
    ['見て https://example.org/a。次', 'https://example.org/a', '見て https://example.org/a。次'],
    ['（https://example.org/b）', 'https://example.org/b', '（https://example.org/b）'],
    ['https://example.org/c, d', 'https://example.org/c', 'https://example.org/c, d'],
  ])('%j links to %s', (source, address, shown) => {
    const { container, view: one } = view();
    one.show(source, true);
    expect(container.querySelector('a')?.href).toBe(address);
    expect(container.textContent).toBe(shown);
  });

  it('text full of opening marks is parsed in linear time', () => {
    for (const mark of ['\\( ', '\\[ ', '**(a ']) {
      const { container, view: one } = view();
      one.show(mark.repeat(3_000), true);
      expect(container.textContent!.length).toBeGreaterThan(5_000);
    }
  });
});

describe('what a model writes is data', () => {
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <iframe src="https://evil.example"></iframe> b',
    '![pixel](https://evil.example/p.png)',
    '![](https://evil.example/p.png)',
    '<svg onload=alert(1)>',
    '<style>*{display:none}</style>',
  ])('%s makes no element that loads or runs', (source) => {
    const { container, view: one } = view();
    for (const final of [false, true]) {
      one.show(source, final);
      expect(
        container.querySelector(
          'script, img, iframe, svg, style, object, embed, link, video, audio, form',
        ),
      ).toBeNull();
    }
  });

  it.each([
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](data:text/html,<script>alert(1)</script>)',
    '[x](vbscript:x)',
    '[x](//evil.example)',
    '[x](file:///etc/passwd)',
    '<javascript:alert(1)>',
  ])('%s is no link', (source) => {
    const { container, view: one } = view();
    one.show(source, true);
    expect(container.querySelector('a')).toBeNull();
    expect(container.textContent).not.toBe('');
  });

  it('a link says what it may not pass on', () => {
    const { container, view: one } = view();
    one.show('[a](https://b.example/c)', true);
    const link = container.querySelector('a')!;
    expect([link.rel, link.target, link.href]).toEqual([
      'noopener noreferrer nofollow',
      '_blank',
      'https://b.example/c',
    ]);
  });

  it('no attribute but the known ones is ever set, whatever comes, at any moment', () => {
    const known = new Set([
      'href',
      'target',
      'rel',
      'referrerpolicy',
      'class',
      'start',
      'scope',
      'tabindex',
      'dir',
    ]);
    const check = (container: HTMLElement) => {
      for (const element of container.querySelectorAll('*')) {
        for (const name of element.getAttributeNames()) expect(known).toContain(name);
      }
    };
    const piece = fc.constantFrom(
      '<img src=x onerror=y>',
      '[a](',
      'javascript:',
      '"',
      ')',
      '![',
      '](',
      '`',
      '**',
      '\n',
      '|',
      '<a href=',
      '> ',
      '- ',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        stream(pieces.join(''), [3], check);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a text that grows', () => {
  it('ends as if it had come at once', () => {
    for (const size of [1, 2, 7, 40]) expect(stream(RICH, [size]).innerHTML).toBe(render(RICH));
  });

  it('ends as if it had come at once, whatever it is and however it is cut', () => {
    const piece = fc.constantFrom(
      '# ',
      '**',
      '*',
      '`',
      '```\n',
      '\n',
      '\n\n',
      '- ',
      '1. ',
      '> ',
      '| a | b |',
      '|---|---|',
      '  ',
      'word ',
      'x',
      '[a](b)',
      '===',
      '---',
      '<b>',
      '\r\n',
      '&amp;',
      '[r]: https://a.example\n',
      '[r]',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(fc.nat(9), { minLength: 1 }),
        (pieces, sizes) => {
          const text = pieces.join('');
          expect(
            stream(
              text,
              sizes.map((size) => size + 1),
            ).innerHTML,
          ).toBe(render(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not touch the blocks that are settled', () => {
    const { container, view: one } = view();
    one.show('First.\n\nSecond.\n\nThi', false);
    const [first, second] = container.children;
    one.show('First.\n\nSecond.\n\nThird and **more', false);
    expect(container.children[0]).toBe(first);
    expect(container.children[1]).toBe(second);
    expect(container.children[2]!.innerHTML).toBe('Third and <strong>more</strong>');
  });

  it('keeps the items and rows that are there', () => {
    const { container, view: one } = view();
    one.show('- one\n- two\n- th', false);
    const first = container.querySelector('li');
    one.show('- one\n- two\n- three\n- fo', false);
    expect(container.querySelector('li')).toBe(first);
    expect(container.querySelectorAll('li')).toHaveLength(4);
  });

  it('never shows marks that will vanish', () => {
    const seen: string[] = [];
    stream(
      'In **period 3** class *7B* has `Science`, [here](https://example.org/x).',
      [1],
      (container) => seen.push(container.textContent!),
    );
    expect(seen.filter((text) => /[*`[\]]/.test(text))).toEqual([]);
  });

  it('that is restarted shows nothing of what was there', () => {
    const { container, view: one } = view();
    one.show('Old text\n\nwith a second block', false);
    one.show('New', false);
    expect(container.innerHTML).toBe('<p dir="auto">New</p>');
  });

  it('that is nested beyond reason is shown as it is written', () => {
    const { container, view: one } = view();
    one.show('> '.repeat(5_000) + 'deep', true);
    expect(container.textContent).toContain('deep');
  });
});
