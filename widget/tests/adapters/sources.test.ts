// What front ends of other kinds get of the sources of a reply.
import type { BaseEvent } from '@ag-ui/client';
import { Chat } from '@ai-sdk/react';
import { expect, it } from 'vitest';
import { ChatbotAgent } from '../../src/ag-ui/index.js';
import { ChatbotTransport, type ChatbotUIMessage } from '../../src/ai-sdk/index.js';
import { sourcesOf } from '../../src/ai-sdk/messages.js';
import type { TurnView } from '../../src/core/types.js';
import { FakeServer } from '../support/fake-server.js';
import {
  cited,
  delta,
  opened,
  PASSAGE,
  passages,
  started,
  stored,
  citation,
} from '../support/frames.js';
import { waitUntil } from '../support/wait.js';

const TEXT = 'At home [1]';
const CITATION = {
  number: 1,
  offset: 8,
  documentId: 'handbook',
  title: 'Student handbook',
  sourceUrl: 'https://school.example/handbook',
  version: PASSAGE.version,
  ordinal: 3,
  start: 120,
  end: 139,
  quote: 'Phones stay at home',
};

/** Answers the message of a session with a source, once it has come and the socket is open. */
async function answer(server: FakeServer): Promise<void> {
  const turn = await waitUntil('the message', () => server.sessions.get('s1')?.[0]);
  await waitUntil('the socket', () => server.sockets.some(({ sent }) => sent.length > 0));
  const id = turn.message_id;
  server.push(started(id, 1), passages(1), opened(id, 1), delta(id, 1, TEXT, 0));
  const sources = { citations: [citation(8)], grounding: 'cited' } as const;
  Object.assign(turn, { ...stored(id, 1, TEXT), ...sources, message: turn.message });
  server.push(cited(id, 1, TEXT));
}

it('the AI SDK has them as parts, also after a reload', async () => {
  const server = new FakeServer();
  const transport = new ChatbotTransport(server.options());
  const chat = new Chat<ChatbotUIMessage>({ id: 's1', transport });
  await Promise.all([chat.sendMessage({ text: 'Phones?' }), answer(server)]);
  const source = {
    type: 'source-url',
    sourceId: '1',
    url: 'https://school.example/handbook',
    title: 'Student handbook',
    providerMetadata: { chatbot: { citations: [CITATION] } },
  };
  expect(chat.messages.at(-1)!.parts.at(-1)).toEqual(source);
  transport.close();
  const reloaded = new ChatbotTransport(server.options());
  expect((await reloaded.history('s1')).at(-1)!.parts.at(-1)).toEqual(source);
  reloaded.close();
});

it('only documents of the web are links in the AI SDK', () => {
  const turn = (sourceUrl: string | null) =>
    ({ citations: [{ ...CITATION, sourceUrl }] }) as unknown as TurnView;
  for (const address of [null, '', 'handbook.pdf', 'javascript:alert(1)'])
    expect(sourcesOf(turn(address))).toMatchObject([
      { type: 'source-document', sourceId: '1', title: 'Student handbook' },
    ]);
});

it('AG-UI has them as an event before the text, and in the result', async () => {
  const server = new FakeServer();
  const agent = new ChatbotAgent({ ...server.options(), threadId: 's1' });
  const events: BaseEvent[] = [];
  agent.subscribe({ onEvent: ({ event }) => void events.push(event) });
  agent.addMessage({ id: 'm1', role: 'user', content: 'Phones?' });
  await Promise.all([agent.runAgent(), answer(server)]);
  const types = events.map(({ type }) => type as string);
  expect(types.indexOf('CUSTOM')).toBeLessThan(types.indexOf('TEXT_MESSAGE_CONTENT'));
  expect(events.find(({ type }) => (type as string) === 'CUSTOM')).toMatchObject({
    name: 'chat.citations',
    value: { passages: [{ number: 1, documentId: 'handbook', headings: ['Rules', 'Phones'] }] },
  });
  expect(events.at(-1)).toMatchObject({
    result: { text: TEXT, grounding: 'cited', citations: [CITATION] },
  });
  agent.close();
});
