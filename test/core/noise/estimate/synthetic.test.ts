// Drawn graphics prove themselves free of noise; nothing that holds noise does.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findSynthetic } from '#src/core/noise/estimate/synthetic.js';
import { gaussianGenerator, type NoisyPicture } from '#src/core/noise/index.js';
import { sharedPath } from '../../../shared.js';
import { photo } from '../../photo.js';
import {
  type BytePicture,
  drawGraphic,
  drawSubpixelPage,
  GRAPHICS,
  type GraphicKind,
  poisson,
  uniform,
} from '../graphics.js';

const KINDS = Object.keys(GRAPHICS) as GraphicKind[];
const isSmall = (kind: GraphicKind) => kind === 'icon' || kind === 'pixelArt';
const drawing = (kind: GraphicKind, seed: number) => {
  const [width, height] = isSmall(kind) ? [24, 24] : [300, 220];
  return { width, height, seed, letters: 'bitmap' } as const;
};
const clamp = (value: number) => Math.min(255, Math.max(0, Math.round(value)));
const mapped = (picture: BytePicture, change: (value: number) => number): BytePicture => ({
  ...picture,
  data: picture.data.map((value) => clamp(change(value))),
});
const raw = ({ data, width, height, channels }: BytePicture) =>
  sharp(data, { raw: { width, height, channels } });
async function decoded(image: ReturnType<typeof raw>): Promise<BytePicture> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as BytePicture['channels'];
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels };
}
const onWhite = (picture: BytePicture) => decoded(raw(picture).flatten({ background: '#fff' }));
const grey = (picture: BytePicture) => decoded(raw(picture).flatten({ background: '#fff' }).greyscale());

async function isSaid(picture: NoisyPicture, expected: boolean, what: string): Promise<void> {
  const why = await findSynthetic(picture);
  assert.is(why !== undefined, expected, `${what}: ${why}`);
  if (why !== undefined) assert.match(why, /^looks drawn: /);
}

async function scene(name: string): Promise<BytePicture> {
  const { data, width, height } = await photo(name, { left: 60, top: 40, width: 240, height: 200 });
  return { data: Uint8Array.from(data, (value) => clamp(255 * value)), width, height, channels: 3 };
}

test('drawn graphics are synthetic: with alpha, on white, in 16 bits, as floats', async () => {
  for (const kind of KINDS)
    for (const seed of [201, 202, 203]) {
      const picture = await drawGraphic(kind, drawing(kind, seed));
      const opaque = await onWhite(picture);
      const what = `${kind} ${seed}`;
      await isSaid(picture, true, what);
      await isSaid(opaque, true, `${what} on white`);
      await isSaid(
        { ...opaque, data: Uint16Array.from(opaque.data, (v) => 257 * v) },
        true,
        `${what} 16 bit`,
      );
      await isSaid(
        { ...opaque, data: Float32Array.from(opaque.data, (v) => v / 255) },
        true,
        `${what} float`,
      );
      if (kind !== 'gradient') await isSaid(await grey(picture), true, `${what} grey`);
    }
});

test('text on sub-pixels, scans of 1 bit and palette graphics are synthetic', async () => {
  for (const seed of [301, 302, 303]) {
    await isSaid(await drawSubpixelPage(drawing('page', seed)), true, 'sub-pixel text');
    const page = await grey(await drawGraphic('page', drawing('page', seed)));
    const middle = (Math.min(...page.data) + Math.max(...page.data)) / 2;
    await isSaid(
      mapped(page, (v) => (v < middle ? 0 : 255)),
      true,
      '1 bit',
    );
    const desktop = await onWhite(await drawGraphic('desktop', drawing('desktop', seed)));
    const palette = await decoded(
      sharp(await raw(desktop).png({ palette: true, colours: 32, dither: 0 }).toBuffer()),
    );
    await isSaid(palette, true, 'palette');
  }
});

test('noise on graphics is no graphic', async () => {
  for (const kind of KINDS)
    for (const sigma of [5, 10, 25]) {
      const normal = gaussianGenerator(sigma);
      const opaque = await onWhite(await drawGraphic(kind, drawing(kind, 400 + sigma)));
      await isSaid(
        mapped(opaque, (v) => v + sigma * normal()),
        false,
        `${kind} + ${sigma}`,
      );
      await isSaid(
        mapped(await grey(opaque), (v) => v + sigma * normal()),
        false,
        `grey ${kind} + ${sigma}`,
      );
    }
});

