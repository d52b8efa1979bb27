// Saving a prior and reading it back; the priors that come with the package.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { findPrior, shippedPriors } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { readSafetensors, writeSafetensors } from '#src/core/model/safetensors.js';
import { savePrior } from '#src/core/model/save-prior.js';
import { FIXTURES, fixtureFolder } from '../fixture.js';
import { expectBelow } from '../flow/differences.js';
import { removeFolders, temporaryFolder } from './prior-folder.js';

test.after(removeFolders);

for (const name of FIXTURES)
  test(`${name}: saved in F32 and loaded, every bit is the same`, async () => {
    const { model, weights } = await loadPrior(fixtureFolder(name));
    const folder = path.join(await temporaryFolder(), 'made', 'on the way');
    const { weights: _, ...rest } = model;
    await savePrior(folder, rest, weights);
    const again = await loadPrior(folder);
    assert.equal({ ...again.model, weights: undefined }, { ...model, weights: undefined });
    assert.equal([...again.weights.keys()].sort(), [...weights.keys()].sort());
    const bits = ({ buffer, byteOffset, byteLength }: Float32Array) =>
      Buffer.from(buffer, byteOffset, byteLength).toString('hex');
    for (const [key, { shape, data }] of weights) {
      assert.equal(again.weights.get(key)?.shape, shape);
      assert.is(bits(again.weights.get(key)?.data ?? new Float32Array()), bits(data), key);
    }
  });

test('saved in F16, kernels keep half precision and everything else all of it', async () => {
  const { model, weights } = await loadPrior(fixtureFolder('three-levels'));
  const folder = await temporaryFolder();
  await savePrior(folder, model, weights, 'F16');
  const again = await loadPrior(folder);
  let rounded = 0;
  for (const [key, { shape, data }] of weights)
    for (const [i, value] of data.entries()) {
      const stored = again.weights.get(key)?.data[i] ?? Number.NaN;
      if (shape.length < 4) assert.is(stored, value, key);
      // Half precision: 11 significant bits, and steps of 2^-24 below its smallest normal number.
      else expectBelow(Math.abs(stored - value), Math.max(Math.abs(value) * 2 ** -11, 2 ** -25), key);
      if (stored !== value) rounded += 1;
    }
  assert.ok(rounded > 0, 'nothing was rounded');
});

test('a safetensors file as the format document describes it', () => {
  // Written here byte by byte: length of the header, header, F64 2.5 and F16 -1.5 (0xbe00), little-endian.
  const text =
    '{"__metadata__":{"made":"by hand"},"b":{"dtype":"F16","shape":[],"data_offsets":[8,10]},' +
    '"a":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}';
  const bytes = Buffer.alloc(8 + text.length + 10);
  bytes.writeUInt32LE(text.length, 0);
  bytes.write(text, 8);
  bytes.writeDoubleLE(2.5, 8 + text.length);
  bytes.writeUInt16LE(0xbe00, 16 + text.length);
  const tensors = readSafetensors(bytes);
  assert.equal([...tensors.keys()].sort(), ['a', 'b']);
  assert.equal(tensors.get('a'), { shape: [1, 1], data: Float64Array.of(2.5) });
  assert.equal(tensors.get('b'), { shape: [], data: Float32Array.of(-1.5) });
});

test('what is written aligns its tensors, which other readers ask for', () => {
  const bytes = Buffer.from(writeSafetensors(new Map([['x', { shape: [2], data: Float32Array.of(1, -2) }]])));
  const length = Number(bytes.readBigUInt64LE(0));
  assert.is(length % 8, 0);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as unknown;
  assert.equal(header, { x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
  assert.equal([bytes.readFloatLE(8 + length), bytes.readFloatLE(12 + length)], [1, -2]);
  assert.is(bytes.length, 16 + length);
});

test('a prior is found by its name or by its folder', async () => {
  const names = shippedPriors();
  assert.ok(names.includes('natural') && names.includes('faces64'), names.join());
  for (const name of names) assert.is((await loadPrior(findPrior(name))).model.name, name);
  const folder = fixtureFolder('unconditioned');
  assert.is(path.resolve(findPrior(folder)), path.resolve(folder));
  const relative = path.relative(process.cwd(), folder);
  assert.is(path.resolve(findPrior(relative)), path.resolve(folder));
});

test('an unknown name says which there are', async () => {
  const empty = await temporaryFolder();
  await writeFile(path.join(empty, 'weights.safetensors'), '');
  for (const wrong of ['natura', '../natural', '.', '', empty, 'natural/model.json'])
    assert.throws(
      () => findPrior(wrong),
      (error: unknown) =>
        error instanceof FlowDenoiseError &&
        error.code === 'BAD_PRIOR' &&
        shippedPriors().every((name) => error.message.includes(name)) &&
        error.message.endsWith(`received ${wrong}`),
      `findPrior('${wrong}')`,
    );
});

for (const name of shippedPriors())
  test(`the card of ${name} names data, licence, training and measured quality`, async () => {
    const card = await readFile(path.join(findPrior(name), 'README.md'), 'utf8');
    for (const subject of [/data/i, /licen[cs]e/i, /train/i, /quality/i, /dB/, new RegExp(name)])
      assert.match(card, subject);
  });

test.run();
