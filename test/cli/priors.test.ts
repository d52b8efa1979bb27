// `flow-denoise priors` says what the priors' own files say.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command } from './command.js';

test('list: a line for each, and the default is marked', async () => {
  for (const args of [['priors'], ['priors', 'list']]) {
    const { code, stdout, stderr } = await command(args);
    assert.equal([code, stderr], [0, '']);
    const [faces = '', likelihood = '', natural = ''] = stdout.split('\n');
    assert.match(faces, /^faces64 +sigma 2\.5 to 75 \(grey 1\.443 to 43\.3\); 2\.7 million.*CelebA/);
    assert.match(likelihood, /^faces64-likelihood +any sigma; 2\.4 million/);
    assert.match(natural, /^natural +.*\(default\)$/);
  }
});

test('show and path agree with the files', async () => {
  const path = (await command(['priors', 'path', 'natural'])).stdout.trimEnd();
  const model = JSON.parse(await readFile(join(path, 'model.json'), 'utf8'));
  const betas: { sigma255: number; beta: number }[] = model.calibration.betaMap.table;
  const shown = await command(['priors', 'show', 'natural']);
  for (const words of [
    model.weights.sha256,
    model.provenance.data,
    'Data and licence',
    betas.map(({ sigma255, beta }) => `${sigma255}: ${beta}`).join(', '),
    path,
  ])
    assert.ok(shown.stdout.includes(words), words);
  const json = JSON.parse((await command(['priors', 'show', path, '--json'])).stdout);
  assert.equal(json.provenance, model.provenance);
  assert.equal(json.calibration, model.calibration);
  assert.equal(json.sigmaRange.colour, [2.5, 100]);
  assert.is(json.parameters, 2_717_076);
  assert.ok(json.card.Limits.length > 0);
});

test('a prior that is not there is wrong usage', async () => {
  const { code, stdout, stderr } = await command(['priors', 'show', 'nowhere']);
  assert.equal([code, stdout], [2, '']);
  assert.match(
    stderr,
    /^flow-denoise: Expected one of faces64, faces64-likelihood, natural or a folder.*nowhere\n$/,
  );
});

test.run();
