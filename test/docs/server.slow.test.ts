// docs/server.md: its pipelines, server and programs do what they say.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import * as assert from 'uvu/assert';
import { root } from './documents.js';
import {
  checkTypes,
  inShell,
  isThere,
  type OwnRun,
  runProgram,
  snippetTests,
  writeModule,
} from './snippets.js';

const gulp: OwnRun = async (snippet, project) => {
  const file = await writeModule(snippet, project);
  await rm(join(project, 'clean'), { recursive: true, force: true });
  const loader = file.endsWith('.ts') ? `--import ${root}node_modules/tsx/dist/loader.mjs` : '';
  await inShell(`NODE_OPTIONS="${loader}" gulp -f ${file}`, project);
  for (const path of ['clean/a.png', 'clean/below/b.jpg']) assert.ok(isThere(project, path), path);
  if (file.endsWith('.ts')) await checkTypes(file, project);
};

let url = '';
let stop = async (): Promise<void> => {};

const startServer: OwnRun = async (snippet, project) => {
  const file = await writeModule(snippet, project);
  const env = { ...process.env, PORT: '0' };
  const child = spawn(process.execPath, [file], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  stop = async () => {
    child.kill('SIGTERM');
    assert.is((await ended)[0], 0);
  };
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    url = `http://localhost:${/^port (\d+)/.exec(String(line))?.[1]}`;
    await refusesWhatIsNoPicture();
    await refusesWhatIsTooLarge();
    await isFreeAfterHangUp(project);
    await bearsManyUploads(child.pid ?? 0);
  } catch (error) {
    await stop();
    throw error;
  }
};

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a picture, in pieces of unknown number where it is not one buffer. */
async function post(body: Buffer | Iterable<Buffer>, type = 'image/png'): Promise<Answer> {
  const isWhole = Buffer.isBuffer(body);
  const outgoing = request(url, {
    method: 'POST',
    headers: { 'content-type': type, ...(isWhole && { 'content-length': body.length }) },
  });
  Readable.from(isWhole ? [body] : body).pipe(outgoing);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { statusCode: status, headers } = response;
  return { status, headers, text: await text(response) };
}

async function refusesWhatIsNoPicture(): Promise<void> {
  assert.is((await fetch(url)).status, 405);
  const typed = await post(Buffer.from('{}'), 'application/json');
  assert.is(typed.status, 415);
  assert.match(typed.text, 'image/png, image/jpeg');
  const bad = await post(Buffer.from('no picture'));
  assert.is(bad.status, 422);
  assert.match(bad.text, 'found text');
}

async function refusesWhatIsTooLarge(): Promise<void> {
  const piece = Buffer.alloc(1e6);
  assert.is((await post(Buffer.alloc(50e6 + 1))).status, 413);
  assert.is((await post(Array.from({ length: 60 }, () => piece))).status, 413);
  const large = await post(await flat('png', 5001, 5000));
  assert.is(large.status, 422);
  assert.match(large.text, /expected at most 25000000 .*maxPixels/);
}

const flat = (format: 'png' | 'jpeg', width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#7a5' } })
    .toFormat(format)
    .toBuffer();

/** A client that is slow, and one that hangs up: others are told to come again for as long as that. */
async function isFreeAfterHangUp(project: string): Promise<void> {
  const noisy = await readFile(join(project, 'noisy.png'));
  const slow = request(url, { method: 'POST', headers: { 'content-type': 'image/png' } });
  slow.on('error', () => {});
  slow.write(noisy.subarray(0, 100));
  const busy = await until(
    () => post(noisy.subarray(0, 100)),
    ({ status }) => status === 429,
  );
  assert.is(busy.headers['retry-after'], '30');
  slow.destroy();
  const free = await until(
    () => post(noisy.subarray(0, 100)),
    ({ status }) => status !== 429,
  );
  assert.is(free.status, 422);
}

async function until(ask: () => Promise<Answer>, isGood: (answer: Answer) => boolean): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (isGood(answer) || tries === 200) return answer;
    await delay(20);
  }
}

/** Clean pictures, because noisy ones of this size take minutes: bench/speed/server.ts has those. */
async function bearsManyUploads(pid: number): Promise<void> {
  const picture = await flat('jpeg', 5000, 5000);
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(picture, 'image/jpeg')));
  const statuses = answers.map(({ status }) => status).sort();
  assert.equal([statuses[0], statuses.at(-1)], [200, 429]);
  if (process.platform !== 'linux') return;
  const megabytes = Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
  assert.ok(megabytes < 1200, `${megabytes} MB`);
}

/** The picture that is sent comes back denoised; then the server is told to stop. */
const send: OwnRun = async ({ text: line }, project) => {
  try {
    assert.ok(line.includes('http://localhost:8080'), line);
    await runProgram('bash', ['-c', line.replace('http://localhost:8080', url)], project);
    const [noisy, clean] = await Promise.all(
      ['noisy.png', 'clean.png'].map((name) => readFile(join(project, name))),
    );
    assert.not.equal(clean, noisy);
    assert.is((await sharp(clean).metadata()).format, 'png');
  } finally {
    await stop();
  }
};

const writesPicture: OwnRun = async (snippet, project) => {
  await rm(join(project, 'clean.png'), { force: true });
  await runProgram(process.execPath, [await writeModule(snippet, project)], project);
  assert.ok((await stat(join(project, 'clean.png'))).size > 0);
};

snippetTests('docs/server.md', {
  own: {
    'gulpfile.cjs': gulp,
    'gulpfile.ts': gulp,
    'server.mjs': startServer,
    sh: send,
    'one-picture.mjs': writesPicture,
  },
});
