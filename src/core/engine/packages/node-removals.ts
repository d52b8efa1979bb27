// Two functions that Node 23 removed from `util` but @tensorflow/tfjs-node-gpu 4.22 still calls for every tensor. They
// follow Node's documentation. A test compares the list with the package's code.
import util from 'node:util';

const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: (value) => Array.isArray(value),
  isNullOrUndefined: (value) => value === null || value === undefined,
};

export const removedUtilNames: readonly string[] = Object.keys(removed);

/** Adds those that `util` lacks. @returns  the names that were missing */
export function restoreRemovedUtil(): readonly string[] {
  const module = util as unknown as Record<string, unknown>;
  const missing = removedUtilNames.filter((name) => typeof module[name] !== 'function');
  for (const name of missing) {
    Object.defineProperty(module, name, { value: removed[name], configurable: true, writable: true });
  }
  return missing;
}
