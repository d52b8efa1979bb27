// In a worker thread of a program that does not forbid telemetry, ONNX Runtime stays unloaded: TensorFlow.js finds the noise
// and runs the prior. See README, "Privacy".
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** The native libraries are listed before `close`, because a thread that ends unloads its own. */
const IN_WORKER = `
import { parentPort } from 'node:worker_threads';
import { openDenoiser } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
const data = Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => 100 + ((i * i * 7919) % 61));
const denoiser = await openDenoiser({ threads: 1 });
const { report } = await denoiser.denoise({ data, width: 32, height: 32, channels: 3 });
const { sharedObjects } = process.report.getReport();
await denoiser.close();
parentPort.postMessage({ engine: report.engine, sigma: report.sigma, sharedObjects });`;

test('in a worker thread that may not forbid telemetry, a picture of unknown noise', async () => {
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
  const program = new URL(`data:text/javascript,${encodeURIComponent(IN_WORKER)}`);
  const [{ engine, sigma, sharedObjects }] = await once(
    new Worker(program, { env, execArgv: [] }),
    'message',
  );
  assert.is(engine, 'wasm');
  assert.ok(sigma > 0, `${sigma}`);
  assert.ok(sharedObjects.length > 0);
  assert.equal(
    sharedObjects.filter((file: string) => file.includes('onnxruntime')),
    [],
  );
});

test.run();
