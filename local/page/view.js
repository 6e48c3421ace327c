// The list of messages and replies.

import { showMarkdown } from './render.js';
import { aboutWords, progressWords, sendWords } from './words.js';

const NEAR_END_PX = 80;

/**
 * Gives a view with `show(entries)`; `on` has resend, edit, retry, copy and rate,
 * each called with an entry (rate also with a rating).
 */
export function createView({ log, scroll, latest, template, on }) {
  const shown = new Map(); // message id to {element, entry}
  let follows = true;

  scroll.addEventListener('scroll', () => {
    follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
    latest.hidden = follows;
  });
  latest.addEventListener('click', () => follow());

  function follow() {
    follows = true;
    latest.hidden = true;
    scroll.scrollTop = scroll.scrollHeight;
  }

  function show(entries) {
    const ids = new Set(entries.map(({ messageId }) => messageId));
    for (const [id, { element }] of shown) {
      if (ids.has(id)) continue;
      element.remove();
      shown.delete(id);
    }
    entries.forEach((entry, i) => place(entry, i));
    if (follows) follow();
  }

  function place(entry, i) {
    const known = shown.get(entry.messageId) ?? { element: made(entry.messageId), entry: null };
    shown.set(entry.messageId, known);
    if (log.children[i] !== known.element) log.insertBefore(known.element, log.children[i] ?? null);
    if (known.entry === entry) return;
    known.entry = entry;
    showEntry(known.element, entry);
  }

  function made(messageId) {
    const element = template.content.firstElementChild.cloneNode(true);
    const click = (name, act) =>
      element.querySelector(`.${name}`).addEventListener('click', (event) => act(shown.get(messageId).entry, event.currentTarget));
    click('resend', on.resend);
    click('edit', on.edit);
    click('retry', on.retry);
    click('copy', on.copy);
    click('up', (entry) => on.rate(entry, 'up'));
    click('down', (entry) => on.rate(entry, 'down'));
    return element;
  }

  return { show, follow };
}

function showEntry(element, entry) {
  const part = (name) => element.querySelector(`.${name}`);
  setText(part('text'), entry.message ?? '…');
  setText(part('sending-text'), sendWords(entry));
  part('sending').classList.toggle('failed', entry.send === 'failed');
  part('sending').hidden = entry.send === 'sent';
  part('resend').hidden = part('edit').hidden = entry.send !== 'failed';
  part('reply').hidden = entry.send !== 'sent';
  showReply(part, entry);
}

function showReply(part, { final, text, rating, ...entry }) {
  // A screen reader is told of the reply once, when it is whole.
  part('reply').setAttribute('aria-busy', String(final === null));
  showMarkdown(part('markdown'), final?.text ?? text);
  const progress = final === null ? progressWords({ ...entry, text }) : '';
  part('status').hidden = final !== null || (progress === '' && text === '');
  setText(part('status-text'), progress);
  part('error').hidden = final?.kind !== 'error';
  setText(part('error-text'), final?.error?.message ?? 'The reply failed.');
  const about = aboutWords({ ...entry, final });
  part('about').hidden = about === '';
  setText(part('about'), about);
  part('actions').hidden = final === null || final.kind === 'error' || final.text === '';
  part('up').setAttribute('aria-pressed', String(rating === 'up'));
  part('down').setAttribute('aria-pressed', String(rating === 'down'));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
