// A worker in a process of its own, for tests that kill it or load its event loop. Its events are lines of JSON.
// Usage: node --import tsx test/queue/child.ts <options as JSON>
import { writeSync } from 'node:fs';
import { startWorker } from '#src/queue/index.js';

/** Between two loads. */
const FREE_MS = 40;

const { load, ...options } = JSON.parse(process.argv[2] ?? '{}');
const worker = startWorker(options);
const tell = (event: string, told: object) => writeSync(1, `${JSON.stringify({ event, ...told })}\n`);
worker
  .on('ready', (told) => tell('ready', told))
  .on('done', ({ id, output }) => tell('done', { id, output }))
  .on('failed', (told) => tell('failed', told))
  .on('problem', ({ error }) => tell('problem', { message: error.message }));
process.once('SIGTERM', () => void worker.close());

worker.once('ready', () => {
  if (load === 0) return;
  let isOver = false;
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  const occupy = () => {
    // The event loop stands still; the cores are free for the other workers.
    Atomics.wait(asleep, 0, 0, load);
    if (!isOver) setTimeout(occupy, FREE_MS);
  };
  occupy();
  worker.finished.finally(() => {
    isOver = true;
  });
});
await worker.finished;
