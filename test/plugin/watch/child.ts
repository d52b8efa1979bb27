// A watcher in a process of its own, with a denoiser that changes nothing: for tests that kill it. Its events are lines
// of JSON on stdout.
// Usage: node --import tsx test/plugin/watch/child.ts <options as JSON>
import { writeSync } from 'node:fs';
import { watchFolder } from '#src/plugin/watch/folder-watcher.js';
import { identityDenoiser } from '../identity-denoiser.js';

const { milliseconds = 0, ...options } = JSON.parse(process.argv[2] ?? '{}');
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort(new Error('terminated')));
const watcher = watchFolder({
  ...options,
  denoiser: identityDenoiser(() => milliseconds),
  signal: stopping.signal,
});
const tell = (event: string, told: object) => {
  writeSync(1, `${JSON.stringify({ event, rss: process.memoryUsage.rss(), ...told })}\n`);
};
for (const event of ['ready', 'taken', 'done', 'skipped', 'idle'] as const)
  watcher.on(event, (told: object) => tell(event, told));
watcher.on('failed', ({ error, ...told }) => tell('failed', { ...told, message: error.message }));
watcher.on('problem', ({ error, ...told }) => tell('problem', { ...told, message: error.message }));
watcher.finished.then(
  (summary) => tell('end', summary),
  (error: Error) => {
    tell('end', { message: error.message });
    process.exitCode = 1;
  },
);
