// The cache of results: what is found again, what is computed anew, and what becomes of damage. Real priors (small
// ones), the real cacache.
import { chmod, cp, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import Vinyl from 'vinyl';
import { laplacianNoise } from '#src/core/noise/index.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import type { DenoiseStreamOptions } from '#src/plugin/stream-options.js';
import { fixtureFolder } from '../core/fixture.js';
import { identityDenoiser } from './identity-denoiser.js';
import { noisyPicture, withFolder } from './pictures.js';
import { failureOf, through } from './through.js';

const prior = fixtureFolder('conditioned');
const fast = { prior, method: 'posterior-mean', threads: 1 } as const;

const file = (contents: Buffer, path = '/a.png') => new Vinyl({ path, contents: Buffer.from(contents) });

/** An open denoiser that counts the pictures that it is given. */
async function counting(): Promise<Denoiser & { begun: () => number }> {
  const denoiser = await openDenoiser(fast);
  let begun = 0;
  return {
    ...denoiser,
    denoise(...args) {
      begun++;
      return denoiser.denoise(...args);
    },
    begun: () => begun,
  };
}

/** One picture through a stream of its own. */
async function one(contents: Buffer, options: DenoiseStreamOptions) {
  const [out] = await through(denoiseStream(options), [file(contents)]);
  const report = out?.flowDenoise;
  if (!out || !report || report.error) throw new Error(`it did not come out: ${report?.error}`);
  return { out, report, bytes: out.contents as Buffer };
}

/** As JSON keeps it: without what is undefined. */
function plain(report: object): unknown {
  return JSON.parse(JSON.stringify(report));
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

test('a second build of 100 pictures evaluates nothing and gives the same bytes', () =>
  withFolder(async (cache) => {
    const pictures = await Promise.all(
      Array.from({ length: 100 }, (_, seed) => noisyPicture('png', { width: 16, height: 16, seed })),
    );
    const denoiser = await counting();
    try {
      const build = () =>
        through(
          denoiseStream({ sigma: 25, cache, denoiser }),
          pictures.map((bytes, index) => file(bytes, `/${index}.png`)),
        );
      const first = await build();
      assert.is(denoiser.begun(), 100);
      const second = await build();
      assert.is(denoiser.begun(), 100);
      for (const [index, { contents, path, flowDenoise }] of second.entries()) {
        assert.is(path, `/${index}.png`);
        assert.equal(contents, first[index]?.contents);
        assert.not.equal(contents, pictures[index]);
        assert.equal(flowDenoise, plain({ ...first[index]?.flowDenoise, isCached: true }));
        assert.is(first[index]?.flowDenoise?.isCached, false);
      }
    } finally {
      await denoiser.close();
    }
  }));

test('what is found costs no engine', () =>
  withFolder(async (folder) => {
    const bytes = await noisyPicture('png', { width: 16, height: 16 });
    const copy = join(folder, 'prior');
    await cp(prior, copy, { recursive: true });
    const options = { ...fast, prior: copy, sigma: 25, cache: join(folder, 'cache') };
    const first = await one(bytes, options);
    // Without its weights the prior opens no more; its model.json has their checksum.
    await truncate(join(copy, 'weights.safetensors'), 0);
    const second = await one(bytes, options);
    assert.equal([first.report.isCached, second.report.isCached], [false, true]);
    assert.equal(second.bytes, first.bytes);
    const error = await failureOf(one(await noisyPicture('png', { seed: 2 }), options));
    assert.match(error.message, 'weights.safetensors');
  }));

test('one byte, option or prior changed: computed anew', () =>
  withFolder(async (folder) => {
    const cache = join(folder, 'cache');
    const made = sharp(await noisyPicture('png', { width: 16, height: 16 }));
    const bytes = await made.tiff({ compression: 'none', predictor: 'none' }).toBuffer();
    // The samples begin at 8.
    const other = Buffer.from(bytes);
    other[100] = (other[100] ?? 0) ^ 1;
    const copy = join(folder, 'prior');
    await cp(prior, copy, { recursive: true });
    const model = join(copy, 'model.json');
    await writeFile(model, (await readFile(model, 'utf8')).replace('fixture-conditioned', 'another'));

    const options: DenoiseStreamOptions = { ...fast, sigma: 25, cache };
    const isCached = async (changes: DenoiseStreamOptions, contents = bytes) =>
      (await one(contents, { ...options, ...changes })).report.isCached;
    assert.is(await isCached({}), false);
    assert.is(await isCached({}), true);
    assert.is(await isCached({}, other), false);
    assert.is(await isCached({ prior: copy }), false);
    for (const change of [
      { sigma: 25.5 },
      { strength: 0.5 },
      { noise: 'gaussian' },
      { sigma: 'auto', noise: { model: 'poisson-gaussian', gain: 2, sigma: 5 } },
      { sigma: 'auto', noise: { model: 'poisson-gaussian', gain: 2, sigma: 6 } },
      { format: 'webp' },
      { format: 'webp', quality: 50 },
      { tileSize: 128 },
      { overlap: 8 },
      { engine: 'onnx' },
    ] as const) {
      assert.is(await isCached(change), false, JSON.stringify(change));
      assert.is(await isCached(change), true, JSON.stringify(change));
    }
    // What does not change the result finds it again.
    for (const change of [
      { threads: 2 },
      { concurrency: 1 },
      { onError: 'skip' },
      { maxPixels: 1e6 },
    ] as const)
      assert.is(await isCached(change), true, JSON.stringify(change));
  }));

test('a damaged entry is computed anew, and is whole again after that', () =>
  withFolder(async (cache) => {
    const bytes = await noisyPicture('png');
    const denoiser = identityDenoiser();
    const options = { sigma: 25, cache, denoiser };
    const { bytes: whole } = await one(bytes, options);
    const damages: ((path: string) => Promise<void>)[] = [
      (path) => truncate(path, 10),
      async (path) => writeFile(path, (await readFile(path)).fill(7, 20, 40)),
      (path) => writeFile(path, ''),
    ];
    for (const part of ['content-v2', 'index-v5'])
      for (const damage of damages) {
        const begun = denoiser.begun();
        for (const path of await filesBelow(join(cache, part))) {
          await chmod(path, 0o600);
          await damage(path);
        }
        const anew = await one(bytes, options);
        assert.is(anew.report.isCached, false, part);
        assert.equal(anew.bytes, whole);
        assert.is(denoiser.begun(), begun + 1);
        const found = await one(bytes, options);
        assert.is(found.report.isCached, true, part);
        assert.equal(found.bytes, whole);
      }
  }));

test('a picture found clean is remembered as such', () =>
  withFolder(async (cache) => {
    const bytes = await noisyPicture('png');
    const denoiser: Denoiser = {
      ...identityDenoiser(),
      async denoise(picture, options) {
        const result = await identityDenoiser().denoise(picture, options);
        return { ...result, report: { ...result.report, isUnchanged: true } };
      },
    };
    for (const isCached of [false, true]) {
      const { report, bytes: out } = await one(bytes, { cache, denoiser });
      assert.equal([report.isCached, report.isUnchanged], [isCached, true]);
      assert.equal(out, bytes);
    }
  }));

test('failures and noise models of the user are not kept', () =>
  withFolder(async (cache) => {
    const denoiser = identityDenoiser();
    for (let turn = 0; turn < 2; turn++) {
      const bad = [file(Buffer.from('no picture'))];
      const [out] = await through(denoiseStream({ cache, denoiser, onError: 'pass' }), bad).catch(() => []);
      assert.ok(out?.flowDenoise?.error);
      const noise = laplacianNoise(0.1);
      const { report } = await one(await noisyPicture('png'), { noise, sigma: 25, cache, denoiser });
      assert.is(report.isCached, false);
    }
  }));

test('a fresh mtime, and the order kept between found and computed pictures', () =>
  withFolder(async (cache) => {
    const pictures = await Promise.all([1, 2, 3, 4].map((seed) => noisyPicture('png', { seed })));
    const denoiser = identityDenoiser(() => 20);
    const run = (which: readonly Buffer[]) =>
      through(
        denoiseStream({ cache, denoiser }),
        which.map((bytes, index) => {
          const picture = file(bytes, `/${index}.png`);
          picture.stat = old;
          return picture;
        }),
      );
    const old = await stat(new URL(import.meta.url));
    old.mtime = new Date(0);
    await run(pictures.slice(1, 3));
    const out = await run(pictures);
    assert.equal(
      out.map(({ stem, flowDenoise }) => [stem, flowDenoise?.isCached]),
      [
        ['0', false],
        ['1', true],
        ['2', true],
        ['3', false],
      ],
    );
    assert.ok(out.every((picture) => Date.now() - Number(picture.stat?.mtime) < 60_000));
  }));

test('a cache that cannot be written costs a warning, not the build', () =>
  withFolder(async (folder) => {
    const inTheWay = join(folder, 'file');
    await writeFile(inTheWay, '');
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      const files = [file(await noisyPicture('png')), file(await noisyPicture('png', { seed: 2 }))];
      const options = { cache: join(inTheWay, 'cache'), denoiser: identityDenoiser() };
      assert.is((await through(denoiseStream(options), files)).length, 2);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.removeListener('warning', onWarning);
    }
    assert.is(warnings.length, 1);
    assert.match(warnings[0]?.message ?? '', /cannot be written/);
  }));

test('cache: true is in the project, or where CACHE_DIR says', () =>
  withFolder(async (folder) => {
    const { CACHE_DIR } = process.env;
    process.env.CACHE_DIR = folder;
    try {
      await one(await noisyPicture('png'), { cache: true, denoiser: identityDenoiser() });
    } finally {
      if (CACHE_DIR === undefined) delete process.env.CACHE_DIR;
      else process.env.CACHE_DIR = CACHE_DIR;
    }
    assert.ok((await filesBelow(join(folder, 'flow-denoise'))).length > 0);
    const before = process.cwd();
    await mkdir(join(folder, 'project', 'deep'), { recursive: true });
    await writeFile(join(folder, 'project', 'package.json'), '{}');
    process.chdir(join(folder, 'project', 'deep'));
    try {
      await one(await noisyPicture('png'), { cache: true, denoiser: identityDenoiser() });
    } finally {
      process.chdir(before);
    }
    assert.ok(
      (await filesBelow(join(folder, 'project', 'node_modules', '.cache', 'flow-denoise'))).length > 0,
    );
  }));

test('a denoiser without a fingerprint is refused beside a cache', () => {
  const denoiser = { ...identityDenoiser(), fingerprint: undefined };
  assert.throws(() => denoiseStream({ cache: true, denoiser }), /fingerprint/);
  denoiseStream({ cache: false, denoiser }).destroy();
  assert.throws(() => denoiseStream({ cache: 3 as never }), /true, false or a folder for cache/);
});

test.run();
