// What the page says about states, in one place.

/** Says how the connection is; `now` and `until` are milliseconds on one clock. */
export function linkWords({ phase, until }, now, online) {
  if (!online) return 'Offline';
  if (phase === 'waiting') {
    const seconds = Math.ceil((until - now) / 1000);
    return seconds > 1 ? `Reconnecting in ${seconds} s` : 'Reconnecting…';
  }
  return { connecting: 'Connecting…', open: 'Connected', closed: 'Disconnected' }[phase];
}

/** Says what is happening with a reply that is not final. */
export function progressWords({ turn, text, status }) {
  if (status) return statusWords(status);
  if (text !== '') return '';
  return turn === null ? 'Waiting for its turn…' : 'Thinking…';
}

function statusWords({ phase, provider }) {
  switch (phase) {
    case 'context':
      return 'Reading the document…';
    case 'retrying':
      return `${provider ?? 'The provider'} is busy, trying again…`;
    case 'fallback':
      return `The provider is busy, trying ${provider ?? 'another'}…`;
    default:
      return 'Working…';
  }
}

/** Says what there is to know about a final. */
export function aboutWords({ final, context }) {
  if (final === null) return '';
  const by = [final.provider, final.model].filter((name, i, all) => name && all.indexOf(name) === i).join(' · ');
  return [by, FINISH[final.finishReason] ?? '', context === 'unavailable' ? 'The document could not be read, so this is answered without it.' : '']
    .filter(Boolean)
    .join(' — ');
}

const FINISH = {
  length: 'Cut off at the longest allowed length.',
  refusal: 'The model declined to answer.',
  content_filter: 'The reply was held back by a content filter.',
  cancelled: 'Stopped.',
};

/** Says what became of a message on its way to the server. */
export function sendWords({ send, note }) {
  if (send === 'sending') return note ?? 'Sending…';
  if (send === 'failed') return `Not sent. ${note ?? ''}`;
  return '';
}
