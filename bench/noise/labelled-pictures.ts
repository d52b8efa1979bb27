// Pictures of which it is known whether they hold noise: drawn graphics as they come to us, and photographs and graphics
// with noise. Everything follows from a seed and, for photographs, the folder.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { gaussianGenerator } from '#src/core/noise/index.js';
import {
  type BytePicture,
  drawGraphic,
  drawSubpixelPage,
  type GraphicKind,
  poisson,
  uniform,
} from '../../test/core/noise/graphics.js';

/** `synthetic`: must be found so. `noisy`: must not. `either`: free of noise, but a photograph or a hard form. */
export type Label = 'synthetic' | 'noisy' | 'either';

export interface Labelled {
  readonly label: Label;
  /** What was done, one word or two: a row of the table. */
  readonly kind: string;
  readonly picture: BytePicture | WidePicture;
}
type WidePicture = Omit<BytePicture, 'data'> & { readonly data: Uint16Array };

type Normal = () => number;

const raw = ({ data, width, height, channels }: BytePicture) =>
  sharp(data, { raw: { width, height, channels } });

async function decode(image: ReturnType<typeof sharp>): Promise<BytePicture> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return {
    data: new Uint8Array(data),
    width: info.width,
    height: info.height,
    channels: info.channels as BytePicture['channels'],
  };
}
const flat = (picture: BytePicture) => decode(raw(picture).flatten({ background: '#fff' }));
const grey = (picture: BytePicture) => decode(raw(picture).flatten({ background: '#fff' }).greyscale());
const blurred = (picture: BytePicture, sigma: number) => decode(raw(picture).blur(sigma));
const resized = (picture: BytePicture, factor: number) =>
  decode(raw(picture).resize(Math.round(picture.width * factor)));
async function throughJpeg(picture: BytePicture, quality: number, chromaSubsampling = '4:2:0') {
  const bytes = await raw(picture).jpeg({ quality, chromaSubsampling }).toBuffer();
  return picture.channels === 1 ? decode(sharp(bytes).greyscale()) : decode(sharp(bytes));
}
const withPalette = async (picture: BytePicture, colours: number, dither: number) => {
  const decoded = await decode(sharp(await raw(picture).png({ palette: true, colours, dither }).toBuffer()));
  return decoded.channels === 4 ? flat(decoded) : decoded;
};

/** Samples mapped by `change` (8-bit units in, rounded and clipped out). */
function mapped(picture: BytePicture, change: (value: number, at: number) => number): BytePicture {
  return {
    ...picture,
    data: Uint8Array.from(picture.data, (v, i) => Math.min(255, Math.max(0, Math.round(change(v, i))))),
  };
}
const noised = (picture: BytePicture, sigma: number, normal: Normal) =>
  mapped(picture, (v) => v + sigma * normal());
const oneBit = (picture: BytePicture, level = 128) => mapped(picture, (v) => (v < level ? 0 : 255));

function crop(picture: BytePicture, left: number, top: number, width: number, height: number) {
  return decode(raw(picture).extract({ left, top, width, height }));
}

/** Nearest level by error diffusion (Floyd and Steinberg), grey, 1 bit. */
function dithered(picture: BytePicture): BytePicture {
  const { width, height } = picture;
  const values = Float64Array.from(picture.data);
  const out = new Uint8Array(values.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const old = values[i] as number;
      out[i] = old < 128 ? 0 : 255;
      const error = old - (out[i] as number);
      const give = (dx: number, dy: number, share: number) => {
        if (x + dx >= 0 && x + dx < width && y + dy < height)
          values[i + dy * width + dx] = (values[i + dy * width + dx] as number) + error * share;
      };
      give(1, 0, 7 / 16);
      give(-1, 1, 3 / 16);
      give(0, 1, 5 / 16);
      give(1, 1, 1 / 16);
    }
  return { ...picture, data: out };
}

const KINDS: readonly GraphicKind[] = ['page', 'desktop', 'plot', 'lineArt', 'gradient', 'code'];

