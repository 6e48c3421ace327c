// What outlives a reload. Storage can be full, forbidden or emptied by the
// user; then the page goes on with what it holds in memory.

const PREFIX = 'learning-yogi.';

/** Gives a store of small JSON values in what `backing` gives, `localStorage` or its like. */
export function createStorage(backing) {
  const memory = new Map(); // what the backing did not take
  return {
    get(name) {
      if (memory.has(name)) return memory.get(name);
      try {
        return JSON.parse(backing().getItem(PREFIX + name));
      } catch {
        return null;
      }
    },
    set(name, value) {
      memory.delete(name);
      try {
        if (value === null) backing().removeItem(PREFIX + name);
        else backing().setItem(PREFIX + name, JSON.stringify(value));
      } catch {
        memory.set(name, value);
      }
    },
  };
}
