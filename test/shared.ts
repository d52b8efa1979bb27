// Where the large test material lies, beside the checkout. It is optional: tests that want it print one SKIP
// line and go on without it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const shared = fileURLToPath(new URL('../../shared/', import.meta.url));

/** The path of something in ../shared, or undefined (with a SKIP line) where it is absent. */
export function sharedPath(relative: string): string | undefined {
  const path = `${shared}${relative}`;
  if (existsSync(path)) return path;
  console.log(`SKIP ../shared/${relative} is not here`);
  return undefined;
}
