// The card of a trained prior: what stands in it, what `priors show` reads of it, and that nobody's words are lost.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadModel } from '#src/core/model/load-prior.js';
import type { PriorModel } from '#src/core/model/model-json.js';
import { modelCard, updateModelCard } from '#src/train/report/model-card.js';
import { temporaryFolder } from '../data/training-pictures.js';

const temporary = await temporaryFolder();
const natural = await loadModel(findPrior('natural'));
const HEADINGS = ['Use', 'Data and licence', 'Training', 'Measured quality', 'Limits'];

const trained: PriorModel = {
  ...natural,
  inputResolution: 64,
  name: 'prints',
  calibration: undefined,
  provenance: {
    method: 'flow-denoise train, objective denoising, Adam',
    data: {
      pictures: 407,
      validationPictures: 25,
      files: 407,
      validationFiles: 25,
      augment: 'all',
      hash: 'abc123',
    },
    machine: 'TensorFlow 2.9, CPU',
    steps: 12_345,
    batch: 9,
    rate: 1e-3,
    seed: 3,
    seconds: 3725,
    date: '2026-11-26',
    validation: {
      step: 12_345,
      bitsPerDimension: 3.21,
      psnr: [{ sigma255: 25, noisy: 20.17, denoised: 29.5 }],
    },
  },
};
const calibrated: PriorModel = {
  ...trained,
  calibration: { betaMap: { steps: 5, rate: 0.05, polish: true, table: [{ sigma255: 25, beta: 4.5 }] } },
  provenance: {
    ...trained.provenance,
    calibration: {
      crops: 24,
      files: 25,
      areKeptForValidation: true,
      date: '2026-11-26',
      psnr: [{ sigma255: 25, noisy: 20.16, posteriorMean: 29.41, betaMap: 29.77 }],
    },
  },
};

const headingsOf = (card: string) => [...card.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);

test('it has the headings of the shipped cards, in their order', async () => {
  const shipped = await readFile(join(findPrior('natural'), 'README.md'), 'utf8');
  assert.equal(headingsOf(shipped), HEADINGS);
  for (const model of [natural, trained, calibrated]) assert.equal(headingsOf(modelCard(model)), HEADINGS);
});

test('it says what model.json says', () => {
  const card = modelCard(calibrated);
  for (const words of [
    '# prints',
    'sigma 2.5 to 100',
    '2,717,076 parameters',
    '407 pictures; 25 more',
    'abc123',
    'Licence: not stated',
    '12,345 of 9 crops of 64 x 64',
    '1 h 2 min',
    'TensorFlow 2.9, CPU',
    '| posterior mean | 29.50 |',
    '3.210',
    '| beta-MAP, 5 steps | 29.77 |',
    '| beta | 4.5 |',
    '407 pictures are few',
  ])
    assert.match(card, words);
  assert.not.match(card, /undefined|NaN|null|\?/);
});

test('it says from how many folders the crops are, in which ratio and at which scales', () => {
  const { data } = trained.provenance as { data: object };
  const withData = (more: object) => modelCard({ ...trained, provenance: { data: { ...data, ...more } } });
  assert.not.match(withData({}), /folders|scales/);
  assert.match(withData({ folders: 2 }), 'The crops are from 2 folders.');
  assert.match(withData({ folders: 2, weights: '3 : 1' }), 'from 2 folders, in the ratio 3 : 1.');
  assert.match(withData({ shrink: 0.5 }), 'several scales, from 1 down to 0.5.');
});

test('of a prior that was not trained here, it says what there is to say', () => {
  const card = modelCard({ ...natural, provenance: { seconds: 'long', data: 'photographs' } });
  assert.match(card, 'not recorded');
  assert.match(card, 'Nothing was measured yet');
  assert.not.match(card, /undefined|NaN|null/);
});

test('an unconditioned prior is for beta-MAP only', () => {
  const card = modelCard({ ...trained, conditioning: null });
  assert.match(card, 'beta-MAP only');
  assert.match(card, 'a short beta-MAP');
  assert.match(card, 'no posterior mean');
});

test('sections follow model.json until someone writes them anew', async () => {
  const path = join(temporary.folder, 'README.md');
  await updateModelCard(path, undefined, trained);
  assert.is(await readFile(path, 'utf8'), modelCard(trained));
  await updateModelCard(path, trained, calibrated);
  assert.is(await readFile(path, 'utf8'), modelCard(calibrated));
  await updateModelCard(path, calibrated, trained);
  assert.is(await readFile(path, 'utf8'), modelCard(trained));

  const own = (await readFile(path, 'utf8'))
    .replace(/\*\*Licence: not stated\.\*\*.*/, 'CC0, all of it.')
    .concat('\n## Thanks\n\nTo the printers.\n');
  await writeFile(path, own);
  await updateModelCard(path, trained, calibrated);
  const card = await readFile(path, 'utf8');
  assert.match(card, 'CC0, all of it.');
  assert.match(card, '## Thanks\n\nTo the printers.\n');
  assert.match(card, '| beta-MAP, 5 steps | 29.77 |');
  assert.equal(headingsOf(card), [...HEADINGS, 'Thanks']);
  assert.not.match(card, 'Licence: not stated');
});

test("a shipped prior's card is nobody's to change", async () => {
  const path = join(temporary.folder, 'natural.md');
  const shipped = await readFile(join(findPrior('natural'), 'README.md'), 'utf8');
  await writeFile(path, shipped);
  await updateModelCard(path, natural, calibrated);
  assert.is(await readFile(path, 'utf8'), shipped);
});

test.after(temporary.remove);
test.run();
