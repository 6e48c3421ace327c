/** A network that can fail: forwards bytes to the server until a test interrupts it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy. */
export class Proxy {
  url = '';
  /** The number of connections that were accepted. */
  accepted = 0;
  #isDown = false;
  #hangs = false;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(private readonly target: () => string) {
    this.#server = createServer((near) => this.#take(near));
  }

  /** Starts a proxy to the server whose URL `target` returns. */
  static async start(target: () => string): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  /** Cuts all open connections; new ones are accepted. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    this.#pairs.clear();
  }

  /** Cuts all connections, and refuses new ones until `up()`. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  /** Keeps connections open but forwards nothing until `up()`. */
  hang(): void {
    this.#hangs = true;
    for (const [near, far] of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  /** Ends `down()` and `hang()`. */
  up(): void {
    this.#isDown = false;
    this.#hangs = false;
    for (const [near, far] of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(near: Socket): void {
    this.accepted += 1;
    near.on('error', () => {});
    if (this.#isDown) return void near.resetAndDestroy();
    const { hostname, port } = new URL(this.target());
    const far = connect(Number(port), hostname);
    far.on('error', () => near.destroy());
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('close', end);
    far.on('close', end);
    near.pipe(far);
    far.pipe(near);
    if (this.#hangs) this.hang();
  }
}
