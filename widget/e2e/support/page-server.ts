/** A static web server for pages that embed the chat window. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
/** The URL of the API in the examples. */
const API = 'http://127.0.0.1:8080';

/** Serves a folder, replacing the URL of the API in the examples. */
export class PageServer {
  url = '';
  readonly #server: Server;

  private constructor(folder: string, apiUrl: string) {
    this.#server = createServer(async ({ url = '/' }, response) => {
      const path = normalize(decodeURIComponent(url.split('?')[0]!));
      const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      try {
        const text = await readFile(file, 'utf8');
        response.writeHead(200, { 'Content-Type': type }).end(text.replaceAll(API, apiUrl));
      } catch {
        response.writeHead(404).end();
      }
    });
  }

  static async start(folder: string, apiUrl: string): Promise<PageServer> {
    const pages = new PageServer(folder, apiUrl);
    pages.#server.listen(0, '127.0.0.1');
    await once(pages.#server, 'listening');
    pages.url = `http://127.0.0.1:${(pages.#server.address() as AddressInfo).port}`;
    return pages;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
