/** The frame of a code block: its language, and a button to copy it. */
import type { WindowContext } from './window-context.js';
import { copyText, h, textButton } from './dom.js';
import type { ActiveElements } from './markdown/node-specs.js';

/** Returns a function that creates such frames. */
export function codeFrame({ texts, announce }: WindowContext): ActiveElements['code'] {
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
    // A region that scrolls must be focusable, so that the keyboard can scroll it.
    return h('div', { class: 'code' }, head, h('pre', { tabindex: '0', dir: 'ltr' }, code));
  };
}
