// A server that is not there yet, goes away, refuses the user, or speaks TLS. QUEUE_AWAY_MS makes its absence longer.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Job } from 'bullmq';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, queueAddress } from '#src/queue/connection.js';
import { openQueue, startWorker, type WorkerOptions } from '#src/queue/index.js';
import { rejection } from '../tile/rejection.js';
import {
  forgetPriors,
  type Place,
  put,
  startWorkerProcess,
  submitAll,
  until,
  withPlace,
  withWorker,
} from './queueing.js';
import { freePort, hasRedis, startRedis } from './servers.js';

const AWAY_MS = Number(process.env.QUEUE_AWAY_MS ?? 3000);

const outage = suite('outage');
outage.after(forgetPriors);

outage('no server: whoever submits is told at once, a worker waits', async () => {
  const queue = `redis://127.0.0.1:${await freePort()}`;
  const error = String(await rejection(openQueue({ queue })));
  assert.match(
    error,
    /^FlowDenoiseError: The queue redis:\/\/127\.0\.0\.1:\d+\/0 cannot be reached \(ECONNREFUSED\)/,
  );
  const worker = startWorker({ queue });
  const problems: string[] = [];
  worker.on('problem', ({ error }) => problems.push(error.message));
  await delay(700);
  assert.is(problems.length, 1, problems.join('\n'));
  assert.equal(await worker.close(), { done: 0, failed: 0 });
});

const test = hasRedis ? outage : outage.skip;

/** The first outcome of a worker is lost on the way to the server. */
async function withLostOutcome(
  use: (url: string, place: Place, options: WorkerOptions, isLost: () => boolean) => Promise<void>,
): Promise<void> {
  const redis = await startRedis();
  const { moveToCompleted } = Job.prototype;
  let isLost = false;
  Job.prototype.moveToCompleted = function (...told) {
    if (isLost) return moveToCompleted.apply(this, told);
    isLost = true;
    return new Promise(() => {});
  };
  try {
    await withPlace(1, (place) => {
      const options = { queue: redis.url, jobsDir: place.root, lockMs: 600, concurrency: 1 };
      return use(redis.url, place, options, () => isLost);
    });
  } finally {
    Job.prototype.moveToCompleted = moveToCompleted;
    await redis.stop();
  }
}

const DONE = { submitted: 1, known: 0, done: 1, failed: 0 };

test('an outcome that is lost on the way: the worker has its place back and does the picture again', () =>
  withLostOutcome((url, place, options, isLost) =>
    withWorker(options, async (events) => {
      assert.equal((await submitAll(url, place)).summary, DONE);
      assert.ok(isLost());
      assert.is(events.done.length, 1);
    }),
  ));

test('an outcome that is lost on the way: the worker can end, and another does the picture again', () =>
  withLostOutcome((url, place, options, isLost) =>
    withWorker(options, async (_, worker) => {
      const submitting = submitAll(url, place);
      await until(isLost, 'the first outcome is lost');
      assert.equal(await worker.close(), { done: 0, failed: 0 });
      const other = startWorkerProcess(options);
      try {
        assert.equal((await submitting).summary, DONE);
        await until(() => other.events.some(({ event }) => event === 'done'), 'the other tells it');
      } finally {
        other.process.kill('SIGTERM');
        await other.ended;
      }
    }),
  ));

test('a server that goes away and comes back: one line, and the work goes on', async () => {
  const redis = await startRedis();
  try {
    await withPlace(12, async (place) => {
      const problems: string[] = [];
      await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
        const submitting = submitAll(redis.url, place, {
          onProblem: ({ message }) => problems.push(message),
        });
        await until(() => events.done.length > 1, 'some are done');
        await redis.kill();
        await delay(AWAY_MS);
        await redis.start();
        const { summary } = await submitting;
        assert.equal(summary, { submitted: 12, known: 0, done: 12, failed: 0 });
        assert.is(new Set(events.done).size, 12);
        assert.is(events.problems.length, 1, events.problems.join('\n'));
        assert.is(events.backs, 1);
        await put(place, 'later.png', 99);
        assert.is((await submitAll(redis.url, place)).summary.done, 13);
      });
      assert.is(problems.length, 1, problems.join('\n'));
    });
  } finally {
    await redis.stop();
  }
});

/** What a user of the queue may do, as docs/queue.md has it. */
const USER = 'user denoise on >secret resetchannels ~bull:* +@all -@dangerous +info +client|list';

test('a user with few rights works; a wrong password is told in one line without it', async () => {
  const redis = await startRedis(['user default off', USER]);
  try {
    await withPlace(1, async (place) => {
      const queue = redis.url.replace('redis://', 'redis://denoise:secret@');
      const { summary } = await withWorker({ queue, jobsDir: place.root }, () => submitAll(queue, place));
      assert.is(summary.done, 1);
      const wrong = redis.url.replace('redis://', 'redis://denoise:wr0ng@');
      for (const refuse of [
        () => openQueue({ queue: wrong }),
        () => startWorker({ queue: wrong }).finished,
        () => openQueue({ queue: redis.url }),
      ]) {
        const error = String(await rejection(refuse()));
        assert.match(error, /refused the user or password\. Check FLOW_DENOISE_QUEUE_USER/);
        assert.not.match(error, /wr0ng|\n/);
      }
    });
  } finally {
    await redis.stop();
  }
});

test('TLS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
    ];
    execFileSync('openssl', [...made, ...names], { stdio: 'ignore' });
  } catch (error) {
    console.log(`SKIP the queue over TLS: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    return rm(folder, { recursive: true });
  }
  const port = await freePort();
  const files = [`tls-cert-file ${certificate}`, `tls-key-file ${key}`, `tls-ca-cert-file ${certificate}`];
  const redis = await startRedis([`tls-port ${port}`, 'tls-auth-clients no', ...files]);
  try {
    // Unless NODE_EXTRA_CA_CERTS names it, nobody vouches for this certificate.
    const error = String(await rejection(openQueue({ queue: `rediss://localhost:${port}` })));
    assert.match(error, /cannot be reached \((DEPTH_ZERO_)?SELF_SIGNED/i);
    const program = `import { openQueue } from '#src/queue/index.js';
      const queue = await openQueue({ queue: 'rediss://localhost:${port}' });
      console.log((await queue.status()).waiting);
      await queue.close();`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { env });
    assert.is(output.toString(), '0\n');
  } finally {
    await redis.stop();
    await rm(folder, { recursive: true });
  }
});

test('a connection ends with its signal while it waits', async () => {
  const address = queueAddress(`redis://127.0.0.1:${await freePort()}`);
  const stopping = new AbortController();
  const connecting = connect(address, { isPatient: true, signal: stopping.signal });
  stopping.abort(new Error('enough'));
  assert.is(String(await rejection(connecting)), 'Error: enough');
});

outage.run();
