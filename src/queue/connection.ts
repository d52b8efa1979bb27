// The connection to Redis or Valkey: address, credentials and faults. Our messages never contain credentials.
import type { Redis } from 'ioredis';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../core/errors.js';

/** A checked address. Plain data, so that it can be sent to a thread. */
export interface QueueAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly isSecure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For messages; without credentials. */
  readonly shown: string;
}

const EXPECTED = 'redis://host:6379, or rediss://host:6380/2 for TLS and the database 2';

/**
 * Reads the address of a queue. User and password come from the URL, or from FLOW_DENOISE_QUEUE_USER and
 * FLOW_DENOISE_QUEUE_PASSWORD. The URL itself may come from FLOW_DENOISE_QUEUE.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function queueAddress(given: string | undefined, env = process.env): QueueAddress {
  const text = given ?? env.FLOW_DENOISE_QUEUE;
  if (text === undefined || text === '') throw badOption(`Expected a URL for queue, such as ${EXPECTED}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const db = /^\/?(\d{0,5})$/.exec(url?.pathname ?? '')?.[1];
  const isKnown = url?.protocol === 'redis:' || url?.protocol === 'rediss:';
  if (!url || !isKnown || url.hostname === '' || db === undefined || url.search !== '' || url.hash !== '') {
    // The text may hold a password, so the message does not repeat it.
    throw badOption(`Expected a URL for queue, such as ${EXPECTED}`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 6379 : Number(url.port);
  return {
    host,
    port,
    db: Number(db),
    isSecure: url.protocol === 'rediss:',
    username: decodeURIComponent(url.username) || env.FLOW_DENOISE_QUEUE_USER || undefined,
    password: decodeURIComponent(url.password) || env.FLOW_DENOISE_QUEUE_PASSWORD || undefined,
    shown: `${url.protocol}//${url.hostname}:${port}/${db === '' ? 0 : db}`,
  };
}

/** Queue names become part of Redis's keys. */
export const QUEUE_NAME = /^[\w.-]{1,100}$/;
export const DEFAULT_QUEUE_NAME = 'pictures';

const LONGEST_RETRY_MS = 2000;

interface ConnectOptions {
  /** Whether to wait for a server that is not up yet; otherwise it is an error. */
  readonly isPatient: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called each time that the server goes away. */
  readonly onLost?: ((error: FlowDenoiseError) => void) | undefined;
  readonly onBack?: (() => void) | undefined;
}

/**
 * Connects. If the connection breaks later, it connects again, and requests wait meanwhile.
 *
 * @throws  FlowDenoiseError QUEUE_FAILED; the signal's reason
 */
export async function connect(
  address: QueueAddress,
  { isPatient, signal, onLost, onBack }: ConnectOptions,
): Promise<Redis> {
  const { Redis } = await loadQueuePackages();
  signal?.throwIfAborted();
  const { host, port, db, username, password } = address;
  const client = new Redis({
    host,
    port,
    db,
    username,
    password,
    ...(address.isSecure && { tls: {} }),
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * 2 ** times, LONGEST_RETRY_MS),
  });
  let isLost = false;
  let isConnected = false;
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown) => {
      client.disconnect();
      reject(reason);
    };
    const onAbort = () => fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    client.on('error', (error: unknown) => {
      const fault = connectionFault(error, address);
      const isFatal = !isConnected && (!isPatient || isRefused(error));
      if (isFatal) fail(fault);
      else if (!isLost) onLost?.(fault);
      isLost = true;
    });
    client.on('ready', () => {
      if (isLost) onBack?.();
      isLost = false;
      isConnected = true;
      signal?.removeEventListener('abort', onAbort);
      resolve(client);
    });
    client.connect().catch(() => {});
  });
}

/** Redis's errors for wrong or missing credentials, or a user without the rights. */
const REFUSALS = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;

function isRefused(error: unknown): boolean {
  return REFUSALS.test(messageOf(error));
}

export function connectionFault(error: unknown, { shown }: QueueAddress): FlowDenoiseError {
  const advice = isRefused(error)
    ? 'refused the user or password. Check FLOW_DENOISE_QUEUE_USER and FLOW_DENOISE_QUEUE_PASSWORD, and the rights of the user'
    : `cannot be reached (${codeOf(error) ?? messageOf(error)}). Check that Redis or Valkey runs there`;
  return new FlowDenoiseError('QUEUE_FAILED', `The queue ${shown} ${advice}.`, { cause: error });
}

/** Imports BullMQ and its Redis client. @throws FlowDenoiseError QUEUE_FAILED with what to install */
export async function loadQueuePackages(): Promise<{
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof import('ioredis').Redis;
}> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (error) {
    throw notInstalled(error, 'A queue', 'bullmq ioredis');
  }
}

/** @throws FlowDenoiseError QUEUE_FAILED with what to install */
export async function loadBucketPackage(): Promise<typeof import('@aws-sdk/client-s3')> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (error) {
    throw notInstalled(error, 'Storage in a bucket', '@aws-sdk/client-s3');
  }
}

/** Turns a failed import into an error: what to install if a package is missing, else the error itself. */
export function notInstalled(error: unknown, what: string, packages: string): unknown {
  const code = codeOf(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  return new FlowDenoiseError(
    'QUEUE_FAILED',
    `${what} needs packages that are not installed. Run npm install ${packages}`,
    { cause: error },
  );
}