test('noisy photographs are not, clipped, through JPEG or in few colours', async () => {
  for (const name of ['astronaut.png', 'chelsea.png', 'coffee.png'])
    for (const sigma of [3, 10, 50]) {
      const normal = gaussianGenerator(sigma);
      const clean = await scene(name);
      const noisy = mapped(clean, (v) => v + sigma * normal());
      const what = `${name} + ${sigma}`;
      await isSaid(noisy, false, what);
      await isSaid(await grey(noisy), false, `${what} grey`);
      await isSaid(
        mapped(clean, (v) => 2.2 * v + sigma * normal()),
        false,
        `${what} over-exposed`,
      );
      await isSaid(
        mapped(clean, (v) => 1.2 * v - 90 + sigma * normal()),
        false,
        `${what} under-exposed`,
      );
      for (const quality of [50, 75, 95])
        await isSaid(
          await decoded(sharp(await raw(noisy).jpeg({ quality }).toBuffer())),
          false,
          `${what} JPEG ${quality}`,
        );
      const palette = await raw(noisy).png({ palette: true, colours: 256 }).toBuffer();
      await isSaid(await decoded(sharp(palette)), false, `${what} palette`);
      for (const side of [16, 24])
        await isSaid(
          await decoded(raw(noisy).extract({ left: 30, top: 90, width: side, height: side })),
          false,
          `${what} ${side}`,
        );
    }
});

test('few distinct values are not enough: dark frames, counted photons, low light', async () => {
  const clean = await scene('coffee.png');
  const luma = await grey(clean);
  const random = uniform(5);
  for (const most of [0.3, 1, 3]) {
    const counts = mapped(luma, (v) => poisson((most * v) / 255, random));
    await isSaid(counts, false, `up to ${most} counts`);
    await isSaid(
      mapped(luma, (v) => 40 * poisson((most * v) / 255, random)),
      false,
      `${most} counts, stretched`,
    );
  }
  const normal = gaussianGenerator(5);
  for (const sigma of [0.5, 1, 2])
    for (const offset of [0, 2]) {
      await isSaid(
        mapped(clean, () => offset + sigma * normal()),
        false,
        `dark frame ${offset} + ${sigma}`,
      );
      await isSaid(
        mapped(luma, () => offset + sigma * normal()),
        false,
        `grey dark frame ${offset} + ${sigma}`,
      );
    }
  await isSaid(
    mapped(clean, (v) => 0.03 * v + normal()),
    false,
    'low light',
  );
});

test('a screenshot with a noisy photograph in a tenth of it or more is not; under alpha 0 it does not count', async () => {
  const normal = gaussianGenerator(8);
  const noisy = mapped(await scene('chelsea.png'), (v) => v + 10 * normal());
  const desktop = await onWhite(
    await drawGraphic('desktop', { ...drawing('desktop', 501), width: 480, height: 400 }),
  );
  await isSaid(desktop, true, 'without');
  for (const width of [160, 240]) {
    const input = await raw(noisy).resize(width, undefined, { kernel: 'nearest' }).png().toBuffer();
    await isSaid(
      await decoded(raw(desktop).composite([{ input, left: 100, top: 80 }])),
      false,
      `${width} wide`,
    );
  }
  const hidden = await decoded(raw(desktop).ensureAlpha());
  for (let i = 0; i < hidden.data.length / 2; i += 4)
    hidden.data.set([random255(i), random255(i + 1), random255(i + 2), 0], i);
  await isSaid(hidden, true, 'noise under alpha 0');
});
const random255 = (i: number) => Math.floor(256 * uniform(i)());

test('samples alone decide: twice the same, and tiny or strange pictures have an answer', async () => {
  const picture = await drawGraphic('plot', drawing('plot', 601));
  assert.equal(await findSynthetic(picture), await findSynthetic(picture));
  const one = (width: number, height: number, value: number): NoisyPicture => ({
    data: new Float32Array(width * height).fill(value),
    width,
    height,
    channels: 1,
  });
  await isSaid(one(1, 1, 0.5), true, 'a pixel');
  await isSaid(one(2000, 1, 0.5), true, 'a line');
  assert.match((await findSynthetic(one(40, 40, Number.NaN))) ?? '', /no pixel/);
  await isSaid(
    { data: Uint8Array.of(3, 9, 4, 1, 12, 7), width: 3, height: 2, channels: 1 },
    false,
    'six pixels',
  );
});

const cases = sharedPath('cases/clean-graphics/');
if (cases) {
  test('the graphics that were taken for noisy are synthetic', async () => {
    const names = (await readdir(cases)).filter((name) => name.endsWith('.png'));
    assert.ok(names.length >= 5, names.join());
    for (const name of names) await isSaid(await decoded(sharp(cases + name)), true, name);
  });
}

test.run();
