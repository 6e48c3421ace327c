// Messages that have not reached the server survive a reload, to be sent again
// by hand under their old ids.

/** Keeps what `conversation` has that the server has not. */
export function saveOutbox(storage, conversation) {
  const waiting = conversation.entries().filter(({ send }) => send !== 'sent');
  const kept = waiting.map(({ messageId, message, documentId }) => ({ messageId, message, documentId }));
  storage.set('outbox', kept.length > 0 ? kept : null);
}

/** Puts back into `conversation` what was kept. */
export function restoreOutbox(storage, conversation) {
  for (const entry of storage.get('outbox') ?? []) {
    conversation.addOwn(entry);
    conversation.setSend(entry.messageId, 'failed', 'The page was closed before this was sent.');
  }
}

/** Makes a message id; `crypto.randomUUID` is missing where the origin is not secure. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
