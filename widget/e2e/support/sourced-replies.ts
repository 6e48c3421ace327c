/**
 * Gives the replies of a server sources: the frames of a page are changed on their way, so that a
 * story decides what a reply cites. The passages themselves are read from the server.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page, WebSocketRoute } from 'playwright-core';

/** The content of the document that replies cite. */
export const HANDBOOK = [
  '# Rules',
  '## Phones',
  'Phones stay at home. 📵 On trips, one phone for the group is with the teacher.',
  '## Food',
  'Lunch is at noon. Nuts are not allowed, because some of us would fall ill.',
].join('\n\n');

const PUBLISHED = 'https://school.example/handbook';

/** The quotes by the numbers of their passages. */
const QUOTES: Readonly<Record<number, string>> = {
  1: 'one phone for the group is with the teacher.',
  2: 'Nuts are not allowed',
};

const place = (number: number) => ({
  number,
  document_id: 'handbook',
  title: 'Student handbook',
  source_url: number === 1 ? PUBLISHED : 'javascript:alert(1)',
  version: createHash('sha256').update(HANDBOOK).digest('hex'),
  ordinal: number - 1,
});

const PASSAGES = [
  { ...place(1), headings: ['Rules', 'Phones'] },
  { ...place(2), headings: ['Rules', 'Food'] },
];

/** Writes a file of documents for the server, which has the handbook; `remove` deletes it. */
export function writeHandbook(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'handbook-'));
  const path = join(folder, 'documents.json');
  const document = { id: 'handbook', title: 'Student handbook', content: HANDBOOK };
  writeFileSync(path, JSON.stringify([document]));
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** The replies of one page. */
export class SourcedReplies {
  #text = '';
  #isHeld = false;
  #end = () => {};

  /** Starts to change the replies of a page, and loads it again. */
  static async on(page: Page): Promise<SourcedReplies> {
    const replies = new SourcedReplies();
    await page.routeWebSocket(/./, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => replies.#pass(socket, JSON.parse(String(message))));
    });
    await page.reload(); // the sockets of a page are routed from its next load on
    return replies;
  }

  /**
   * Sets the text of the next replies. `⟦1⟧` is a mark in it; any other `[1]` is text. With
   * `isHeld` a reply stays unfinished until `finish` is called.
   */
  willReply(text: string, isHeld = false): void {
    this.#text = text;
    this.#isHeld = isHeld;
    this.#end = () => {};
  }

  /** Finishes the reply that is held, now or when the server has. */
  finish(): void {
    this.#isHeld = false;
    this.#end();
  }

  #pass(socket: WebSocketRoute, frame: Record<string, unknown>): void {
    const send = (one: object) => socket.send(JSON.stringify(one));
    const { text, citations } = this.#cited();
    const { type, metadata } = frame;
    if (type === 'TEXT_MESSAGE_CONTENT') return;
    if (type !== 'RUN_FINISHED') send(frame);
    if (type === 'TEXT_MESSAGE_START') {
      const { messageId } = frame;
      const value = { passages: PASSAGES };
      send({ type: 'CUSTOM', name: 'chat.citations', value, metadata });
      const position = { ...(metadata as object), offset: 0 };
      send({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta: text, metadata: position });
    }
    if (type !== 'RUN_FINISHED') return;
    const result = { ...(frame.result as object), text, citations, grounding: 'cited' };
    this.#end = () => send({ ...frame, result });
    if (!this.#isHeld) this.#end();
  }

  #cited() {
    let text = '';
    const citations: object[] = [];
    for (const [part, digits] of this.#text.matchAll(/⟦(\d+)⟧|[^⟦]+/g)) {
      if (digits) citations.push(citation(Number(digits), text.length));
      text += digits ? `[${digits}]` : part;
    }
    return { text, citations };
  }
}

function citation(number: number, offset: number): object {
  const quote = QUOTES[number]!;
  const start = HANDBOOK.indexOf(quote);
  return { ...place(number), offset, start, end: start + quote.length, quote };
}
