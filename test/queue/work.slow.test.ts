// Submitting and working, with a Redis of the test's own and a folder.
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQueueClient } from '#src/queue/client.js';
import { openQueue } from '#src/queue/index.js';
import { filesBelow } from '../cli/command.js';
import {
  forgetPriors,
  put,
  QUICK,
  smallPicture,
  submitAll,
  until,
  withPlace,
  withWorker,
} from './queueing.js';
import { hasRedis, type RedisServer, startRedis } from './servers.js';

const work = suite<{ redis: RedisServer }>('work', { redis: undefined as never });
const test = hasRedis ? work : work.skip;
work.before(async (context) => {
  if (hasRedis) context.redis = await startRedis();
});
work.before.each(async ({ redis }) => {
  await redis?.client.flushall();
});
work.after(async ({ redis }) => {
  await redis?.stop();
  await forgetPriors();
});

test('every picture is denoised once; again nothing is computed, with another option all', async ({
  redis,
}) => {
  await withPlace(5, async (place) => {
    await put(place, 'bad.png', 'no picture');
    await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
      const first = await submitAll(redis.url, place);
      assert.equal(first.summary, { submitted: 6, known: 0, done: 5, failed: 1 });
      assert.equal(await filesBelow(place.output), ['1.png', '2.png', '4.png', 'sub/0.png', 'sub/3.png']);
      const [outcome] = first.outcomes.filter(({ result }) => result);
      assert.is(outcome?.result?.report?.prior, 'fixture-conditioned');
      assert.is(outcome?.result?.megapixels, 0.001024);

      const again = await submitAll(redis.url, place);
      assert.equal(again.summary, { submitted: 6, known: 6, done: 5, failed: 1 });
      assert.is(events.done.length, 5);

      const other = await submitAll(redis.url, place, { sigma: 30 });
      assert.equal(other.summary, { submitted: 6, known: 0, done: 5, failed: 1 });
      assert.is(events.done.length, 10);
      assert.equal(
        events.failed.map(({ code, isFinal }) => [code, isFinal]),
        [
          ['BAD_IMAGE', true],
          ['BAD_IMAGE', true],
        ],
        'bad pictures are not tried again',
      );
    });
  });
});

test('the result is what the same options give without a queue', async ({ redis }) => {
  await withPlace(1, async (place) => {
    const { denoiseBytes } = await import('#src/index.js');
    const stream = denoiseBytes({ ...QUICK, prior: place.prior, engine: 'onnx', threads: 1 });
    stream.end(await readFile(join(place.input, 'sub/0.png')));
    const expected = Buffer.concat(await stream.toArray());
    await withWorker({ queue: redis.url, jobsDir: place.root }, () => submitAll(redis.url, place));
    assert.equal(await readFile(join(place.output, 'sub/0.png')), expected);
  });
});

test('names by id: a result that is there is left, even where the queue has forgotten it', async ({
  redis,
}) => {
  await withPlace(2, async (place) => {
    await put(place, 'copy.png', await smallPicture(1));
    await withWorker({ queue: redis.url, jobsDir: place.root }, async () => {
      await submitAll(redis.url, place, { names: 'id' });
      const [name = ''] = await filesBelow(place.output);
      assert.is((await filesBelow(place.output)).length, 2, 'two pictures with the same bytes are one job');
      await writeFile(join(place.output, name), 'kept');
      await redis.client.flushall();
      const { outcomes } = await submitAll(redis.url, place, { names: 'id' });
      assert.is(outcomes.filter(({ result }) => result && !result.report).length, 2);
      assert.is(await readFile(join(place.output, name), 'utf8'), 'kept');
    });
  });
});

test('jobs that lead out of the root, or are no jobs, fail in one line and the worker lives on', async ({
  redis,
}) => {
  await withPlace(1, async (place) => {
    const { root, input } = place;
    await mkdir(join(root, 'inner'));
    await symlink(input, join(root, 'inner', 'out-link'));
    await withWorker({ queue: redis.url, jobsDir: join(root, 'inner') }, async (events) => {
      const client = await openQueueClient(redis.url, 'pictures');
      await cp(input, join(root, 'inner', 'in'), { recursive: true });
      await cp(place.prior, join(root, 'inner', 'prior'), { recursive: true });
      const inner = {
        root: join(root, 'inner'),
        input: join(root, 'inner/in'),
        output: join(root, 'inner/out'),
        prior: join(root, 'inner/prior'),
      };
      const { outcomes } = await submitAll(redis.url, inner);
      const made = await client.bull.getJob(outcomes[0]?.job.id ?? '');
      const jobs = {
        parent: { input: '../in/sub/0.png' },
        absolute: { input: join(input, 'sub/0.png') },
        link: { input: 'out-link/sub/0.png' },
        written: { output: 'out-link/stolen.png' },
        writtenParent: { output: '../stolen.png' },
        shape: { options: { sigma: -1 } },
      };
      for (const [jobId, changed] of Object.entries(jobs))
        await client.bull.add('picture', { ...made?.data, ...changed }, { jobId, attempts: 3 });
      await client.bull.add('picture', 'format c:', { jobId: 'nonsense' });
      await until(() => events.failed.length === 7, 'all have failed');
      for (const { id, message, isFinal, code } of events.failed) {
        assert.ok(isFinal, id);
        assert.is(code, 'BAD_OPTION', id);
        assert.not.match(message, /\n/);
      }
      const messageOf = (id: string) => events.failed.find((each) => each.id === id)?.message ?? '';
      assert.match(messageOf('parent'), /expected a path below the root/);
      assert.match(messageOf('link'), /lies outside/);
      assert.match(messageOf('written'), /lies outside/);
      assert.not.ok((await filesBelow(root)).some((path) => path.includes('stolen')));
      await put({ ...place, input: inner.input }, 'later.png', 9);
      assert.is((await submitAll(redis.url, inner)).summary.done, 2);
      await client.close();
    });
  });
});