/** Graphics without noise, as they are, in other formats, and after what happens to them on the web. */
export async function* cleanGraphics(seed: number, count: number): AsyncGenerator<Labelled> {
  for (let n = 0; n < count; n++) {
    const random = uniform(seed + n);
    const letters = n % 2 ? 'bitmap' : 'fonts';
    const drawing = {
      width: 200 + Math.floor(400 * random()),
      height: 150 + Math.floor(300 * random()),
      seed: seed + n,
      letters,
    } as const;
    for (const kind of KINDS) {
      const picture = await flat(await drawGraphic(kind, drawing));
      const make = (what: string, given: Labelled['picture'], label: Label = 'synthetic'): Labelled => ({
        label,
        kind: what,
        picture: given,
      });
      yield make(kind, picture);
      yield make(`${kind} grey`, await grey(picture));
      yield make('16 bit', { ...picture, data: Uint16Array.from(picture.data, (v) => 257 * v) });
      if (kind === 'page' || kind === 'lineArt')
        yield make('1 bit', oneBit(await blurred(await grey(picture), 0.7), 110 + 60 * random()));
      yield make('palette 16', await withPalette(picture, 16, 0));
      const jpegLabel = kind === 'gradient' || kind === 'code' ? 'either' : 'synthetic';
      for (const quality of [75, 85, 95])
        yield make(`${kind} JPEG ${quality}`, await throughJpeg(picture, quality), jpegLabel);
      yield make('resized 0.7', await resized(picture, 0.7), jpegLabel);
    }
    yield { label: 'synthetic', kind: 'subpixel text', picture: await drawSubpixelPage(drawing) };
    const side = [16, 24, 32, 48, 64][n % 5] as number;
    const small = { ...drawing, width: side, height: side };
    yield { label: 'synthetic', kind: 'icon', picture: await drawGraphic('icon', small) };
    yield {
      label: 'synthetic',
      kind: 'icon on white',
      picture: await flat(await drawGraphic('icon', small)),
    };
    yield { label: 'synthetic', kind: 'pixel art', picture: await drawGraphic('pixelArt', small) };
    yield {
      label: 'synthetic',
      kind: 'pixel art large',
      picture: await flat(await drawGraphic('pixelArt', drawing)),
    };
  }
}

const PAPERS = [
  [245, 'scan'],
  [275, 'scan, white clipped'],
  [320, 'scan, white clipped wholly'],
] as const;

/** Grey, from black ink to white paper, whatever the theme. */
function darkOnLight(picture: BytePicture): BytePicture {
  const least = picture.data.reduce((a, b) => Math.min(a, b), 255);
  const most = picture.data.reduce((a, b) => Math.max(a, b), 0);
  const paper = picture.data[0] as number;
  const [ink, white] = paper > (least + most) / 2 ? [least, paper] : [most, paper];
  return mapped(picture, (v) => (255 * (v - ink)) / (white - ink));
}

/** Noise on graphics: added, scanned, beside a noisy photograph. */
async function* noisyGraphics(photo: BytePicture, seed: number): AsyncGenerator<Labelled> {
  const random = uniform(seed);
  const normal = gaussianGenerator(seed);
  const drawing = {
    width: photo.width,
    height: photo.height,
    seed,
    letters: seed % 2 ? 'bitmap' : 'fonts',
  } as const;
  const make = (kind: string, picture: BytePicture, label: Label = 'noisy'): Labelled => ({
    label,
    kind,
    picture,
  });
  for (const kind of KINDS) {
    const picture = await flat(await drawGraphic(kind, drawing));
    for (const sigma of [5, 10, 25]) yield make(`graphic + ${sigma}`, noised(picture, sigma, normal));
    yield make('grey graphic + 5', noised(await grey(picture), 5, normal));
    yield make('graphic + 10 JPEG 75', await throughJpeg(noised(picture, 10, normal), 75));
  }
  // A scanner: soft edges, ink that is not black; paper of 255 and more is clipped to white, at 320 without a trace of noise.
  for (const scale of [1, 2]) {
    const small = { ...drawing, width: drawing.width / scale, height: drawing.height / scale };
    const drawn = await grey(await flat(await drawGraphic('page', small)));
    const page = darkOnLight(await blurred(scale > 1 ? await resized(drawn, scale) : drawn, 0.8));
    for (const [paper, name] of PAPERS)
      for (const sigma of [3, 6, 10]) {
        const scan = noised(
          mapped(page, (v) => 35 + (v * (paper - 35)) / 255),
          sigma,
          normal,
        );
        yield make(name, scan);
        yield make(`${name} JPEG 85`, await throughJpeg(scan, 85), sigma < 6 ? 'either' : 'noisy');
      }
  }
  const desktop = await flat(await drawGraphic('desktop', drawing));
  for (const share of [0.03, 0.1, 0.3, 0.6]) {
    const scale = Math.sqrt(share);
    const [w, h] = [Math.round(photo.width * scale), Math.round(photo.height * scale)];
    const inset = noised(await crop(photo, 0, 0, w, h), 10, normal);
    const [left, top] = [Math.floor(random() * (photo.width - w)), Math.floor(random() * (photo.height - h))];
    const input = await raw(inset).png().toBuffer();
    const name = `screenshot, ${100 * share}% noisy photo`;
    const whole = await decode(raw(desktop).composite([{ input, left, top }]));
    yield make(name, whole, share < 0.1 ? 'either' : 'noisy');
    yield make(`${name} JPEG 85`, await throughJpeg(whole, 85), share < 0.1 ? 'either' : 'noisy');
  }
}

