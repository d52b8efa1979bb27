// Makes a set of photographs under free licences, from package registries alone: fetches the packages that
// free-pictures/photographs.json names, takes the photographs that it lists and whose licence is accepted, shrinks them until
// they are clean, and writes them as PNG with manifest.json and the packages' licence files.
// Needs apt-get and dpkg-deb, npm, pip and python3, each configured for its registry.
// Usage: node --import tsx scripts/free-pictures.ts <output folder>
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Choice, collectPictures } from './free-pictures/collect-pictures.js';
import { fetchPackage } from './free-pictures/fetch-package.js';
import { faultsOf, summaryOf } from './free-pictures/manifest.js';

const [output] = process.argv.slice(2);
if (output === undefined) {
  console.error('usage: free-pictures <output folder>');
  process.exit(2);
}
const list = new URL('free-pictures/photographs.json', import.meta.url);
const choices: readonly Choice[] = JSON.parse(await readFile(list, 'utf8'));

await mkdir(output, { recursive: true });
const collector = collectPictures(output);
const { manifest } = collector;
const failed: string[] = [];
for (const name of new Set(choices.map((choice) => choice.package))) {
  const chosen = choices.filter((choice) => choice.package === name && choice.photographs.length > 0);
  const [first] = chosen;
  if (!first) continue;
  const work = await mkdtemp(path.join(tmpdir(), 'free-pictures-'));
  try {
    const before = manifest.pictures.length;
    const unpacked = await fetchPackage(first.registry, name, work).catch((error) => {
      console.error(`${name} cannot be fetched: ${error.message}`);
      failed.push(name);
    });
    if (!unpacked) continue;
    await collector.add(chosen, unpacked);
    console.log(`${name} ${unpacked.version}: ${manifest.pictures.length - before} pictures`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
await writeFile(path.join(output, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);

for (const { package: name, path: file, reason } of manifest.leftOut)
  console.log(`left out: ${name} ${file}: ${reason}`);
console.log(summaryOf(manifest));
const faults = await faultsOf(manifest, output);
for (const fault of faults) console.error(fault);
if (failed.length > 0) console.error(`${failed.length} packages are missing: ${failed.join(', ')}`);
process.exitCode = faults.length + failed.length > 0 ? 1 : 0;
