// `flow-denoise priors` says what the priors' own files say.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { printableLines } from '#src/core/printable.js';
import { copyOfFixture, removeFolders } from '../../core/model/prior-folder.js';
import { noisyPicture } from '../../plugin/pictures.js';
import { command } from '../command.js';

test.after(removeFolders);

test('list: a line for each, and the default is marked', async () => {
  for (const args of [['priors'], ['priors', 'list']]) {
    const { code, stdout, stderr } = await command(args);
    assert.equal([code, stderr], [0, '']);
    const [faces = '', likelihood = '', free = '', natural = ''] = stdout.split('\n');
    assert.match(faces, /^faces64 +sigma 2\.5 to 75 \(grey 1\.443 to 43\.3\); 2\.7 million.*CelebA/);
    assert.match(likelihood, /^faces64-likelihood +any sigma; 2\.4 million/);
    assert.match(free, /^free +sigma 2\.5 to 100 .*free licences/);
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
    /^flow-denoise: Expected one of faces64, faces64-likelihood, free, natural or a folder.*nowhere\n$/,
  );
});

test("what a prior's files say reaches the terminal escaped, objects as text", async () => {
  const { folder, readModel, writeModel } = await copyOfFixture();
  const model = await readModel();
  const name = 'evil \u001b]0;owned\u0007\u202e';
  await writeModel({ ...model, name, provenance: { data: { folder: 'photos', files: 3 } } });
  await writeFile(join(folder, 'README.md'), '# evil\n\n## Limits\n\n\u001b[2Jnone\n');
  const { code, stdout } = await command(['priors', 'show', folder]);
  assert.is(code, 0);
  assert.match(stdout, /^name +evil \\u\{1b\}\]0;owned\\u\{7\}\\u\{202e\}$/m);
  assert.match(stdout, /^\\u\{1b\}\[2Jnone$/m);
  assert.match(stdout, /^data +folder photos, files 3$/m);
  const run = await command([join(folder, 'none.png'), '-o', folder, '--prior', folder]);
  await writeFile(join(folder, 'a.png'), await noisyPicture('png', { width: 16, height: 16 }));
  const done = await command(
    [join(folder, 'a.png'), '-o', join(folder, 'out'), '--prior', folder, '--sigma', '25', '--no-config'],
    { cwd: folder },
  );
  assert.is(done.code, 0, done.stderr);
  for (const text of [stdout, run.stderr, done.stderr]) assert.is(text, printableLines(text));
  assert.match(done.stderr, /evil \\u\{1b\}/);
});

test.run();
