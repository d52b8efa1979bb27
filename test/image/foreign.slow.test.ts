// Files that others made, and the same with bytes changed: each comes through whole or ends in one clear error. Each run has two
// minutes at most. FOREIGN_PICTURES names further folders, and FUZZ_SEED makes other changes.
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { filesBelow } from '#src/core/files.js';
import { decodePicture, encodePicture, fidelityOf, isSupportedExtension } from '#src/image/index.js';
import { sharedPath } from '../shared.js';
import { pipelineOf, samples8 } from './made.js';

const MOST_MS = 120_000;
const MOST_CHANGED = 3000;
/** Of a file that is read or changed, so that many are. */
const MOST_BYTES = 2e6;
const MOST_PIXELS = 4e6;
/** Where a file takes longer on a busy machine, something grows faster than its bytes. */
const MOST_MS_OF_A_FILE = 30_000;

const random = mersenne(Number(process.env.FUZZ_SEED ?? 1));
const below = (limit: number) => uniformInt(random, 0, limit - 1);

interface File {
  readonly name: string;
  readonly bytes: Buffer;
}

/** In an order by chance, so that each run of limited time sees files of all folders. */
async function foreignFiles(): Promise<File[]> {
  const further = (process.env.FOREIGN_PICTURES ?? '').split(delimiter).filter(Boolean);
  const folders = [sharedPath('cases'), sharedPath('data'), ...further].filter((each) => each !== undefined);
  const found: { file: File; rank: number }[] = [];
  for (const folder of folders)
    for (const path of (await filesBelow(folder)).filter(isSupportedExtension).sort()) {
      const bytes = await readFile(join(folder, path));
      if (bytes.length <= MOST_BYTES)
        found.push({ file: { name: join(folder, path), bytes }, rank: below(1e9) });
    }
  return found.sort((a, b) => a.rank - b.rank).map(({ file }) => file);
}

/** @returns  whether it was taken. @throws  whatever is not a clear error, and a result that is not the picture */
async function through({ name, bytes }: File): Promise<boolean> {
  const began = performance.now();
  try {
    const decoded = await decodePicture(bytes, name, { animations: true, maxPixels: MOST_PIXELS });
    const encoded = await encodePicture(decoded);
    await fidelityOf(decoded, encoded);
    const { picture } = await decodePicture(encoded, name, { animations: true });
    assert.equal([picture.width, picture.height], [decoded.picture.width, decoded.picture.height]);
    if (decoded.container.format === 'png')
      assert.is(Buffer.compare(bytesOf(picture), bytesOf(decoded.picture)), 0);
    return true;
  } catch (error) {
    assert.instance(error, FlowDenoiseError, `${name}: ${(error as Error).stack}`);
    assert.match((error as FlowDenoiseError).code, /^(BAD|UNSUPPORTED)_IMAGE$/);
    return false;
  } finally {
    const ms = performance.now() - began;
    assert.ok(ms < MOST_MS_OF_A_FILE, `${name} took ${ms} ms`);
  }
}

const bytesOf = ({ data }: { data: ArrayBufferView }) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Formats that the folders may lack. */
async function madeFiles(): Promise<File[]> {
  const frame = await pipelineOf(samples8(3), 3).png().toBuffer();
  const film = () => sharp([frame, frame], { join: { animated: true } });
  const made = {
    'a.gif': film().gif({ keepDuplicateFrames: true }),
    'a.webp': film().webp(),
    'b.webp': pipelineOf(samples8(4), 4).withIccProfile('p3').webp(),
    'a.avif': pipelineOf(samples8(3), 3).avif({ effort: 1 }),
    'a.png': pipelineOf(samples8(3), 3).png({ palette: true }),
    'a.tif': pipelineOf(samples8(3), 3).tiff({ compression: 'deflate', bigtiff: true }),
  };
  return Promise.all(
    Object.entries(made).map(async ([name, picture]) => ({ name, bytes: await picture.toBuffer() })),
  );
}

/** Some bytes set, a piece doubled, left out or moved to the end. Mostly near the front, where headers are. */
function changed(bytes: Buffer): Buffer {
  const span = below(2) === 0 ? Math.min(300, bytes.length) : bytes.length;
  const [from, length] = [below(span), 1 + below(64)];
  const [head, piece, tail] = [
    bytes.subarray(0, from),
    bytes.subarray(from, from + length),
    bytes.subarray(from + length),
  ];
  switch (below(6)) {
    case 0:
      return Buffer.concat([head, piece, piece, tail]);
    case 1:
      return Buffer.concat([head, tail]);
    case 2:
      return Buffer.concat([head, tail, piece]);
    default: {
      const out = Buffer.from(bytes);
      for (let i = below(4); i >= 0; i--) out[below(span)] = below(256);
      return out;
    }
  }
}

test('whatever others made', async () => {
  const until = performance.now() + MOST_MS;
  const files = await foreignFiles();
  let [taken, refused] = [0, 0];
  for (const file of files) {
    if (performance.now() > until) break;
    if (await through(file)) taken++;
    else refused++;
  }
  console.log(`${taken} of ${files.length} pictures came through, ${refused} were refused`);
  assert.ok(files.length === 0 || taken > refused);
});

test('the same with bytes changed', async () => {
  const until = performance.now() + MOST_MS;
  const small = (await foreignFiles()).filter(({ bytes }) => bytes.length < 100_000).slice(0, 60);
  const files = [...small, ...(await madeFiles())];
  let [taken, refused] = [0, 0];
  while (taken + refused < MOST_CHANGED && performance.now() < until) {
    const { name, bytes } = files[below(files.length)] as File;
    if (await through({ name, bytes: changed(bytes) })) taken++;
    else refused++;
  }
  console.log(`${taken} changed files came through, ${refused} were refused`);
  assert.ok(taken > 0 && refused > 0);
});

test.run();
