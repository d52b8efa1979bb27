// A server that denoises on other machines: it stores a picture, puts a job into the queue and answers 202 at once; the
// result is fetched when it is there. Workers run elsewhere, on the same folder:
//   npm install flow-denoise bullmq ioredis
//   npx flow-denoise worker --jobs-dir jobs &
//   node server.mjs
//   curl -i --data-binary @noisy.png http://localhost:8080/pictures      202, and a Location
// FLOW_DENOISE_QUEUE names the queue, JOBS_DIR another folder, PRIOR another prior.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { openQueue } from 'flow-denoise/queue';

const {
  JOBS_DIR: jobsDir = 'jobs',
  FLOW_DENOISE_QUEUE: url = 'redis://localhost:6379',
  PRIOR: prior,
} = process.env;
const MOST_BYTES = 50e6;
const inbox = join(jobsDir, 'in');
const outbox = join(jobsDir, 'out');

await mkdir(inbox, { recursive: true });
const queue = await openQueue({ queue: url, jobsDir, maxWaiting: 500 });

async function receive(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    // The rest of what is too large is read and dropped: a client that still sends does not get to read an answer.
    if (length <= MOST_BYTES) chunks.push(chunk);
  }
  if (length > MOST_BYTES) return undefined;
  const bytes = Buffer.concat(chunks);
  // The name is made of the bytes, so the same upload is the same picture and the same job.
  const name = createHash('sha256').update(bytes).digest('hex');
  const file = join(inbox, `${name}.png`);
  await writeFile(`${file}.part`, bytes);
  await rename(`${file}.part`, file);
  return file;
}

async function answer(request, response) {
  const end = (status, body, headers = {}) =>
    response.writeHead(status, headers).end(Buffer.isBuffer(body) ? body : `${JSON.stringify(body)}\n`);
  if (request.method === 'POST' && request.url === '/pictures') {
    const input = await receive(request);
    if (input === undefined) return end(413, { error: 'too large' });
    const { id } = await queue.submit({ input, output: outbox, prior, method: 'posterior-mean' });
    return end(202, { id }, { location: `/pictures/${id}` });
  }
  const id = /^\/pictures\/([0-9a-f]{32})$/.exec(request.url ?? '')?.[1];
  const job = id && (await queue.job(id));
  if (!job) return end(404, { error: 'no such picture' });
  if (job.state === 'failed') return end(422, { error: job.error?.message });
  if (job.state !== 'done') return end(202, { state: job.state }, { 'retry-after': '1' });
  return end(200, await readFile(join(jobsDir, job.output)), { 'content-type': 'application/octet-stream' });
}

const server = createServer((request, response) =>
  answer(request, response).catch((error) => {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(error.code === 'QUEUE_FAILED' ? 503 : 500);
    response.end();
  }),
);
server.listen(process.env.PORT ?? 8080, () => console.log(`port ${server.address().port}`));
process.once('SIGTERM', () => server.close(() => queue.close()));
