// The programs of test/**/child.ts, which tests start in processes of their own.
import { fileURLToPath } from 'node:url';

/** What node is given to run a program, by its path below test without `.ts`. The runner says where its bundles are. */
export function programOf(name: string): string[] {
  const folder = process.env.FLOW_DENOISE_TEST_BUNDLES;
  if (folder !== undefined) return [`${folder}/${name}.js`];
  return ['--import', 'tsx', fileURLToPath(new URL(`${name}.ts`, import.meta.url))];
}
