// What the fake server answers. A marker in the message selects a fault; the
// markers are those of the stub provider, so that the same messages do for both.

const REPLY = `In **period 3 on Tuesday** class 7B has:

| Subject | Teacher | Room |
|---|---|---|
| Science | Ms Okafor | Lab 21 |

- Bring your \`lab book\`.
- Lunch follows at 12:30.

\`\`\`text
Tue 3  Science  Lab 21
\`\`\`

More at [the school](https://example.org/timetable). <img src=x onerror=alert(1)>`;

/** Gives the steps of a reply; a pause is in milliseconds before the step. */
export function* script(message) {
  const marker = /\[\[stub:([\w-]+)\]\]/.exec(message)?.[1];
  const pieces = REPLY.match(/[\s\S]{1,7}/gu);
  yield { start: true, pause: 200 };
  if (marker === 'fatal') {
    yield { text: 'This reply will ', pause: 50 };
    yield { error: { code: 'provider_unavailable', message: 'No provider could answer. Please try again.' }, pause: 300 };
    return;
  }
  if (marker === 'die-once') {
    yield { text: 'This generation dies', pause: 50 };
    yield { status: { phase: 'retrying', provider: 'fake' }, pause: 300 };
    yield { restart: true, pause: 300 };
  }
  if (marker === 'oversized') yield { oversized: true };
  for (const text of marker === 'slow' ? Array(20).fill(pieces).flat() : pieces) yield { text, pause: marker === 'slow' ? 60 : 15 };
}
