// Runs a benchmark by its name. Each says in its first lines what it measures and takes.
// Usage: npm run bench -- <name> [arguments]
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** What benchmarks share. */
const SHARED = [
  'run.ts',
  'pictures.ts',
  'results.ts',
  'noise/labelled-pictures.ts',
  'peers/networks.ts',
  'peers/python.ts',
];
const files = new Map(
  globSync('**/*.ts', { cwd: folder, ignore: SHARED })
    .map((file) => [basename(file, '.ts'), file] as const)
    .sort(),
);
const [name = '', ...rest] = process.argv.slice(2);
const file = files.get(name);
if (file === undefined) {
  console.error(`Usage: npm run bench -- <name> [arguments]; names: ${[...files.keys()].join(', ')}`);
  process.exit(2);
}
process.argv = [process.argv[0] ?? '', `${folder}${file}`, ...rest];
await import(`./${file.replace(/\.ts$/, '.js')}`);
