// Runs a benchmark by its name. Each says in its first lines what it measures and takes.
// Usage: npm run bench -- <name> [arguments]
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = globSync('*.ts', {
  cwd: folder,
  ignore: ['run.ts', 'pictures.ts', 'results.ts'],
})
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();
const [name, ...rest] = process.argv.slice(2);
if (!name || !names.includes(name)) {
  console.error(`Usage: npm run bench -- <name> [arguments]; names: ${names.join(', ')}`);
  process.exit(2);
}
process.argv = [process.argv[0] ?? '', `${folder}${name}.ts`, ...rest];
await import(`./${name}.js`);
