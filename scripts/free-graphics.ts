// Draws a set of graphics, each about 512 x 512, with fonts and icons under free licences from package registries alone:
// fetches the packages that free-graphics/packages.json names, and writes PNG files in train/ and validation/, with
// manifest.json and the packages' licence files. The same seed and package versions give the same pictures.
// Needs apt-get and dpkg-deb, npm and tar, each configured for its registry.
// Usage: node --import tsx scripts/free-graphics.ts <output folder> [count, 400] [seed, 1]
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Choice,
  type Fetched,
  familiesNotFound,
  fetchMaterials,
  materialsOf,
  useFonts,
} from './free-graphics/materials.js';
import { drawGraphic, isHeldBack, renderGraphic } from './free-graphics/picture.js';
import { sha256Of } from './free-pictures/manifest.js';

const [output, count, seed] = [process.argv[2], Number(process.argv[3] ?? 400), Number(process.argv[4] ?? 1)];
if (output === undefined || !(count >= 10) || !Number.isInteger(seed)) {
  console.error('usage: free-graphics <output folder> [count, 10 or more] [seed]');
  process.exit(2);
}
const list = new URL('free-graphics/packages.json', import.meta.url);
const choices: readonly Choice[] = JSON.parse(await readFile(list, 'utf8'));

const fontFolder = await mkdtemp(path.join(tmpdir(), 'free-graphics-fonts-'));
try {
  const packages: Fetched[] = [];
  for (const choice of choices) {
    const fetched = await fetchMaterials(choice, fontFolder, output);
    packages.push(fetched);
    console.log(`${choice.package} ${fetched.about.version}: ${fetched.about.licence}`);
  }
  await useFonts(fontFolder);
  const missing = await familiesNotFound(packages.flatMap(({ about }) => about.families));
  if (missing.length > 0) throw new Error(`Fonts are not found: ${missing.join(', ')}`);

  const [toTrain, heldBack] = [materialsOf(choices, packages, false), materialsOf(choices, packages, true)];
  const pictures = [];
  let pixels = 0;
  for (const folder of ['train', 'validation']) await mkdir(path.join(output, folder), { recursive: true });
  for (let number = 0; number < count; number++) {
    const isHeld = isHeldBack(number, count);
    const graphic = drawGraphic(isHeld ? heldBack : toTrain, seed, number);
    const png = await renderGraphic(graphic);
    const { kind, scan, width, height, fonts, icons } = graphic;
    const name = `graphic-${String(number).padStart(4, '0')}-${kind}${scan ? '-scan' : ''}.png`;
    const file = `${isHeld ? 'validation' : 'train'}/${name}`;
    await writeFile(path.join(output, file), png);
    pixels += width * height;
    pictures.push({
      file,
      kind,
      isScan: scan !== undefined,
      width,
      height,
      fonts,
      icons,
      sha256: sha256Of(png),
    });
  }
  const manifest = { seed, packages: packages.map(({ about }) => about), pictures };
  await writeFile(path.join(output, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(`${count} graphics, ${(pixels / 1e6).toFixed(1)} megapixels`);
} finally {
  await rm(fontFolder, { recursive: true, force: true });
}
