// The server of docs/server.md under many uploads at a time: what it answers, its largest resident size, and the
// processor time of its main thread between two turns of the event loop. That is the lag on a machine with a core to
// spare; the lag itself grows with whatever else the machine does.
// Usage: npm run bench -- server [uploads] [megapixels] [prior; the small one of the tests unless given]. Linux.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { fixtureFolder } from '../../test/core/fixture.js';
import { root } from '../../test/docs/documents.js';
import { snippetsOf } from '../../test/docs/snippets.js';

const [uploads = '20', megapixels = '25', prior = fixtureFolder('conditioned')] = process.argv.slice(2);

const PROBE = `
import { readFileSync } from 'node:fs';
const used = () => Number(readFileSync('/proc/self/task/' + process.pid + '/schedstat', 'latin1').split(' ')[0]) / 1e6;
const turns = [];
let last = used();
setInterval(() => {
  const now = used();
  turns.push(now - last);
  last = now;
}, 2).unref();
process.on('exit', () => {
  turns.sort((a, b) => a - b);
  const at = (part) => turns[Math.floor(part * (turns.length - 1))].toFixed(1);
  console.log('main thread between turns (ms): median ' + at(0.5) + ', 99th percentile ' + at(0.99) + ', max ' + at(1));
});`;

const side = Math.floor(Math.sqrt(Number(megapixels) * 1e6));
const noise = gaussianGenerator(1);
const photo = await sharp(`${root}examples/photos/astronaut.png`).resize(side, side).raw().toBuffer();
const noisy = photo.map((value) => Math.max(0, Math.min(255, value + 25 * noise())));
const raw = { width: side, height: side, channels: 3 as const };
const body = new Uint8Array(await sharp(noisy, { raw }).jpeg({ quality: 90 }).toBuffer());

const project = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
try {
  const { text = '' } = snippetsOf('docs/server.md').find(({ file }) => file === 'server.mjs') ?? {};
  await symlink(`${root}node_modules`, join(project, 'node_modules'));
  const program = text
    .replace("'flow-denoise'", JSON.stringify(`${root}dist/index.js`))
    .replace('openDenoiser()', `openDenoiser({ prior: ${JSON.stringify(prior)} })`);
  await writeFile(join(project, 'server.mjs'), program);
  await writeFile(join(project, 'probe.mjs'), PROBE);
  const child = spawn(process.execPath, ['--import', './probe.mjs', 'server.mjs'], {
    cwd: project,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    child.stdout.pipe(process.stdout);
    const url = `http://localhost:${/\d+/.exec(String(line))?.[0]}`;
    const started = performance.now();
    const statuses = await Promise.all(
      Array.from({ length: Number(uploads) }, async () => {
        const response = await fetch(url, {
          method: 'POST',
          body,
          headers: { 'content-type': 'image/jpeg' },
        });
        await response.arrayBuffer();
        return response.status;
      }),
    );
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const counts = [...new Set(statuses)].map(
      (status) => `${statuses.filter((each) => each === status).length} x ${status}`,
    );
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    const largest = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000;
    console.log(
      `${uploads} uploads of ${side} x ${side} pixels, ${body.length} bytes: ${counts.join(', ')} in ${seconds} s; ` +
        `resident at most ${largest.toFixed(0)} MB`,
    );
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
} finally {
  await rm(project, { recursive: true });
}