test('a job of another version, or with a prior that is not here, is left to others, and told', async ({
  redis,
}) => {
  await withPlace(1, async (place) => {
    await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
      const { outcomes } = await submitAll(redis.url, place);
      const client = await openQueueClient(redis.url, 'pictures');
      const made = await client.bull.getJob(outcomes[0]?.job.id ?? '');
      await client.bull.add('picture', { ...made?.data, version: '9.0.0', surprise: 1 }, { jobId: 'future' });
      await client.bull.add(
        'picture',
        { ...made?.data, prior: { name: 'mars', checksum: 'a' } },
        { jobId: 'prior' },
      );
      await client.bull.add('picture', { ...made?.data, storage: 's3://elsewhere' }, { jobId: 'bucket' });
      await until(() => events.left.length >= 3, 'all are left');
      const status = await client.status();
      assert.is(status.delayed, 3);
      assert.ok(status.left['this worker has no prior mars'], JSON.stringify(status.left));
      assert.is(status.failed, 0);
      await client.close();
    });
  });
});

test("a prior's folder that has changed since is refused, and pictures above a limit are", async ({
  redis,
}) => {
  await withPlace(1, async (place) => {
    const limits = { maxPixels: 1e6, maxBytes: 3e6 };
    const bomb = sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'white' } });
    await put(place, 'bomb.png', await bomb.png({ compressionLevel: 9 }).toBuffer());
    await put(place, 'long.png', Buffer.alloc(3e6 + 1));
    await withWorker({ queue: redis.url, jobsDir: place.root, ...limits }, async (events) => {
      const { summary } = await submitAll(redis.url, place);
      assert.equal([summary.done, summary.failed], [1, 2]);
      assert.equal(
        events.failed.map(({ code }) => code),
        ['UNSUPPORTED_IMAGE', 'UNSUPPORTED_IMAGE'],
      );
    });
    await rm(process.env.FLOW_DENOISE_CACHE ?? '', { recursive: true });
    await submitAll(redis.url, place, { sigma: 26, wait: false });
    const model = await readFile(join(place.prior, 'model.json'), 'utf8');
    await writeFile(join(place.prior, 'model.json'), `${model} `);
    await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
      await until(() => events.failed.length === 3, 'all have failed');
      assert.ok(
        events.failed.some(({ code, message }) => code === 'BAD_PRIOR' && /is not the prior/.test(message)),
      );
    });
  });
});

test('submitting waits while too many wait; failed ones are listed and tried again', async ({ redis }) => {
  await withPlace(30, async (place) => {
    await put(place, 'bad.png', 'no picture');
    const queue = await openQueue({ queue: redis.url, jobsDir: place.root });
    let isSubmitted = false;
    const submitting = submitAll(redis.url, place, { maxWaiting: 10 }).then((result) => {
      isSubmitted = true;
      return result;
    });
    await until(async () => (await queue.status()).waiting > 0, 'some wait');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { waiting } = await queue.status();
    assert.ok(waiting <= 10, `${waiting} wait`);
    assert.not.ok(isSubmitted);
    await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
      assert.equal((await submitting).summary, { submitted: 31, known: 0, done: 30, failed: 1 });
      const failed = [];
      for await (const job of queue.failed()) failed.push(job);
      assert.equal(
        failed.map(({ input, error }) => [input, error?.code]),
        [['in/bad.png', 'BAD_IMAGE']],
      );
      assert.is(await queue.retry(), 1);
      await until(() => events.failed.length === 2, 'it fails again');
    });
    await queue.close();
  });
});

test('a picture that is replaced after it was submitted fails', async ({ redis }) => {
  await withPlace(1, async (place) => {
    await submitAll(redis.url, place, { wait: false });
    await put(place, 'sub/0.png', 7);
    await withWorker({ queue: redis.url, jobsDir: place.root }, async (events) => {
      await until(() => events.failed.length === 1, 'it has failed');
      assert.match(
        events.failed[0]?.message ?? '',
        /has changed since it was submitted\. Submit it again\.$/,
      );
    });
  });
});

work.run();
