// Locks last while the event loop has no time for them: no job is done twice. QUEUE_MINUTES makes it longer.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQueueClient } from '#src/queue/client.js';
import { openQueue } from '#src/queue/index.js';
import { forgetPriors, nameOf, put, startWorkerProcess, submitAll, until, withPlace } from './queueing.js';
import { hasRedis, startRedis } from './servers.js';

const LOCK_MS = 1500;
/** The event loop does nothing else for longer than a lock lasts, again and again. */
const LOAD_MS = 2000;
/** In each round; the loaded worker holds two of the first. */
const PICTURES = 5;
const MINUTES = Number(process.env.QUEUE_MINUTES ?? 0);

const locks = suite('locks');
const test = hasRedis ? locks : locks.skip;
locks.after(forgetPriors);

test('a worker with a loaded event loop keeps its jobs; its neighbour takes none of them again', async () => {
  const redis = await startRedis();
  const workers: ReturnType<typeof startWorkerProcess>[] = [];
  try {
    await withPlace(PICTURES, async (place) => {
      const options = { queue: redis.url, jobsDir: place.root, lockMs: LOCK_MS, concurrency: 2 };
      const submitting = submitAll(redis.url, place);
      const loaded = startWorkerProcess(options, LOAD_MS);
      workers.push(loaded);
      await until(() => loaded.events.some(({ event }) => event === 'ready'), 'the loaded worker is ready');
      const queue = await openQueue({ queue: redis.url, jobsDir: place.root });
      await until(async () => (await queue.status()).active === 2, 'the loaded worker has two pictures');
      await queue.close();
      // The one who would take what is not held.
      workers.push(startWorkerProcess({ ...options, concurrency: 1 }));
      const { summary } = await submitting;
      assert.equal(summary, { submitted: PICTURES, known: 0, done: PICTURES, failed: 0 });
      const end = Date.now() + 60_000 * MINUTES;
      let pictures = PICTURES;
      for (; Date.now() < end; pictures += PICTURES) {
        for (let i = 0; i < PICTURES; i++) await put(place, nameOf(i), pictures + i);
        const next = await submitAll(redis.url, place);
        assert.equal(next.summary, {
          submitted: PICTURES,
          known: 0,
          done: PICTURES,
          failed: 0,
        });
      }
      const client = await openQueueClient(redis.url, 'pictures');
      const jobs = await client.bull.getCompleted();
      assert.is(jobs.length, pictures);
      const taken = jobs.map(({ finishedOn = 0, processedOn = 0 }) => finishedOn - processedOn);
      const longer = taken.filter((ms) => ms > LOCK_MS).length;
      console.log(`${jobs.length} jobs, ${longer} of them held for longer than a lock lasts`);
      assert.ok(
        Math.max(...taken) > 2 * LOCK_MS,
        `the longest took ${Math.max(...taken)} ms: no lock was put to the test`,
      );
      for (const { attemptsStarted, stalledCounter } of jobs)
        assert.equal([attemptsStarted, stalledCounter], [1, 0]);
      await client.close();
      for (const { process } of workers) process.kill('SIGTERM');
      assert.equal(await Promise.all(workers.map(({ ended }) => ended)), [0, 0]);
      const told = workers.flatMap(({ events }) => events.filter(({ event }) => event === 'done'));
      assert.is(told.length, pictures);
    });
  } finally {
    for (const { process } of workers) process.kill('SIGKILL');
    await redis.stop();
  }
});

locks.run();