/** A clean photograph with noise of many kinds. */
async function* noisyPhotographs(photo: BytePicture, seed: number): AsyncGenerator<Labelled> {
  const normal = gaussianGenerator(seed);
  const random = uniform(seed);
  const make = (kind: string, picture: BytePicture, label: Label = 'noisy'): Labelled => ({
    label,
    kind,
    picture,
  });
  const luma = await grey(photo);
  yield make('photo', photo, 'either');
  yield make('photo JPEG 75', await throughJpeg(photo, 75), 'either');
  yield make('1-bit dither', dithered(noised(luma, 10, normal)), 'synthetic');
  for (const sigma of [3, 5, 10, 25, 50]) {
    const noisy = noised(photo, sigma, normal);
    yield make(`photo + ${sigma}`, noisy);
    const noisyLuma = noised(luma, sigma, normal);
    yield make(`grey photo + ${sigma}`, noisyLuma);
    for (const quality of [50, 75, 95])
      yield make(`photo + ${sigma} JPEG ${quality}`, await throughJpeg(noisy, quality));
    yield make('grey photo JPEG 75', await throughJpeg(noisyLuma, 75));
    const over = mapped(photo, (v) => 2.2 * v + sigma * normal());
    yield make('over-exposed', over);
    yield make('over-exposed JPEG 50', await throughJpeg(over, 50));
    yield make('over-exposed JPEG 75', await throughJpeg(over, 75));
    yield make(
      'over-exposed grey',
      mapped(luma, (v) => 2.2 * v + sigma * normal()),
    );
    const under = mapped(photo, (v) => 1.2 * v - 90 + sigma * normal());
    yield make('under-exposed', under);
    yield make('under-exposed JPEG 75', await throughJpeg(under, 75));
    yield make('palette 256', await withPalette(noisy, 256, 0));
    yield make('palette 256 dithered', await withPalette(noisy, 256, 1));
    if (sigma >= 10) yield make('palette 16', await withPalette(noisy, 16, 0));
    if (sigma >= 5)
      yield make(
        '16 greys',
        mapped(noisyLuma, (v) => 17 * Math.round(v / 17)),
      );
    for (const side of [16, 32]) {
      const [left, top] = [
        Math.floor(random() * (photo.width - side)),
        Math.floor(random() * (photo.height - side)),
      ];
      yield make(`${side} x ${side}`, await crop(noisy, left, top, side, side));
      yield make(`${side} x ${side} grey`, await crop(noisyLuma, left, top, side, side));
    }
  }
  for (const exposure of [0.02, 0.05, 0.1])
    yield make(
      'low light',
      mapped(photo, (v) => poisson(exposure * v, random) + normal()),
    );
  for (const most of [0.3, 1, 3]) {
    const counts = mapped(luma, (v) => poisson((most * v ** 2) / 255 ** 2, random));
    yield make('Poisson counts', counts);
    const highest = counts.data.reduce((a, b) => Math.max(a, b), 1);
    yield make(
      'Poisson counts, stretched',
      mapped(counts, (v) => (255 * v) / highest),
      highest > 1 ? 'noisy' : 'either',
    );
  }
  for (const sigma of [0.5, 1, 2])
    for (const offset of [0, 2, 16]) {
      const black = mapped(photo, () => offset);
      const name = offset ? 'dark frame, black lifted' : 'dark frame';
      yield make(name, noised(black, sigma, normal));
      yield make(`${name} grey`, noised(await grey(black), sigma, normal));
    }
  for (const sigma of [3, 10]) {
    yield make(
      'grey noise',
      noised(
        mapped(luma, () => 128),
        sigma,
        normal,
      ),
    );
    yield make(
      'grey noise JPEG 75',
      await throughJpeg(
        noised(
          mapped(luma, () => 128),
          sigma,
          normal,
        ),
        75,
      ),
      sigma < 5 ? 'either' : 'noisy',
    );
  }
}

/** A folder's photographs with noise, and graphics with it: `every`-th file of the folder. */
export async function* noisyPictures(folder: string, count: number, seed: number): AsyncGenerator<Labelled> {
  const files = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/.test(name)).sort();
  const step = Math.max(1, Math.floor(files.length / count));
  for (let n = 0; n < count && n * step < files.length; n++) {
    const photo = await decode(sharp(folder + files[n * step]).removeAlpha());
    yield* noisyPhotographs(photo, seed + n);
    yield* noisyGraphics(photo, seed + n);
  }
}

/** A folder's pictures as they are, whole. */
export async function* filesOf(
  folder: string,
  pattern: RegExp,
  kind: string,
  label: Label,
): AsyncGenerator<Labelled> {
  for (const name of (await readdir(folder)).filter((file) => pattern.test(file)).sort())
    yield { label, kind, picture: await decode(sharp(folder + name)) };
}
