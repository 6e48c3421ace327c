/**
 * Returns a text as the server accepts it.
 *
 * Text that is pasted from slides or PDF pages has line breaks of its own kinds, which become line
 * feeds. What the contract refuses besides, control characters and halves of surrogate pairs, is
 * invisible, and is left out.
 */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?|[\v\f]/g, '\n')
    .replace(/[^\t\n -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');
}
