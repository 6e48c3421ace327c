/** The confirmation before a conversation is deleted. */
import { h, textButton } from './dom.js';
import type { Texts } from './texts.js';

/** Shows the dialog inside `parent`; resolves with the answer, false for Escape. */
export function confirmDialog(parent: HTMLElement, texts: Texts): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = false;
    const no = textButton(texts.deleteNo, () => dialog.close());
    const yes = textButton(
      texts.deleteYes,
      () => {
        answer = true;
        dialog.close();
      },
      'danger',
    );
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'delete-title', 'aria-describedby': 'delete-text' },
      h('h2', { id: 'delete-title' }, texts.deleteTitle),
      h('p', { id: 'delete-text' }, texts.deleteText),
      h('div', { class: 'choices' }, no, yes),
    );
    dialog.addEventListener('keydown', (event) => event.stopPropagation());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    parent.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
