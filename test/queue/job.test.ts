// What is checked before a job is taken: its shape, its version, its paths; and the address of a queue. No server.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { imported, queueAddress } from '#src/queue/connection.js';
import { startWorker, submit } from '#src/queue/index.js';
import {
  JOB_FORMAT,
  type JobData,
  jobOptionsSchema,
  LeftToOthers,
  parseJob,
  reasonOf,
  reasonText,
} from '#src/queue/job.js';
import { openStorage } from '#src/queue/storage/open-storage.js';
import { checkPath } from '#src/queue/storage/storage.js';
import { rejection } from '../tile/rejection.js';

const JOB: JobData = {
  format: JOB_FORMAT,
  version: '1.0.0',
  storage: 'folder',
  input: 'in/a.png',
  output: 'out/a.png',
  keepsExisting: false,
  content: 'abc',
  bytes: 3,
  prior: { name: 'natural', checksum: 'abc' },
  options: jobOptionsSchema.parse({ sigma: 25 }),
};

test('a job goes through JSON and comes back', () => {
  assert.equal(parseJob(JSON.parse(JSON.stringify(JOB)), '1.0.0', 'folder'), JOB);
});

test('another version and another storage are left to others, whatever else is in the job', () => {
  const future = { ...JOB, format: 2, version: '9.0.0', options: { magic: true }, input: ['a'] };
  assert.throws(
    () => parseJob(future, '1.0.0', 'folder'),
    (error: Error) => {
      assert.instance(error, LeftToOthers);
      return error.message === 'it is for flow-denoise 9.0.0, and this worker has 1.0.0';
    },
  );
  assert.throws(
    () => parseJob(JOB, '1.0.0', 's3://pictures'),
    (error: Error) => error instanceof LeftToOthers,
  );
});

test('what is no job, or a job with a wrong field, is refused', () => {
  for (const wrong of [
    undefined,
    'rm -rf',
    {},
    { ...JOB, options: { ...JOB.options, sigma: -1 } },
    { ...JOB, code: 'process.exit()' },
    { ...JOB, options: { ...JOB.options, engine: 'onnx' } },
    { ...JOB, input: '' },
  ])
    assert.throws(
      () => parseJob(wrong, '1.0.0', 'folder'),
      (error: FlowDenoiseError) => {
        assert.instance(error, FlowDenoiseError);
        return error.code === 'BAD_OPTION';
      },
    );
});

const submitting = (options: object) =>
  rejection(submit({ queue: 'redis://queue', inputs: '.', output: 'out', ...options } as never)).then(String);

test('options: those of the worker are not taken, and no functions', async () => {
  for (const options of [{ engine: 'onnx' }, { threads: 2 }, { cache: true }, { sigma: 'much' }])
    assert.match(await submitting(options), /: Expected /);
  const model = { name: 'mine', logLikelihood: () => 0, gradient: () => 0 };
  assert.match(await submitting({ noise: model }), /jobs carry none/);
});

test('paths: only parts below the root', () => {
  for (const path of [
    '../a.png',
    'a/../../b.png',
    '/etc/passwd',
    'a//b.png',
    './a.png',
    'a\\..\\b.png',
    '',
    'a\0.png',
  ])
    assert.throws(() => checkPath(path), /expected a path below the root/, path);
  const part = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/^\.{1,2}$|[/\\\0]/.test(text));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => checkPath(parts.join('/'))),
  );
});

test('the address of a queue: credentials from the URL or the environment, and never in what is shown', () => {
  const before = process.env;
  try {
    process.env = {};
    const given = queueAddress('rediss://me:secret%21@queue:6380/2');
    const { server } = given;
    assert.equal([server.username, server.password, server.db, server.tls], ['me', 'secret!', 2, {}]);
    assert.is(given.shown, 'rediss://queue:6380/2');
    for (const wrong of [
      '',
      'queue:6379',
      'http://queue',
      'redis://',
      'redis://queue/x',
      'redis://me:secret@',
    ])
      assert.throws(
        () => queueAddress(wrong),
        (error: Error) => /^Expected a URL/.test(error.message) && !/secret/.test(error.message),
      );
    process.env = { FLOW_DENOISE_QUEUE: 'redis://[::1]', FLOW_DENOISE_QUEUE_PASSWORD: 'secret' };
    const { host, port, password } = queueAddress(undefined).server;
    assert.equal([host, port, password], ['::1', 6379, 'secret']);
  } finally {
    process.env = before;
  }
});

test('wrong options are refused at once, in one line', async () => {
  for (const options of [
    { queue: 'nonsense' },
    { name: 'a:b' },
    { concurrency: 0 },
    { lockMs: 1 },
    { magic: 1 },
  ])
    assert.throws(() => startWorker({ queue: 'redis://queue', ...options } as never), /^Expected /);
  const wrong = [{ sigma: 999 }, { maxWaiting: 0 }, { names: 'some' }, { magic: 1 }, { engine: 'onnx' }];
  for (const options of wrong) assert.match(await submitting(options), /Expected /, JSON.stringify(options));
  for (const [place, message] of [
    [{ jobsDir: '/no/such' }, /Expected /],
    [{ storage: 's3://B' }, /Expected /],
    [{ jobsDir: '.', storage: 's3://abc' }, /Pass either jobsDir or storage, not both/],
    [{ endpoint: 'x' }, /Pass storage .* with endpoint/],
  ] as const)
    assert.match(String(await rejection(openStorage(place))), message, JSON.stringify(place));
});

test('a package that is not installed: what to install', async () => {
  const error = await rejection(imported(import('no-such-package' as string), 'bullmq ioredis'));
  assert.instance(error, FlowDenoiseError);
  assert.match(String(error), /needs packages that are not installed\. Run npm install bullmq ioredis$/);
});

test('reasons go through text', () => {
  const error = new FlowDenoiseError('BAD_IMAGE', 'a.png: found text\nin it');
  assert.equal(reasonOf(reasonText(error)), { code: 'BAD_IMAGE', message: 'a.png: found text; in it' });
  assert.is(reasonOf('job stalled more than allowable limit').code, 'WORKER_LOST');
  assert.equal(reasonOf(undefined).code, 'UNKNOWN');
});

test.run();
