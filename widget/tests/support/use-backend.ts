import { afterAll, beforeAll } from 'vitest';
import { Backend } from './backend.js';
import { Proxy } from './proxy.js';

/** A backend, and a network before it that can fail. Usable once the tests of the suite run. */
export interface ProxiedBackend {
  backend: Backend;
  proxy: Proxy;
}

/** Starts a backend behind a proxy before the tests of a suite, and stops both after them. */
export function useProxiedBackend(): ProxiedBackend {
  const started = {} as ProxiedBackend;
  beforeAll(async () => {
    const backend = await Backend.start();
    const proxy = await Proxy.start(() => backend.url);
    Object.assign(started, { backend, proxy });
  });
  afterAll(async () => {
    await started.proxy.stop();
    await started.backend.stop();
  });
  return started;
}
