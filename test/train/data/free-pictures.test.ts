// scripts/free-pictures on packages that this test makes: what the list, a licence and the measured rules let into a set.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { type Choice, collectPictures } from '../../../scripts/free-pictures/collect-pictures.js';
import type { Registry } from '../../../scripts/free-pictures/fetch-package.js';
import { isAccepted, readTerms } from '../../../scripts/free-pictures/licence.js';
import { faultsOf, type Manifest, summaryOf } from '../../../scripts/free-pictures/manifest.js';

const photos = fileURLToPath(new URL('../../../examples/photos/', import.meta.url));
const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026, Ann Example <ann@example.org>
           2025, Bob
License: GPL-2+

Files: nature/forbidden.png
Copyright: 2026, Carol
License: CC-BY-NC-4.0
 You may not sell it.

Files: data/public/*
Copyright: none
License:
 Public Domain

Files: nature/textless.png
Copyright: 2026, Dan
License: CC-BY-4.0

Files: nature/air?photo.png
Copyright: none
License: CC0-1.0

License: GPL-2+
 You may redistribute it under the terms of the GNU General Public License.

License: CC0-1.0
 No rights reserved.
`;

let folder = '';

test.before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'free-pictures-test-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

/** Writes files into a folder as if it were an unpacked package. */
async function unpacked(registry: Registry, name: string, files: Record<string, string | Uint8Array>) {
  const where = path.join(folder, name);
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(where, file)), { recursive: true });
    await writeFile(path.join(where, file), bytes);
  }
  return { registry, name, version: '1.0', folder: where };
}

const choice = (name: string, photographs: string[]): Choice => ({
  registry: 'debian',
  package: name,
  photographs,
});

async function noisy(file: string, sigma: number): Promise<Uint8Array> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const noise = gaussianGenerator(1);
  const { width, height, channels } = info;
  return sharp(
    Uint8ClampedArray.from(data, (value) => Math.round(value + sigma * noise())),
    {
      raw: { width, height, channels },
    },
  )
    .png()
    .toBuffer();
}

const reasonsOf = ({ leftOut }: Manifest) =>
  Object.fromEntries(leftOut.map((entry) => [path.basename(entry.path), entry.reason]));

test('only what the list names, a licence allows and the rules find clean', async () => {
  const coffee = sharp(`${photos}coffee.png`);
  const nature = 'usr/share/backgrounds/nature';
  const wallpapers = await unpacked('debian', 'wallpapers', {
    'usr/share/doc/wallpapers/copyright': COPYRIGHT,
    [`${nature}/coffee.png`]: await readFile(`${photos}coffee.png`),
    [`${nature}/copy.png`]: await coffee.clone().resize(450, 300).png().toBuffer(),
    [`${nature}/blocks.jpg`]: await coffee.clone().flop().jpeg({ quality: 30 }).toBuffer(),
    [`${nature}/forbidden.png`]: await readFile(`${photos}chelsea.png`),
    [`${nature}/textless.png`]: await readFile(`${photos}chelsea.png`),
    [`${nature}/air photo.png`]: await noisy(`${photos}astronaut.png`, 2.5),
    [`${nature}/noisy.png`]: await noisy(`${photos}astronaut.png`, 25),
    [`${nature}/painting.png`]: await readFile(`${photos}chelsea.png`),
  });
  const output = path.join(folder, 'set');
  const collector = collectPictures(output);
  await collector.add(
    [
      choice('wallpapers', [
        '**/nature/{coffee,copy,forbidden,textless,air photo,noisy}.png',
        '**/blocks.jpg',
        'gone.png',
      ]),
    ],
    wallpapers,
  );
  const { manifest } = collector;
  const kept = Object.fromEntries(manifest.pictures.map((picture) => [path.basename(picture.path), picture]));
  assert.equal(Object.keys(kept).sort(), ['air photo.png', 'blocks.jpg', 'coffee.png']);

  const { author, licence, shrink, width, height, version } = kept['coffee.png'] ?? {};
  assert.equal(
    { author, licence, shrink, width, height, version },
    {
      author: '2026, Ann Example <ann@example.org> and others',
      licence: 'GPL-2+',
      shrink: 1,
      width: 600,
      height: 400,
      version: '1.0',
    },
  );
  assert.is(kept['air photo.png']?.licence, 'CC0-1.0');
  assert.ok((kept['air photo.png']?.shrink ?? 0) > 1, 'noise is shrunk away');
  assert.is(kept['blocks.jpg']?.shrink, 2, 'and so are JPEG blocks');
  for (const { file, shrink, source, ...made } of manifest.pictures) {
    const { width, height, format, hasAlpha } = await sharp(path.join(output, file)).metadata();
    assert.equal(
      { format, hasAlpha, width, height },
      { format: 'png', hasAlpha: false, width: made.width, height: made.height },
    );
    assert.is(width, Math.round(source.width / shrink));
  }

  const reasons = reasonsOf(manifest);
  assert.match(reasons['copy.png'] ?? '', /shows the same as .*coffee\.png/);
  assert.match(reasons['noisy.png'] ?? '', /^noise of \d/);
  assert.is(reasons['forbidden.png'], 'the licence CC-BY-NC-4.0 is not accepted');
  assert.is(reasons['textless.png'], 'no licence text');
  assert.is(reasons['gone.png'], 'not in this version');
  assert.is(reasons['painting.png'], undefined, 'the list does not name it');

  assert.equal(await faultsOf(manifest, output), []);
  assert.match(
    summaryOf(manifest),
    /^3 pictures, .* megapixels.*; 5 left out\n {2}GPL-2\+: 2\n {2}CC0-1\.0: 1$/,
  );
});

