// The connection to Redis or Valkey: address, credentials and faults. Our messages never contain credentials.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../core/errors.js';

export const queueShape = {
  /** redis://host:6379/0, or rediss:// for TLS. Default: the environment's FLOW_DENOISE_QUEUE. */
  queue: z.string().optional().describe('a URL such as redis://host:6379'),
  /** The queue's name, which becomes part of Redis's keys. Default 'pictures'. */
  name: z
    .string()
    .regex(/^[\w.-]{1,100}$/)
    .default('pictures')
    .describe('a name of letters, digits, ".", "_" and "-"'),
};

/** A checked address. Plain data, so that it can be sent to a thread. */
export type QueueAddress = ReturnType<typeof queueAddress>;

/**
 * Reads the address of a queue. User and password come from the URL, or from FLOW_DENOISE_QUEUE_USER and
 * FLOW_DENOISE_QUEUE_PASSWORD. The URL itself may come from FLOW_DENOISE_QUEUE.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function queueAddress(given: string | undefined) {
  const { FLOW_DENOISE_QUEUE = '', FLOW_DENOISE_QUEUE_USER, FLOW_DENOISE_QUEUE_PASSWORD } = process.env;
  const text = given ?? FLOW_DENOISE_QUEUE;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const db = /^\/?(\d{0,5})$/.exec(url?.pathname ?? '')?.[1];
  const isKnown = url?.protocol === 'redis:' || url?.protocol === 'rediss:';
  if (!url || !isKnown || url.hostname === '' || db === undefined || url.search !== '' || url.hash !== '') {
    // The text may hold a password, so the message does not repeat it.
    throw badOption(
      'Expected a URL for queue, such as redis://host:6379, or rediss://host:6380/2 for TLS and the database 2',
    );
  }
  const port = Number(url.port || 6379);
  return {
    /** For ioredis. */
    server: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      db: Number(db),
      username: decodeURIComponent(url.username) || FLOW_DENOISE_QUEUE_USER || undefined,
      password: decodeURIComponent(url.password) || FLOW_DENOISE_QUEUE_PASSWORD || undefined,
      ...(url.protocol === 'rediss:' && { tls: {} }),
    },
    /** For messages; without credentials. */
    shown: `${url.protocol}//${url.hostname}:${port}/${Number(db)}`,
  };
}

const LONGEST_RETRY_MS = 2000;

interface ConnectOptions {
  /** Whether to wait for a server that is not up yet; otherwise it is an error. */
  readonly isPatient: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called each time that the server goes away. */
  readonly onLost?: ((error: FlowDenoiseError) => void) | undefined;
  readonly onBack?: (() => void) | undefined;
}

/** If the connection breaks later, it connects again; requests wait. @throws FlowDenoiseError QUEUE_FAILED; the signal's reason */
export async function connect(
  address: QueueAddress,
  { isPatient, signal, onLost, onBack }: ConnectOptions,
): Promise<Redis> {
  const { Redis } = await imported(import('ioredis'), 'bullmq ioredis');
  signal?.throwIfAborted();
  const client = new Redis({
    ...address.server,
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

export const loadBullmq = (): Promise<typeof import('bullmq')> =>
  imported(import('bullmq'), 'bullmq ioredis');

/** Waits for the import of a package that users install. @throws FlowDenoiseError QUEUE_FAILED with what to install */
export async function imported<Module>(loading: Promise<Module>, packages: string): Promise<Module> {
  try {
    return await loading;
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND' && codeOf(error) !== 'MODULE_NOT_FOUND') throw error;
    const message = `The queue needs packages that are not installed. Run npm install ${packages}`;
    throw new FlowDenoiseError('QUEUE_FAILED', message, { cause: error });
  }
}
