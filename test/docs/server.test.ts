// docs/server.md: its pipelines, server and programs do what they say.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  url = `http://localhost:${/^port (\d+)/.exec(String(line))?.[1]}`;
  const bad = await fetch(url, { method: 'POST', body: 'no picture' });
  assert.is(bad.status, 415);
  assert.match(await bad.text(), 'found text');
};

/** The picture that is sent comes back denoised; then the server is told to stop. */
const send: OwnRun = async ({ text }, project) => {
  try {
    assert.ok(text.includes('http://localhost:8080'), text);
    await runProgram('bash', ['-c', text.replace('http://localhost:8080', url)], project);
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
