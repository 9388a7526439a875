// A state and who watches it. The page has one for itself (app.js) and one for each shopper.

/**
 * @template S
 * @param {S} initial
 */
export function makeStore(initial) {
  let state = initial;
  /** @type {Set<(state: S, before: S) => void>} */
  const watchers = new Set();
  return {
    /** The state; it is never changed in place. */
    get: () => state,
    /** Replaces some fields, and tells who watches. @param {Partial<S>} fields */
    set(fields) {
      const before = state;
      state = { ...state, ...fields };
      for (const watcher of [...watchers]) watcher(state, before);
    },
    /**
     * Calls `watcher` now, and whenever one of the named fields changed.
     * @param {(keyof S)[]} names
     * @param {(state: S) => void} watcher
     * @returns {() => void} ends it
     */
    watch(names, watcher) {
      const told = (now, before) => {
        if (names.some((name) => now[name] !== before[name])) watcher(now);
      };
      watchers.add(told);
      watcher(state);
      return () => watchers.delete(told);
    },
  };
}
