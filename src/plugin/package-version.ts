// The version of this package, from its package.json.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export function packageVersion(): string {
  const packageJson: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return z.object({ version: z.string() }).parse(packageJson).version;
}
