// The worked example of docs/noise.md runs as it stands, and its model is the built-in one.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transform } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import { laplacianNoise, type NoiseModel } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import type { DenoiseReport } from '#src/denoiser/denoiser.js';
import type { NoiseAnalysis } from '#src/denoiser/noise/analyse-noise.js';
import { largestDifference } from '../core/flow/differences.js';
import { randomNumbers } from '../core/flow/random-weights.js';
import { photo } from '../core/photo.js';
import { codeBlocks, document, root, section } from './documents.js';
import { snippetTests } from './snippets.js';

interface Example {
  laplacian(sigma: number): NoiseModel;
  denoiseLaplacian(
    image: Picture<Float32Array>,
    sigma255: number,
  ): Promise<Picture<Float32Array> & { report: DenoiseReport }>;
}

test('the worked example', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  try {
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules', 'flow-denoise'), 'junction');
    const [block = ''] = codeBlocks(section(document('docs/noise.md'), '## A model of your own'), 'js');
    const file = join(folder, /^\/\/ (\S+)\n/.exec(block)?.[1] ?? 'no-name.mjs');
    await writeFile(file, block);
    const { laplacian, denoiseLaplacian } = (await import(pathToFileURL(file).href)) as Example;

    const [estimate, noisy] = [1, 2].map((seed) => Float32Array.from(randomNumbers(300, 0.1, seed)));
    if (!estimate || !noisy) throw new Error('unreachable');
    const [ours, theirs] = [laplacian(0.1), laplacianNoise(0.1)];
    assert.ok(Math.abs(ours.logLikelihood(estimate, noisy) - theirs.logLikelihood(estimate, noisy)) < 1e-6);
    const gradients = [ours, theirs].map((model) => model.gradient(estimate, noisy, new Float32Array(300)));
    assert.ok(largestDifference(gradients[0] ?? [], gradients[1] ?? []) < 1e-4);

    // Laplacian noise by the inverse of its distribution function, on a photograph.
    const clean = await photo('chelsea.png', { left: 150, top: 60, width: 96, height: 64 });
    const scale = 20 / 255 / Math.SQRT2;
    const uniform = randomNumbers(clean.data.length * 2, 1, 3);
    const data = clean.data.map((value, i) => {
      // The ratio of a normal number to the length of a pair of them is the cosine of an even angle.
      const angle = Math.atan2(uniform[2 * i] ?? 0, uniform[2 * i + 1] ?? 1) / (2 * Math.PI);
      return value - scale * Math.sign(angle) * Math.log(1 - 2 * Math.abs(angle));
    });
    const result = await denoiseLaplacian({ ...clean, data, channels: 3 }, 20);
    assert.is(result.report.noise.model, 'laplacian');
    const gain = psnr(clean.data, result.data) - psnr(clean.data, data);
    assert.ok(gain > 5, `${gain} dB`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the examples of profiles', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  try {
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules', 'flow-denoise'), 'junction');
    const blocks = codeBlocks(section(document('docs/noise.md'), '## Noise profiles'), 'js');
    const modules = await Promise.all(
      blocks.map(async (block) => {
        const file = join(folder, /^\/\/ (\S+)\n/.exec(block)?.[1] ?? 'no-name.mjs');
        await writeFile(file, block);
        return (await import(pathToFileURL(file).href)) as Record<
          string,
          (...args: unknown[]) => Promise<unknown>
        >;
      }),
    );
    const [{ withProfile } = {}, { noiseOf } = {}] = modules;
    if (!withProfile || !noiseOf) throw new Error('an example is missing');
    const clean = await photo('chelsea.png', { left: 150, top: 60, width: 96, height: 64 });
    const noisy = clean.data.map((value, i) => value + (i % 2 === 0 ? 0.05 : -0.05));
    const found = (await noiseOf(
      { ...clean, data: noisy, channels: 3 },
      { ...clean, channels: 3 },
    )) as NoiseAnalysis;
    assert.is(found.why, 'measured against the clean picture');
    await writeFile(join(folder, 'p.json'), JSON.stringify(found.profile));
    ((await withProfile(join(folder, 'p.json'))) as Transform).destroy();
    await writeFile(join(folder, 'p.json'), '{ "brightness": [] }');
    const fault = await withProfile(join(folder, 'p.json')).catch((error: Error) => error.message);
    assert.match(String(fault), /noise profile/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

snippetTests('docs/noise.md');

test.run();
