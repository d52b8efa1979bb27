// The table of docs/formats.md says what comes through: each format is made with the installed sharp, in every kind of samples,
// read, and written again.
import sharp, { type Sharp } from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatNames, type PictureFormat } from '#src/image/format.js';
import {
  converted,
  decodePicture,
  encodePicture,
  fidelityOf,
  supportedExtensions,
  withFormatExtension,
} from '#src/image/index.js';
import { exif, pipelineOf, samples8, samples16, samplesFloat, xmp } from '../image/made.js';
import { document } from './documents.js';

const MARKERS = /<!-- formats -->\n\n([\s\S]*?)\n\n<!-- end -->/;
const formats = Object.keys(formatNames) as PictureFormat[];

type Kind = readonly [channels: 1 | 2 | 3 | 4, depth: string, options: object];

const kinds: readonly Kind[] = [
  ...([1, 2, 3, 4] as const).map((channels): Kind => [channels, '8', {}]),
  [3, '16', {}],
  [3, '10', { bitdepth: 10 }],
  [3, '12', { bitdepth: 12 }],
  [3, '32 (float)', { predictor: 'float' }],
];

function source([channels, depth]: Kind): Sharp {
  if (depth === '8') return pipelineOf(samples8(channels), channels);
  if (depth !== '32 (float)') return pipelineOf(samples16(channels), channels);
  const raw = { width: 37, height: 23, channels: 1 } as const;
  const plane = samplesFloat(1);
  return sharp(plane, { raw })
    .toColourspace('scrgb')
    .joinChannel([plane, plane] as unknown as Buffer[], { raw });
}

/** So that samples come back. */
const lossless: Readonly<Record<PictureFormat, object>> = {
  png: {},
  jpeg: {},
  webp: { lossless: true },
  tiff: { compression: 'lzw' },
  avif: { lossless: true, effort: 1 },
  gif: { dither: 0, keepDuplicateFrames: true },
};

/** What comes back of a file: its traits after it was read and written again; nothing where it cannot be made or is refused. */
async function through(make: () => Promise<Buffer>) {
  // sharp refuses options that a format has no place for at once.
  const file = await Promise.resolve()
    .then(make)
    .catch(() => undefined);
  if (file === undefined) return undefined;
  const decoded = await decodePicture(file, 'a', { animations: true }).catch(() => undefined);
  return decoded && { decoded, ...(await fidelityOf(decoded, await encodePicture(decoded))) };
}

async function dressed(format: PictureFormat): Promise<Buffer> {
  const picture = pipelineOf(samples8(3), 3).withIccProfile('p3').withExif(exif).withXmp(xmp);
  if (format !== 'tiff') return picture.toFormat(format, lossless[format]).toBuffer();
  // sharp writes no EXIF into a TIFF.
  return encodePicture(converted(await decodePicture(await picture.png().toBuffer(), 'a'), { format }));
}

async function row(format: PictureFormat): Promise<string> {
  const [colours, depths] = [new Set<string>(), new Set<string>()];
  for (const kind of kinds) {
    const [, depth, options] = kind;
    const result = await through(() =>
      source(kind)
        .toFormat(format, { ...lossless[format], ...options })
        .toBuffer(),
    );
    for (const trait of result?.kept ?? []) if (trait.startsWith('colour: ')) colours.add(trait.slice(8));
    if (result?.kept.includes(`bit depth: ${depth}`)) depths.add(depth);
  }
  const kept = (await through(() => dressed(format)))?.kept ?? [];
  const blocks = ['EXIF', 'XMP', 'ICC profile'].filter((block) => kept.includes(block));
  const extensions = supportedExtensions.filter(
    (each) => withFormatExtension(`a.${each}`, format) === `a.${each}`,
  );
  const cells = [
    formatNames[format],
    extensions.map((each) => `\`${each}\``).join(', '),
    [...colours].join(', '),
    [...depths].join(', '),
    blocks.join(', ') || 'comments',
    await animation(format),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** APNG is a PNG to sharp: it shows the first frame and cannot write the others. */
async function animation(format: PictureFormat): Promise<string> {
  const frame = (step: number) =>
    pipelineOf(
      samples8(3).map((value) => (value + step) & 0xc0),
      3,
    )
      .png()
      .toBuffer();
  const frames = await Promise.all([0, 64].map(frame));
  const options = { ...lossless[format], delay: [70, 30], loop: 2 };
  const result = await through(() =>
    sharp(frames, { join: { animated: true } })
      .toFormat(format, options)
      .toBuffer(),
  );
  const isWhole = ['frames: 2', 'durations: 70, 30 ms', 'played: 2 times'].every((trait) =>
    result?.kept.includes(trait),
  );
  return isWhole ? 'every frame, durations, loops' : 'refused';
}

async function table(): Promise<string> {
  const head = '| format | extensions | colours | bits of a sample | metadata | animations |';
  const rows: string[] = [];
  for (const format of formats) rows.push(await row(format));
  return [head, '| --- | --- | --- | --- | --- | --- |', ...rows].join('\n');
}

test('the table says what comes through', async () => {
  const [, written = ''] = MARKERS.exec(document('docs/formats.md')) ?? [];
  const made = await table();
  assert.is(written, made, `put this between the markers of docs/formats.md:\n\n${made}\n`);
});

test('HEIC is refused for as long as it cannot be written', async () => {
  const written = await pipelineOf(samples8(3), 3)
    .heif({ compression: 'hevc' })
    .toBuffer()
    .catch(() => undefined);
  assert.is(written, undefined, 'this sharp writes HEIC: take it');
});

test.run();
