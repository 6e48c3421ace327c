/** The panel that shows a passage which a reply refers to. */
import type { ChatClient, Citation, Passage, PassageText } from '../core/index.js';
import { webAddress } from '../core/web-address.js';
import { h, setText, textButton } from './dom.js';
import { formatText, type Texts } from './texts.js';

/** What a mark refers to: a citation, or only a passage while the reply is being written. */
export type Source = Citation | Passage;

/**
 * Shows the panel inside `parent` until the user closes it.
 *
 * The quoted words are shown at once, and the whole passage when it has been read. If it cannot be
 * read, because the document has changed or the user may not read it any more, they are all that is
 * shown.
 */
export function openSource(
  parent: HTMLElement,
  client: ChatClient,
  texts: Texts,
  source: Source,
): void {
  const quote = 'quote' in source ? source.quote : '';
  const path = h('p', { class: 'path', dir: 'auto' });
  const text = h(
    'blockquote',
    { dir: 'auto', tabindex: '0', 'aria-labelledby': 'source-title' },
    ...(quote === '' ? [] : [h('mark', {}, quote)]),
  );
  const note = h('p', { class: 'note', role: 'status' }, texts.passageLoading);
  const dialog = h(
    'dialog',
    { class: 'source', 'aria-labelledby': 'source-title' },
    h('h2', { id: 'source-title', dir: 'auto' }, labelOf(source, texts)),
    path,
    text,
    note,
    choices(source, texts, () => dialog.close()),
  );
  const showPath = (headings: readonly string[]) => {
    path.hidden = headings.length === 0;
    setText(path, headings.join(' › '));
  };
  showPath('headings' in source ? source.headings : []);
  text.hidden = quote === '';
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  parent.append(dialog);
  dialog.showModal();
  client.passage(source).then(
    (passage) => {
      note.hidden = true;
      text.hidden = false;
      showPath(passage.headings);
      text.replaceChildren(...markedText(passage, source));
      text.querySelector('mark')?.scrollIntoView({ block: 'center' });
    },
    () => setText(note, texts.passageUnavailable),
  );
}

/** Returns the accessible name of a mark. */
export function labelOf({ number, title, documentId }: Source, texts: Texts): string {
  return formatText(texts.source, { number, title: title || documentId });
}

function choices({ sourceUrl }: Source, texts: Texts, close: () => void): HTMLElement {
  const address = webAddress(sourceUrl);
  const link =
    address &&
    h(
      'a',
      {
        href: address,
        target: '_blank',
        rel: 'noopener noreferrer nofollow',
        referrerpolicy: 'no-referrer',
      },
      texts.openDocument,
    );
  return h(
    'div',
    { class: 'choices' },
    ...(link ? [link] : []),
    textButton(texts.dismissSource, close),
  );
}

// The quote is found by its place in the document. Its words need not be those of the text exactly:
// characters that cannot be seen are left out of it.
function markedText({ text, start }: PassageText, source: Source): (Node | string)[] {
  if (!('quote' in source)) return [text];
  const from = source.start - start;
  const to = source.end - start;
  if (from < 0 || to <= from || to > text.length) return [text];
  return [text.slice(0, from), h('mark', {}, text.slice(from, to)), text.slice(to)];
}
