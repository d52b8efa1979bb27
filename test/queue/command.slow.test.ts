// The commands worker, submit and queue, and the example of a server, each in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow } from '../cli/command.js';
import { forgetPriors, put, QUICK, smallPicture, until, withPlace } from './queueing.js';
import { hasRedis, type RedisServer, startRedis } from './servers.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'dist/cli/main.js');

const command = suite<{ redis: RedisServer }>('command', {} as never);
const test = hasRedis ? command : command.skip;
command.before(async (context) => {
  if (hasRedis) context.redis = await startRedis();
});
command.before.each(async ({ redis }) => {
  await redis?.client.flushall();
});
command.after(async ({ redis }) => {
  await redis?.stop();
  await forgetPriors();
});

interface Run {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  readonly err: () => string;
}

function start(args: readonly string[], cwd: string, queue: string | undefined): Run {
  const { FLOW_DENOISE_QUEUE: _, ...others } = process.env;
  const env = { ...others, ...(queue !== undefined && { FLOW_DENOISE_QUEUE: queue }) };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return {
    process: child,
    err: () => err,
    ended: once(child, 'close').then(([code]) => ({ code, out, err })),
  };
}

const flags = Object.entries(QUICK).flatMap(([name, value]) => [`--${name}`, String(value)]);

test('worker, submit --wait, queue: words on stderr, lines on stdout, exit codes', async ({ redis }) => {
  await withPlace(3, async (place) => {
    const run = (...args: string[]) => start([main, ...args], place.root, redis.url).ended;
    const worker = start([main, 'worker', '--engine', 'onnx', '--threads', '1'], place.root, redis.url);
    await put(place, 'bad.png', 'no picture');
    const submit = ['submit', 'in', '-o', 'out', '--prior', 'prior', ...flags];
    const { code, out, err } = await run(...submit, '--wait', '--json');
    assert.is(code, 1, err);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { error?: { code: string } });
    assert.equal(
      lines.flatMap(({ error }) => error?.code ?? []),
      ['BAD_IMAGE'],
    );
    assert.is(lines.length, 4);
    assert.match(err, /4 pictures submitted: 3 done, 1 failed\n$/);
    assert.equal(await filesBelow(place.output), ['1.png', '2.png', 'sub/0.png']);

    const again = await run(...submit);
    assert.is(again.code, 0);
    assert.match(again.err, /4 pictures submitted, 4 of them already known to the queue\n$/);
    const status = JSON.parse((await run('queue', 'status', '--json')).out);
    assert.equal([status.done, status.failed, status.workers], [3, 1, 1]);
    assert.match(
      (await run('queue', 'failed')).out,
      /^[0-9a-f]{32} {2}in\/bad\.png {2}BAD_IMAGE {2}.*found text/,
    );
    assert.is((await run('queue', 'retry')).out, '1 will be tried again\n');
    await until(() => worker.err().split('found text').length > 2, 'it has failed again');

    worker.process.kill('SIGTERM');
    const { code: workerCode, err: words } = await worker.ended;
    assert.is(workerCode, 0, words);
    assert.match(words, /^worker of pictures at redis:\/\/127\.0\.0\.1:\d+\/0, pictures in /m);
  });
});

test('wrong usage: one line and exit code 2', async ({ redis }) => {
  await withPlace(1, async (place) => {
    for (const [args, expected] of [
      [['worker', '--queue', 'queue:1'], /Expected a URL for queue/],
      [['worker', '--queue', 'redis://me:secret@queue'], /Expected no password in --queue/],
      [['worker', '--jobs-dir', 'nowhere'], /Expected a folder for jobsDir/],
      [['submit', 'in'], /Pass --output/],
      [['submit', 'in', '-o', 's3://pictures/out'], /both in folders or both in a bucket/],
      [['submit', 'in', '-o', '../elsewhere', '--prior', 'prior'], /lies outside/],
      [['submit', 'in', '-o', 'out', '--prior', '../prior'], /lies outside|BAD_PRIOR|Expected/],
      [['queue', 'retry', 'nonsense'], /Expected the id of a failed job/],
    ] as const) {
      const { code, err } = await start([main, ...args], place.root, redis.url).ended;
      assert.is(code, 2, `${args.join(' ')}: ${err}`);
      assert.match(err, expected);
      assert.not.match(err, /secret| {4}at /);
    }
  });
});

test('the server of the example: 202, then the picture; what is none fails with its reason', async ({
  redis,
}) => {
  await withPlace(0, async (place) => {
    await mkdir(join(place.root, 'node_modules'));
    await symlink(root, join(place.root, 'node_modules', 'flow-denoise'), 'junction');
    const program = join(root, 'examples/queue/server.mjs');
    process.env.PORT = '0';
    process.env.JOBS_DIR = place.root;
    process.env.PRIOR = place.prior;
    const server = start([program], place.root, redis.url);
    const worker = start([main, 'worker', '--engine', 'onnx', '--threads', '1'], place.root, redis.url);
    try {
      let port = '';
      server.process.stdout?.on('data', (text: string) => {
        port ||= /port (\d+)/.exec(text)?.[1] ?? '';
      });
      await until(() => port !== '', 'the server listens');
      const url = `http://localhost:${port}`;
      async function send(body: Buffer): Promise<Response> {
        const sent = await fetch(`${url}/pictures`, { method: 'POST', body: Uint8Array.from(body) });
        assert.is(sent.status, 202);
        for (;;) {
          const response = await fetch(`${url}${sent.headers.get('location')}`);
          if (response.status !== 202) return response;
          await response.text();
          await delay(100);
        }
      }
      const response = await send(await smallPicture(1));
      assert.is(response.status, 200);
      assert.is((await sharp(Buffer.from(await response.arrayBuffer())).metadata()).width, 32);
      assert.is((await send(Buffer.from('no picture'))).status, 422);
      assert.is((await fetch(`${url}/pictures/${'0'.repeat(32)}`)).status, 404);
      // The answer reaches a client that sends all before it reads.
      const large = request(`${url}/pictures`, { method: 'POST' });
      Readable.from(Array.from({ length: 80 }, () => Buffer.alloc(1e6))).pipe(large);
      const [answer] = (await once(large, 'response')) as [IncomingMessage];
      assert.is(answer.statusCode, 413);
      assert.equal(await json(answer), { error: 'too large' });
    } finally {
      for (const { process } of [server, worker]) process.kill('SIGTERM');
      await Promise.all([server.ended, worker.ended]);
    }
  });
});

command.run();
