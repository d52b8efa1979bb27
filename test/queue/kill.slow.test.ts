// Workers that are killed, again and again, and a Redis that is, in the middle: every picture ends exactly once and whole
// in the output. QUEUE_PICTURES and QUEUE_KILL_MS make it longer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQueue } from '#src/queue/index.js';
import { filesBelow } from '../cli/command.js';
import { checkWholeness } from '../plugin/watch/watching.js';
import {
  forgetPriors,
  nameOf,
  put,
  startWorkerProcess,
  submitAll,
  until,
  type WorkerProcess,
  withPlace,
  withWorker,
} from './queueing.js';
import { hasRedis, startRedis } from './servers.js';

const PICTURES = Number(process.env.QUEUE_PICTURES ?? 120);
const KILL_EVERY_MS = Number(process.env.QUEUE_KILL_MS ?? 2000);
const WORKERS = 3;
const LOCK_MS = 1500;

const kill = suite('kill');
const test = hasRedis ? kill : kill.skip;
kill.after(forgetPriors);

test('workers and the server are killed: no picture is lost, none is there in part', async () => {
  const redis = await startRedis();
  const random = mersenne(1);
  const all: WorkerProcess[] = [];
  try {
    await withPlace(PICTURES, async (place) => {
      await put(place, 'bad.png', 'no picture');
      const start = () => startWorkerProcess({ queue: redis.url, jobsDir: place.root, lockMs: LOCK_MS });
      const alive = Array.from({ length: WORKERS }, start);
      all.push(...alive);
      const stopChecking = checkWholeness(place.output);
      let isOver = false;
      let kills = 0;
      const killing = (async () => {
        while (!isOver) {
          await delay(KILL_EVERY_MS);
          const index = uniformInt(random, 0, WORKERS - 1);
          const worker = alive[index];
          // One that is still starting has nothing to lose, and on a busy machine none would ever be ready.
          if (!worker?.events.some(({ event }) => event === 'done')) continue;
          worker.process.kill('SIGKILL');
          await worker.ended;
          alive[index] = start();
          all.push(alive[index]);
          kills++;
        }
      })();
      const restarting = (async () => {
        const queue = await openQueue({ queue: redis.url, jobsDir: place.root });
        await until(async () => (await queue.status()).done > PICTURES / 2, 'half is done', 600);
        await queue.close();
        await redis.kill();
        await delay(1000);
        await redis.start();
      })();
      const { summary, outcomes } = await submitAll(redis.url, place, { maxWaiting: 60 });
      await restarting;
      isOver = true;
      await killing;
      const seen = await stopChecking();

      assert.is(summary.submitted, PICTURES + 1);
      assert.is(summary.done + summary.failed, PICTURES + 1);
      const failed = outcomes.filter(({ error }) => error);
      // A picture that was in work at three kills has failed with that reason; more than a few would be another fault.
      for (const { job, error } of failed)
        assert.ok(error?.code === 'WORKER_LOST' || job.input.endsWith('bad.png'), JSON.stringify(error));
      assert.ok(failed.length <= 1 + PICTURES / 50, `${failed.length} have failed`);
      const lost = failed.map(({ job }) => job.output.slice(place.output.length + 1));
      const visible = (await filesBelow(place.output)).filter(
        (path) => !path.split('/').pop()?.startsWith('.'),
      );
      const expected = Array.from({ length: PICTURES }, (_, i) => nameOf(i));
      assert.equal(visible, expected.filter((path) => !lost.includes(path)).sort());
      assert.ok(seen >= visible.length);
      assert.equal(await filesBelow(place.output), visible, 'no temporary file is left');
      for (const path of visible)
        assert.is((await sharp(join(place.output, path)).stats()).channels.length, 3, path);

      const computed = all.flatMap(({ events }) => events).filter(({ event }) => event === 'done').length;
      console.log(
        `${kills} kills, ${computed} results told by workers for ${PICTURES} pictures, ${failed.length} failed`,
      );
      const isReady = ({ events }: WorkerProcess) => events.some(({ event }) => event === 'ready');
      await until(() => alive.every(isReady), 'those that were started last are ready');
      for (const { process } of alive) process.kill('SIGTERM');
      assert.equal(
        await Promise.all(alive.map(({ ended }) => ended)),
        [0, 0, 0],
        'a signal ends a worker cleanly',
      );
    });
  } finally {
    for (const { process } of all) process.kill('SIGKILL');
    await redis.stop();
  }
});

/** A worker that ends as soon as it has a picture. */
const DYING = `
  import { Worker } from 'bullmq';
  const connection = { host: '127.0.0.1', port: Number(process.argv[1]), maxRetriesPerRequest: null };
  const times = { lockDuration: 400, stalledInterval: 400, maxStalledCount: 2 };
  new Worker('pictures', () => process.kill(process.pid, 'SIGKILL'), { connection, ...times });
`;

test('a picture whose worker is killed three times fails with its reason, and does not come back', async () => {
  const redis = await startRedis();
  try {
    await withPlace(1, async (place) => {
      await submitAll(redis.url, place, { wait: false });
      for (let time = 0; time < 3; time++) {
        const dying = spawn(process.execPath, ['--input-type=module', '-e', DYING, String(redis.port)], {
          stdio: 'inherit',
        });
        assert.equal(await once(dying, 'exit'), [null, 'SIGKILL']);
      }
      await withWorker({ queue: redis.url, jobsDir: place.root, lockMs: 400 }, async (events) => {
        await until(() => events.failed.length === 1, 'it has failed');
        const [{ code, isFinal, message } = { code: '', isFinal: false, message: '' }] = events.failed;
        assert.equal([code, isFinal], ['WORKER_LOST', true]);
        assert.match(message, /^its worker ended 3 times while it worked on this job/);
        await delay(1500);
        assert.equal([events.failed.length, events.done.length], [1, 0]);
        const queue = await openQueue({ queue: redis.url, jobsDir: place.root });
        assert.is(await queue.retry(), 1);
        await until(() => events.done.length === 1, 'asked for, it is tried again');
        await queue.close();
      });
    });
  } finally {
    await redis.stop();
  }
});

kill.run();
