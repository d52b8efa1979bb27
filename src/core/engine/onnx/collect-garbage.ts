// Frees what recording a graph leaves behind. A recorded model is tens of MB outside V8's heap, of which V8 sees too
// little to hurry: without this a worker thread keeps several of them for minutes.
import v8 from 'node:v8';
import vm from 'node:vm';

let collect: (() => void) | undefined;

/** Collects this thread's garbage now; takes some milliseconds. Nothing where V8 does not offer it. */
export function collectGarbage(): void {
  if (!collect) {
    v8.setFlagsFromString('--expose-gc');
    const gc: unknown = vm.runInNewContext('globalThis.gc');
    collect = typeof gc === 'function' ? () => gc() : () => {};
  }
  collect();
}