test('without a licence file nothing is taken', async () => {
  const bare = await unpacked('debian', 'bare', { 'photo.png': await readFile(`${photos}chelsea.png`) });
  const collector = collectPictures(path.join(folder, 'bare-set'));
  await collector.add([choice('bare', ['photo.png'])], bare);
  assert.equal(collector.manifest.pictures, []);
  assert.equal(reasonsOf(collector.manifest), { 'photo.png': 'no licence text' });
});

test('the terms of an npm package and of a wheel', async () => {
  const photo = await readFile(`${photos}chelsea.png`);
  const other = await readFile(`${photos}coffee.png`);
  const globe = await unpacked('npm', 'globe', {
    'package/package.json': JSON.stringify({ version: '1.0', license: 'MIT', author: { name: 'Ann' } }),
    'package/LICENSE': 'Permission is hereby granted',
    'package/photo.png': photo,
  });
  const wheel = await unpacked('pypi', 'wheel', {
    'wheel-1.0.dist-info/METADATA': 'Name: wheel\nAuthor: Bob\nLicense-Expression: BSD-3-Clause\n',
    'wheel-1.0.dist-info/licenses/LICENSE.txt': 'Redistribution and use are permitted',
    'wheel/photo.png': other,
  });
  const output = path.join(folder, 'both');
  const collector = collectPictures(output);
  await collector.add([choice('globe', ['**/photo.png'])], globe);
  await collector.add([choice('wheel', ['**/photo.png'])], wheel);
  assert.equal(
    collector.manifest.pictures.map(({ licence, author }) => `${licence}, ${author}`),
    ['MIT, Ann', 'BSD-3-Clause, Bob'],
  );
  assert.equal(await faultsOf(collector.manifest, output), []);
});

test('a manifest with a picture without an accepted licence text has a fault', async () => {
  const globe = await unpacked('npm', 'faulty', {
    'package/package.json': JSON.stringify({ version: '1.0', license: 'MIT', author: 'Ann' }),
    'package/LICENSE': 'Permission is hereby granted',
    'package/photo.png': await readFile(`${photos}chelsea.png`),
  });
  const output = path.join(folder, 'faulty-set');
  const collector = collectPictures(output);
  await collector.add([choice('faulty', ['**/photo.png'])], globe);
  const [picture] = collector.manifest.pictures;
  assert.ok(picture);
  const faults = (changes: object) =>
    faultsOf({ pictures: [{ ...picture, ...changes }], leftOut: [] }, output);
  assert.equal(await faults({}), []);
  assert.match((await faults({ licence: 'GFDL-1.2+' })).join(), /GFDL-1.2\+ is not accepted/);
  assert.match((await faults({ licence: '' })).join(), /licence \(none\) is not accepted/);
  assert.match((await faults({ author: '' })).join(), /no author/);
  assert.match((await faults({ licenceFile: 'licences/none.txt' })).join(), /no licence text/);
  assert.match((await faults({ sha256: '0' })).join(), /changed/);
  assert.match((await faults({ file: 'none.png' })).join(), /not there/);
  await writeFile(path.join(output, picture.licenceFile), '\n');
  assert.match((await faults({})).join(), /no licence text/);
});

test('which licences are accepted', () => {
  const free = [
    'CC0-1.0',
    'public-domain',
    'Public Domain',
    'CC-BY-3.0',
    'CC-BY-SA-4.0',
    'GPL-2+',
    'LGPL-2.1+',
  ];
  const freeToo = [
    'GPL-2.0-or-later',
    'MIT',
    'Expat',
    'BSD-3-Clause',
    'GFDL-1.3 or CC-BY-SA-3.0',
    'GPL-2+ and MIT',
  ];
  for (const licence of [...free, ...freeToo]) assert.ok(isAccepted(licence), licence);
  const others = [
    '',
    'CC-BY-NC-4.0',
    'CC-BY-ND-4.0',
    'CC-BY-NC-SA-4.0',
    'GFDL-1.2+',
    'GPL-2+ and CC-BY-NC-3.0',
    'UNLICENSED',
  ];
  for (const licence of others) assert.not(isAccepted(licence), licence);
});

test('the last stanza that names a file counts, wherever the package puts it', () => {
  const { termsOf } = readTerms(COPYRIGHT);
  assert.is(termsOf('usr/share/x/nature/other.png')?.licence, 'GPL-2+');
  assert.is(termsOf('usr/share/x/nature/forbidden.png')?.licence, 'CC-BY-NC-4.0');
  assert.is(termsOf('usr/share/x/elsewhere/forbidden.png')?.licence, 'CC-BY-NC-4.0');
  assert.is(termsOf('usr/share/x/public/other.png')?.licence, 'Public Domain');
});

test('in a licence file without stanzas, the sentences of the GPL are understood and no others', () => {
  const gpl = `Copyright: © 2010 Ann\n\nIt is free software under the terms of the GNU General Public License as published by
the Free Software Foundation; either version 2 of the License, or (at your option) any later version.`;
  assert.equal(
    [readTerms(gpl).termsOf('a.png')?.licence, readTerms(gpl).termsOf('a.png')?.author],
    ['GPL-2+', 'Copyright: © 2010 Ann'],
  );
  assert.is(readTerms('All rights reserved.').termsOf('a.png'), undefined);
});

test('the list says why a package has no photograph', async () => {
  const list = new URL('../../../scripts/free-pictures/photographs.json', import.meta.url);
  const choices: readonly Choice[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { registry, package: name, photographs, leftOut } of choices) {
    assert.ok(['debian', 'npm', 'pypi'].includes(registry), name);
    assert.ok(photographs.length > 0 || leftOut, `${name}: why has it no photographs?`);
  }
});

test.run();
