// Pictures, results and the prior in a bucket of a real S3 server.
import { readFile } from 'node:fs/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { submit } from '#src/queue/index.js';
import { openStorage } from '#src/queue/storage/open-storage.js';
import { fixtureFolder } from '../core/fixture.js';
import { rejection } from '../tile/rejection.js';
import { forgetPriors, QUICK, smallPicture, withWorker } from './queueing.js';
import { type BucketServer, hasRedis, type RedisServer, startBucketServer, startRedis } from './servers.js';

const bucket = suite<{ redis: RedisServer; server: BucketServer; client: S3Client }>('bucket', {} as never);
bucket.before(async (context) => {
  context.server = await startBucketServer();
  context.client = new S3Client({
    endpoint: context.server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  if (hasRedis) context.redis = await startRedis();
});
bucket.after(async ({ redis, server, client }) => {
  client.destroy();
  await redis?.stop();
  await server.stop();
  await forgetPriors();
});

const Bucket = 'pictures';

bucket(
  'reads what is whole and the same, writes once, and nothing outside its prefix',
  async ({ server, client }) => {
    const storage = await openStorage({ storage: 's3://pictures/inner', endpoint: server.endpoint });
    const writing = { id: 'a', isAgain: false, keepsExisting: false };
    await storage.write('inner/a b+\u00fc.png', Buffer.from('one'), writing);
    const { content } = await storage.find('inner/a b+\u00fc.png');
    assert.equal((await storage.read('inner/a b+\u00fc.png', { most: 10, content })).toString(), 'one');
    await client.send(new PutObjectCommand({ Bucket, Key: 'inner/a b+\u00fc.png', Body: 'two' }));
    const reads = {
      changed: storage.read('inner/a b+\u00fc.png', { most: 10, content }),
      large: storage.read('inner/a b+\u00fc.png', { most: 2 }),
      gone: storage.read('inner/b.png', { most: 10 }),
      outside: storage.read('other/a.png', { most: 10 }),
      parent: storage.read('inner/../other/a.png', { most: 10 }),
    };
    const messages = await Promise.all(Object.values(reads).map((read) => rejection(read).then(String)));
    for (const [index, expected] of [
      /has changed since/,
      /expected at most 2/,
      /is not there/,
      /lies outside s3:\/\/pictures\/inner/,
      /expected a path below the root/,
    ].entries())
      assert.match(messages[index] ?? '', expected);
    assert.match(
      String(await rejection(storage.write('other.png', Buffer.from('a'), writing))),
      /lies outside/,
    );
    storage.close();
  },
);

bucket('wrong credentials, and a bucket that is not there: one line without secrets', async ({ server }) => {
  const before = process.env.AWS_ACCESS_KEY_ID;
  process.env.AWS_ACCESS_KEY_ID = 'NOBODY';
  const storage = await openStorage({ storage: 's3://pictures', endpoint: server.endpoint });
  const denied = String(await rejection(storage.read('a.png', { most: 10 })));
  process.env.AWS_ACCESS_KEY_ID = before;
  storage.close();
  assert.match(
    denied,
    /^FlowDenoiseError: s3:\/\/pictures\/a\.png: the storage answered with an error \(InvalidAccessKeyId, 403\)\. .*the credentials/,
  );
  assert.not.match(denied, /NOBODY|S3RVER|\n/);
  const missing = await openStorage({ storage: 's3://nobodys', endpoint: server.endpoint });
  assert.match(
    String(await rejection(missing.read('a.png', { most: 10 }))),
    /NoSuchBucket, 404.*Check the name of the bucket/,
  );
  missing.close();
});

const test = hasRedis ? bucket : bucket.skip;
test('pictures of a prefix come back under another, with a prior from the bucket', async ({
  redis,
  server,
  client,
}) => {
  for (const file of ['model.json', 'weights.safetensors']) {
    const Body = await readFile(`${fixtureFolder('conditioned')}${file}`);
    await client.send(new PutObjectCommand({ Bucket, Key: `work/prior/${file}`, Body }));
  }
  for (const [Key, seed] of [
    ['work/in/a.png', 1],
    ['work/in/below/b.png', 2],
  ] as const)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: await smallPicture(seed) }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'work/in/notes.txt', Body: 'no picture' }));
  const { endpoint } = server;
  const options = {
    ...QUICK,
    queue: redis.url,
    endpoint,
    inputs: 's3://pictures/work/in',
    output: 's3://pictures/work/out',
    prior: 's3://pictures/work/prior',
    wait: true,
  };
  await withWorker({ queue: redis.url, storage: 's3://pictures/work', endpoint }, async (events) => {
    assert.equal(await submit(options), { submitted: 2, known: 0, done: 2, failed: 0 });
    assert.equal(await submit(options), { submitted: 2, known: 2, done: 2, failed: 0 });
    assert.equal([...events.done].sort(), [
      's3://pictures/work/out/a.png',
      's3://pictures/work/out/below/b.png',
    ]);
    await submit({ ...options, names: 'id' });
  });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'work/out/' }));
  const keys = Contents.map(({ Key }) => Key ?? '');
  assert.is(keys.length, 4);
  assert.is(keys.filter((key) => /^work\/out\/[0-9a-f]{32}\.png$/.test(key)).length, 2);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'work/out/a.png' }));
  assert.is((await sharp(await Body?.transformToByteArray()).metadata()).width, 32);
});

bucket.run();
