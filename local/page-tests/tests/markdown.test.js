import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from '../page/markdown.js';

const HARMLESS = new Set(['p', 'br', 'hr', 'h3', 'pre', 'code', 'strong', 'em', 'a', 'ul', 'ol', 'li', 'blockquote', 'table', 'thead', 'tbody', 'tr', 'th', 'td']);

/** Writes a tree in short: p(…) for an element, the text itself for text. */
function short(node) {
  if (typeof node === 'string') return node;
  return `${node.tag}${node.href ? `<${node.href}>` : ''}(${node.children.map(short).join('')})`;
}

function checkShown(text, expected) {
  assert.equal(parse(text).map(short).join(' '), expected);
}

function* elements(nodes) {
  for (const node of nodes) {
    if (typeof node === 'string') continue;
    yield node;
    yield* elements(node.children);
  }
}

describe('markdown', () => {
  const cases = {
    'paragraphs and their line breaks': ['a\nb\n\nc', 'p(abr()b) p(c)'],
    'bold, italic and code': ['**a b** *c* `**d**`', 'p(strong(a b) em(c) code(**d**))'],
    'marks that are none': ['2 * 3 * 4 and snake_case ** x', 'p(2 * 3 * 4 and snake_case ** x)'],
    'bullets': ['- a\n- **b**', 'ul(li(a)li(strong(b)))'],
    'numbers with blank lines between': ['1. a\n\n2. b', 'ol(li(a)li(b))'],
    'code blocks, also one that is still coming': ['```js\n<b>\n\n- x', 'pre(code(<b>\n\n- x))'],
    'tables': ['| a | b |\n|---|:-:|\n| 1 | `2` |', 'table(thead(tr(th(a)th(b)))tbody(tr(td(1)td(code(2)))))'],
    'headings, quotes and rules': ['# A\n> b\n\n---', 'h3(A) blockquote(b) hr()'],
  };
  for (const [what, [text, expected]] of Object.entries(cases)) it(`shows ${what}`, () => checkShown(text, expected));
});

describe('untrusted text', () => {
  const cases = {
    'HTML stays text': ['<img src=x onerror=alert(1)><script>x</script>', 'p(<img src=x onerror=alert(1)><script>x</script>)'],
    'a link shows where it leads': ['[bank](https://evil.example/a)', 'p(bank (a<https://evil.example/a>(https://evil.example/a)))'],
    'an image is not loaded': ['![x](https://evil.example/p.png)', 'p(x (a<https://evil.example/p.png>(https://evil.example/p.png)))'],
    'other schemes are no links': ['[x](javascript:alert) [y](data:text/html,z) [z](/chat)', 'p([x](javascript:alert) [y](data:text/html,z) [z](/chat))'],
    'a bare address is a link without the full stop after it': ['See https://example.org/a.', 'p(See a<https://example.org/a>(https://example.org/a).)'],
    'a lookalike host is shown as it is': ['https://аpple.com/x', 'p(a<https://xn--pple-43d.com/x>(https://xn--pple-43d.com/x))'],
  };
  for (const [what, [text, expected]] of Object.entries(cases)) it(what, () => checkShown(text, expected));

  it('of any shape gives harmless elements and web addresses only', () => {
    const pieces = ['<a href=x>', '**', '*', '`', '```', '\n', '\n\n', '- ', '1. ', '|', '|---|', '[', '](', ')', 'javascript:', 'https://e.org', '!', '#', '> ', 'a', '&lt;', '\u202e', '🧘'];
    let seed = 7;
    const next = (n) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 3000; round += 1) {
      const text = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join('');
      for (const { tag, href, ...rest } of elements(parse(text))) {
        assert.ok(HARMLESS.has(tag), text);
        assert.ok(href === undefined || /^https?:\/\//.test(href), text);
        assert.deepEqual(Object.keys(rest), ['children'], text);
      }
    }
  });

  for (const piece of ['`', '``a', '**a', '*a ', '[', '[a](', '![', '|', '- ', '> ', 'https://a', '# ', '-|', '- - ']) {
    it(`of 30,000 characters of ${JSON.stringify(piece)} is parsed in linear steps, near enough`, { timeout: 5000 }, () => {
      const text = piece.repeat(30_000 / piece.length);
      const started = process.cpuUsage();
      assert.ok(parse(text).length > 0);
      assert.ok(process.cpuUsage(started).user < 2_000_000);
    });
  }
});
