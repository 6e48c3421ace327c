// Every frame of the real server, validated with the schemas of AG-UI itself.
import { AbstractAgent, type BaseEvent } from '@ag-ui/client';
import { EventSchemas } from '@ag-ui/core/schemas';
import { from } from 'rxjs';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { createChatClient } from '../../src/core/index.js';
import { backendIsMissing, Backend } from '../support/backend.js';
import { waitUntil } from '../support/wait.js';

const LARGEST_FRAME = 28 * 1024;
const QUESTIONS = [
  'Hello',
  'Again [[stub:die-once]]',
  'Nobody can [[stub:fatal]]',
  'At length [[stub:long:20000]]',
  'No [[stub:refusal]]',
];

describe.skipIf(backendIsMissing())('the frames of the real server', () => {
  it('are what the schemas say, with no field that they strip, and small enough', async () => {
    const backend = await Backend.start();
    const frames = await record(backend);
    expect(new Set(frames.map(({ type }) => type))).toEqual(
      new Set([
        'CUSTOM',
        'RUN_STARTED',
        'TEXT_MESSAGE_START',
        'TEXT_MESSAGE_CONTENT',
        'TEXT_MESSAGE_END',
        'RUN_FINISHED',
        'RUN_ERROR',
      ]),
    );
    for (const frame of frames) {
      expect(EventSchemas.parse(frame)).toEqual(frame);
      expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(LARGEST_FRAME);
    }
    await backend.stop();
  });

  it('are refused by the client where nothing orders them, so its verification is on', async () => {
    const frames = [
      { type: 'RUN_STARTED', threadId: 's1', runId: 'm1' },
      { type: 'RUN_STARTED', threadId: 's1', runId: 'm1' },
    ] as BaseEvent[];
    class Raw extends AbstractAgent {
      override run() {
        return from(frames);
      }
    }
    await expect(new Raw({ threadId: 's1' }).runAgent()).rejects.toThrow(/RUN_STARTED/);
  });
});

// Sends all questions one after the other, and stops the last reply.
async function record(backend: Backend): Promise<BaseEvent[]> {
  const frames: BaseEvent[] = [];
  class Recorder extends WebSocket {
    constructor(url: string) {
      super(url);
      this.on('message', (data) => frames.push(JSON.parse(String(data)) as BaseEvent));
    }
  }
  const client = createChatClient({
    apiUrl: backend.url,
    storage: null,
    WebSocket: Recorder as never,
  });
  const last = () => client.getState().turns.at(-1);
  for (const question of QUESTIONS) {
    await client.send(question);
    await waitUntil(question, () => last()?.state === 'done');
  }
  const { messageId } = await client.send('Slowly [[stub:slow]]');
  await waitUntil('text', () => last()!.text !== '');
  await client.stop(messageId);
  await waitUntil('the end', () => last()!.kind === 'cancelled');
  client.close();
  return frames;
}
