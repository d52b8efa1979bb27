// The thread that renews the locks of a worker's jobs. It has its own connection, so that a busy main thread loses no lock.
import { parentPort, workerData } from 'node:worker_threads';
import { connect, loadQueuePackages } from './connection.js';
import type { KeeperData, KeeperMessage, KeeperReport } from './lock-keeper.js';

const { address, name, lockMs } = workerData as KeeperData;
const port = parentPort;
if (!port) throw new Error('lock-keeper-thread runs in a worker thread only');

/** A job and the token that proves our lock. A job may be held twice: lost, and taken again. */
interface Lock {
  readonly id: string;
  readonly token: string;
}

const held = new Map<string, Lock>();
const keyOf = ({ id, token }: Lock) => `${id} ${token}`;

const client = await connect(address, { isPatient: true });
const { bullmq } = await loadQueuePackages();
const queue = new bullmq.Queue(name, { connection: client });
queue.on('error', () => {});

const tell = (report: KeeperReport) => port.postMessage(report);

/** @returns the locks that are no longer ours */
async function extend(locks: readonly Lock[]): Promise<readonly Lock[]> {
  const ids = locks.map(({ id }) => id);
  const tokens = locks.map(({ token }) => token);
  const lost: readonly string[] = await queue.getBackend().extendLocks(ids, tokens, lockMs);
  return locks.filter(({ id }) => lost.includes(id));
}

let isExtending = false;
const timer = setInterval(async () => {
  // One request at a time: with the server away, they would pile up and all be sent when it is back.
  if (isExtending || held.size === 0) return;
  isExtending = true;
  try {
    for (const lock of await extend([...held.values()]))
      if (held.delete(keyOf(lock))) tell({ lost: lock.id });
  } catch {
    // The server is away or refuses. The locks last until the next try, or are lost, which is reported then.
  } finally {
    isExtending = false;
  }
}, lockMs / 4);

port.on('message', async (message: KeeperMessage) => {
  if ('close' in message) {
    clearInterval(timer);
    client.disconnect();
    port.close();
    return;
  }
  const key = keyOf(message);
  if ('release' in message) {
    held.delete(key);
    return;
  }
  held.set(key, message);
  const isHeld = await extend([message]).then(
    (lost) => lost.length === 0,
    () => false,
  );
  if (!isHeld) held.delete(key);
  tell({ answer: message.question, isHeld });
});
tell({ ready: true });
