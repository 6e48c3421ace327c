/** What surrounds a block of code: its language, and a button that copies it. */
import type { WindowContext } from './window-context.js';
import { copyText, h, textButton } from './dom.js';
import type { CodeFrame } from './markdown/node-specs.js';

/** Gives the maker of such frames. */
export function codeFrame({ texts, announce }: WindowContext): CodeFrame {
  return (code, language) => {
    const copy = textButton(
      texts.copy,
      async () => {
        const done = (await copyText(code.textContent ?? '')) ? texts.copied : texts.copyFailed;
        announce(done);
        copy.textContent = done;
        setTimeout(() => (copy.textContent = texts.copy), 2000);
      },
      'copy-code',
    );
    copy.setAttribute('aria-label', texts.copyCode);
    const head = h('div', { class: 'code-head' }, h('span', {}, language), copy);
    // What scrolls can be reached with the keyboard.
    return h('div', { class: 'code' }, head, h('pre', { tabindex: '0' }, code));
  };
}
