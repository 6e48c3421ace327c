/**
 * A provider that streams given texts, for screenshots and measurements. It implements the minimum
 * of the Claude Messages API.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens after the text of a reply. */
export type ReplyEnding = 'ends' | 'stalls' | 'rejects';

/** Streams a given text in response to every request. */
export class ScriptedProvider {
  url = '';
  #text = '';
  #ending: ReplyEnding = 'ends';
  #delayMs = 0;
  readonly #server: Server = createServer((request, response) => {
    request.resume().on('end', () => void this.#answer(response));
  });

  static async start(): Promise<ScriptedProvider> {
    const provider = new ScriptedProvider();
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    provider.url = `http://127.0.0.1:${(provider.#server.address() as AddressInfo).port}`;
    return provider;
  }

  /** Sets the reply to all further requests: one word every `delayMs` on average. */
  willReply(text: string, ending: ReplyEnding = 'ends', delayMs = 0): void {
    this.#text = text;
    this.#ending = ending;
    this.#delayMs = delayMs;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(response: ServerResponse): Promise<void> {
    if (this.#ending === 'rejects') {
      const error = { type: 'authentication_error', message: 'no' };
      return void response
        .writeHead(401, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ type: 'error', error }));
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const send = (data: { readonly type: string; readonly [field: string]: unknown }) =>
      response.write(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
    const usage = { input_tokens: 412, output_tokens: 1 };
    const message = {
      id: 'msg',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      usage,
    };
    send({ type: 'message_start', message });
    send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    await this.#write((text) =>
      send({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    );
    if (this.#ending === 'stalls') return;
    send({ type: 'content_block_stop', index: 0 });
    send({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { output_tokens: 64 },
    });
    send({ type: 'message_stop' });
    response.end();
  }

  // The schedule is absolute, so a late word does not delay those after it.
  async #write(send: (word: string) => void): Promise<void> {
    const begin = performance.now();
    for (const [n, word] of this.#text.split(/(?<= )/).entries()) {
      const early = begin + n * this.#delayMs - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      send(word);
    }
  }
}
