// The servers of the tests: a Redis on a free port of 127.0.0.1 and an S3 server in this process. Whoever starts one
// stops it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import S3rver from 's3rver';

const onPath = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

export const hasRedis: boolean = onPath('redis-server');
if (!hasRedis) console.log('SKIP the tests of the queue: there is no redis-server on the PATH');

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** A client of the tests. */
  readonly client: Redis;
  /** Ends it as a crash does; what it had written to disk stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port with what is on disk. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param lines  of its configuration, beside those of ours */
export async function startRedis(lines: readonly string[] = []): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-redis-'));
  const port = await freePort();
  const config = join(folder, 'redis.conf');
  const own = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    'save ""',
    'appendonly yes',
    'appendfsync always',
  ];
  await writeFile(config, [...own, ...lines, ''].join('\n'));
  let server: ChildProcess | undefined;
  const client = new Redis({ port, lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => {});

  async function start(): Promise<void> {
    const started = spawn('redis-server', [config], { stdio: ['ignore', 'pipe', 'inherit'] });
    server = started;
    let output = '';
    for await (const chunk of started.stdout.setEncoding('utf8')) {
      output += chunk;
      if (output.includes('Ready to accept connections')) break;
    }
    started.stdout.resume();
    if (started.exitCode !== null) throw new Error(output);
    for (let i = 0; i < 200 && client.status !== 'ready' && lines.length === 0; i++) {
      if (client.status === 'wait') client.connect().catch(() => {});
      await delay(10);
    }
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!server || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client,
    start,
    kill: () => end('SIGKILL'),
    async stop() {
      client.disconnect();
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface BucketServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** An S3 server with a bucket `pictures`; its credentials go into the environment, where the SDK looks for them. */
export async function startBucketServer(): Promise<BucketServer> {
  const directory = await mkdtemp(join(tmpdir(), 'flow-denoise-s3-'));
  const configureBuckets = [{ name: 'pictures', configs: [] }];
  const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets });
  const { port } = await server.run();
  process.env.AWS_ACCESS_KEY_ID = 'S3RVER';
  process.env.AWS_SECRET_ACCESS_KEY = 'S3RVER';
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
