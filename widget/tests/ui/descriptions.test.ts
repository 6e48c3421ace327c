import { describe, expect, it } from 'vitest';
import { canHelpToRetry, describeError } from '../../src/ui/descriptions.js';
import { textsFor } from '../../src/ui/texts.js';

const GERMAN = textsFor('de-AT');

describe('an error', () => {
  it.each([
    ['budget_exhausted', 'Das heutige Budget lässt diese Frage nicht zu.', false],
    ['providers_unavailable', 'Der KI-Dienst antwortet nicht.', true],
    ['providers_rejected', 'Der KI-Dienst hat die Anfrage abgelehnt.', true],
    ['rate_limited', 'Zu viele Nachrichten in kurzer Zeit.', true],
    ['unauthorized', 'Sie sind abgemeldet.', true],
    ['abandoned', 'Die Antwort wurde unterbrochen.', true],
  ])('%s is told in the language of the user', (code, words, helps) => {
    const error = { code, message: 'In English.' };
    expect(describeError(error, GERMAN)).toContain(words);
    expect(canHelpToRetry(error)).toBe(helps);
  });

  it('without a text of its own is told as the server describes it', () => {
    const error = { code: 'invalid_request', message: 'message must not be empty' };
    expect(describeError(error, GERMAN)).toBe(error.message);
  });
});
